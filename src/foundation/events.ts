/**
 * What every layer reports while it works. Layers emit to an injected `observe`; only sinks (terminal, JSONL,
 * server-sent events, trackers) print. Event names are noun-verb.
 */

export type Metrics = Readonly<Record<string, number>>;

export type RunEvent =
  | { readonly type: 'stage-start'; readonly stage: string; readonly title: string }
  | { readonly type: 'stage-end'; readonly stage: string; readonly title: string; readonly elapsedMs: number }
  /** Work that is counted: `done` of `total`; a sink turns it into a bar with the time left. */
  | {
      readonly type: 'progress';
      readonly stage: string;
      readonly label: string;
      readonly done: number;
      readonly total: number;
    }
  /** One optimizer step of a training stage (`sft`, `grpo`). */
  | {
      readonly type: 'step-end';
      readonly stage: string;
      readonly step: number;
      readonly total: number;
      readonly metrics: Metrics;
    }
  /** One evaluation of a set by name. */
  | {
      readonly type: 'evaluation-end';
      readonly stage: string;
      readonly set: string;
      readonly step: number;
      readonly metrics: Metrics;
    }
  | {
      readonly type: 'checkpoint-end';
      readonly stage: string;
      readonly step: number;
      readonly directory: string;
    }
  | { readonly type: 'note'; readonly message: string }
  | { readonly type: 'warning'; readonly code: string; readonly message: string };

export type Observe = (event: RunEvent) => void;

/** For callers that do not want to watch. */
export const ignoreEvents: Observe = () => {};

/** One observer that feeds several. */
export function fanOut(...observers: readonly Observe[]): Observe {
  return (event) => {
    for (const observe of observers) observe(event);
  };
}
