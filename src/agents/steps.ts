/** Runs the steps of one question: tells who watches, takes the time, stops when the question is withdrawn. */
import { refuseIfAborted } from './errors.ts';
import type { AskOptions, ObservePipeline, Payload, PipelineStep, StepReport } from './pipeline.ts';

export interface StepRunner {
  readonly observe: ObservePipeline;
  /** Whether anybody watches: what is only told need not be made. */
  readonly isWatched: boolean;
  readonly reports: readonly StepReport[];
  /** Runs one step; `payloadOf` says a few figures of what came out. */
  run<T>(
    step: PipelineStep,
    work: () => T | Promise<T>,
    payloadOf?: (result: T) => Readonly<Record<string, Payload>>,
  ): Promise<T>;
}

export function createStepRunner({ signal, observe: watcher }: AskOptions): StepRunner {
  const reports: StepReport[] = [];
  const observe: ObservePipeline = watcher ?? (() => {});
  return {
    observe,
    isWatched: watcher !== undefined,
    reports,
    run: async (step, work, payloadOf) => {
      refuseIfAborted(signal);
      observe({ type: 'step-start', step });
      const startedAt = performance.now();
      const result = await work();
      refuseIfAborted(signal);
      const report = { step, elapsedMs: performance.now() - startedAt, payload: payloadOf?.(result) ?? {} };
      reports.push(report);
      observe({ type: 'step-end', ...report });
      return result;
    },
  };
}
