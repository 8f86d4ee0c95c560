/**
 * Sampling calls of questions that are asked at the same time, as one call: a model of this size spends most of a step on
 * reading its weights, and reads them once for all. While a batch runs, what arrives waits for the next one, so batches grow
 * with the load and a single question hardly waits. Each prompt draws from its own random stream: what is drawn for a question
 * does not depend on its neighbours (up to rounding). A call whose signal is aborted leaves the queue. Knows sampling calls;
 * knows no questions.
 */
import type { Policy, SampleControl, SampledSequence, SampleRequest } from '../../engine/policy.ts';
import { QuerentError } from '../../foundation/errors.ts';

export interface SharedSamplingOptions {
  /** How long the first question of a batch waits for others while nothing runs. Default 1 ms. */
  readonly windowMs?: number;
  /** Sequences of one call at most. Default 64. */
  readonly sequencesMax?: number;
  /** Told of every call, for metrics. */
  readonly onBatch?: (prompts: number) => void;
}

interface Waiting {
  readonly request: SampleRequest;
  /** Requests with the same key may share a call. */
  readonly key: string;
  readonly sequences: number;
  readonly signal: AbortSignal | undefined;
  readonly onToken: SampleControl['onToken'];
  readonly resolve: (groups: readonly (readonly SampledSequence[])[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Everything but the prompts. A constraint's options are as long as the vocabulary; its key stands for them. */
const keyOf = ({ prompts: _, constraint, ...rest }: SampleRequest): string => {
  const named = constraint?.key === undefined ? constraint : { ...constraint, options: undefined };
  return JSON.stringify([rest, named]);
};

/** Aborted when nobody of a batch waits any more; undefined where somebody always will. */
function signalOfAll(batch: readonly Waiting[]): AbortSignal | undefined {
  const signals = batch.flatMap(({ signal }) => signal ?? []);
  if (signals.length < batch.length) return undefined;
  const controller = new AbortController();
  const check = (): void => {
    if (signals.every(({ aborted }) => aborted)) controller.abort();
  };
  for (const signal of signals) signal.addEventListener('abort', check, { once: true });
  check();
  return controller.signal;
}

/** Tells each of a batch of its own prompts; undefined where nobody listens. */
function tokensToEach(batch: readonly Waiting[]): SampleControl['onToken'] {
  if (batch.every(({ onToken }) => onToken === undefined)) return undefined;
  const owners = batch.flatMap((waiting) =>
    waiting.request.prompts.map((_, prompt) => ({ waiting, prompt })),
  );
  return (prompt, sample, token) => {
    const owner = owners[prompt]!;
    owner.waiting.onToken?.(owner.prompt, sample, token);
  };
}

const withdrawn = (): QuerentError =>
  new QuerentError('agents/aborted', 'the question was withdrawn before it was answered', {
    next: 'Ask it again.',
  });

export function shareSampling(policy: Policy, options: SharedSamplingOptions = {}): Policy {
  const { windowMs = 1, sequencesMax = 64, onBatch } = options;
  let waiting: Waiting[] = [];
  let isRunning = false;
  let isScheduled = false;

  const dropAborted = (): void => {
    for (const { signal, reject } of waiting) if (signal?.aborted === true) reject(withdrawn());
    waiting = waiting.filter(({ signal }) => signal?.aborted !== true);
  };

  /** The oldest, and all that may go with it. */
  const nextBatch = (): Waiting[] => {
    const [first] = waiting;
    if (first === undefined) return [];
    let sequences = 0;
    const taken = waiting.filter((one) => {
      const fits = one === first || sequences + one.sequences <= sequencesMax;
      if (one.key !== first.key || !fits) return false;
      sequences += one.sequences;
      return true;
    });
    waiting = waiting.filter((one) => !taken.includes(one));
    return taken;
  };

  const runBatch = async (batch: readonly Waiting[]): Promise<void> => {
    const prompts = batch.flatMap(({ request }) => request.prompts);
    onBatch?.(prompts.length);
    try {
      const streams = batch.flatMap(({ request }) => request.prompts.map((_, at) => at));
      const signal = signalOfAll(batch);
      const onToken = tokensToEach(batch);
      const groups = await policy.sample(
        { ...batch[0]!.request, prompts, streams },
        { ...(signal === undefined ? {} : { signal }), ...(onToken === undefined ? {} : { onToken }) },
      );
      let at = 0;
      for (const { request, resolve } of batch) {
        resolve(groups.slice(at, at + request.prompts.length));
        at += request.prompts.length;
      }
    } catch (thrown) {
      for (const { reject, signal } of batch) reject(signal?.aborted === true ? withdrawn() : thrown);
    }
  };

  const run = async (): Promise<void> => {
    isScheduled = false;
    if (isRunning) return;
    isRunning = true;
    for (;;) {
      dropAborted();
      const batch = nextBatch();
      if (batch.length === 0) break;
      await runBatch(batch);
    }
    isRunning = false;
  };

  return {
    ...policy,
    sample: (request, control = {}) =>
      new Promise((resolve, reject) => {
        const sequences = request.prompts.length * request.samplesPerPrompt;
        const { signal, onToken } = control;
        waiting.push({ request, key: keyOf(request), sequences, signal, onToken, resolve, reject });
        if (isRunning || isScheduled) return;
        isScheduled = true;
        setTimeout(() => void run(), windowMs);
      }),
  };
}
