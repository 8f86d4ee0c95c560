/**
 * LoRA on a model of the shape of Qwen2.5-Coder-0.5B: tokens a second and peak memory against transformers + PEFT on the same
 * weights, batch and threads, each side in a process of its own, steps in turns. Then the same with packed base weights.
 *
 *   npm run bench -- llm-lora [--quick] [--set rounds=2] [--set only=int4] [--set checkpoint=DIRECTORY]
 *
 * A step takes seconds: few are made. Where other programs use the machine, `cpuSeconds` in the details says what each
 * side took of it. What packed weights cost in quality: `llm-packed`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineOptions } from '../src/engine/engine.ts';
import type { Datum } from '../src/engine/policy.ts';
import { createRandom } from '../src/foundation/random.ts';
import {
  type BenchOptions,
  type Measurement,
  measurementOf,
  median,
  runAlternating,
  startPython,
} from './harness.ts';
import { type LlmReply, startLlmChild } from './support/llm-child.ts';
import { type ModelShape, randomCheckpoint, shapeOf } from './support/llm-shape.ts';

const RANK = 16;
const SEQUENCES = 2;
const adam = { learningRate: 1e-4, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, gradientClip: 1 };

const cases: Readonly<Record<string, Partial<EngineOptions>>> = {
  fp32: { baseWeights: 'fp32' },
  'fp32 keeping the inputs of layers': { baseWeights: 'fp32', checkpointing: 'layers' },
  'as stored, bf16': {},
  fp16: { baseWeights: 'fp16' },
  int8: { baseWeights: 'int8' },
  int4: { baseWeights: 'int4' },
  'int4 keeping the inputs of layers': { baseWeights: 'int4', checkpointing: 'layers' },
};

interface Step {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly losses: readonly number[];
  readonly peakBytes: number;
}

type TakeStep = () => Promise<Step>;

function batchOf(shape: ModelShape, length: number): Datum[] {
  const random = createRandom(1);
  return Array.from({ length: SEQUENCES }, () => {
    const tokens = Int32Array.from({ length: length + 1 }, () => random.int(shape.vocab_size));
    return {
      inputTokens_T: tokens.slice(0, length),
      targetTokens_T: tokens.slice(1),
      weights_T: new Float32Array(length).fill(1 / (SEQUENCES * length)),
    };
  });
}

/** Steps of one side with what they showed. */
class Side {
  readonly steps: Step[] = [];
  readonly #take: TakeStep;
  readonly #tokens: number;

  constructor(take: TakeStep, tokens: number) {
    this.#take = take;
    this.#tokens = tokens;
  }

  async tokensPerSecond(): Promise<number> {
    const step = await this.#take();
    this.steps.push(step);
    return this.#tokens / step.seconds;
  }

  get peakBytes(): number {
    return Math.max(...this.steps.map(({ peakBytes }) => peakBytes));
  }

  facts() {
    const { steps } = this;
    return {
      cpuSeconds: median(steps.slice(1).map(({ cpuSeconds }) => cpuSeconds)),
      firstLoss: steps[0]!.losses[0],
      lastLoss: steps.at(-1)!.losses.at(-1),
    };
  }
}

function ratioOf(ours: number, theirs: number | null): Pick<Measurement, 'value' | 'baseline' | 'ratio'> {
  return { value: ours, baseline: theirs, ratio: theirs === null ? null : theirs / ours };
}

async function* compare(
  name: string,
  ours: Side,
  theirs: Side | undefined,
  version: string,
  options: BenchOptions,
) {
  const rounds = Number(options.settings.rounds ?? (options.quick ? 1 : 3));
  const result = await runAlternating({
    rounds,
    ours: () => ours.tokensPerSecond(),
    baseline: theirs && (() => theirs.tokensPerSecond()),
  });
  const what = { suite: 'llm-lora', baselineName: version };
  const details = { threads: options.threads, ours: ours.facts(), baseline: theirs?.facts() };
  const speed = measurementOf(
    { ...what, name: `${name}: speed`, unit: 'tokens/s', better: 'higher' },
    result,
  );
  yield { ...speed, details: { ...speed.details, sides: details } };
  yield {
    ...what,
    name: `${name}: peak memory`,
    unit: 'bytes',
    ...ratioOf(ours.peakBytes, theirs?.peakBytes ?? null),
  };
}

export async function* run(options: BenchOptions): AsyncIterable<Measurement> {
  const { python, threads, settings, quick, log } = options;
  if (python === undefined && settings.checkpoint === undefined) {
    log('llm-lora needs Python to make a random checkpoint, or --set checkpoint=DIRECTORY');
    return;
  }
  const shape = shapeOf(options);
  const folder = mkdtempSync(join(tmpdir(), 'querent-llm-'));
  const baseline = python === undefined ? undefined : startPython(python, 'llm_lora.py', { threads });
  try {
    const directory = settings.checkpoint ?? (await randomCheckpoint(python!, shape, folder));
    const length = quick ? 64 : 256;
    const batch = batchOf(shape, length);
    const rows = batch.map(({ inputTokens_T, targetTokens_T }) => [[...inputTokens_T], [...targetTokens_T]]);
    const checkpointing = settings.baselineCheckpointing === 'true';
    const torch = await baseline?.call<string>('load', { directory, rank: RANK, threads, checkpointing });
    const version = torch === undefined ? 'skipped: no Python' : `transformers + PEFT, PyTorch ${torch}`;
    for (const [name, own] of Object.entries(cases)) {
      if (settings.only !== undefined && !settings.only.split(',').includes(name)) continue;
      log(`llm-lora ${name} …`);
      const child = startLlmChild();
      try {
        const policy: EngineOptions = {
          directory,
          lora: { rank: RANK, alpha: 2 * RANK },
          seed: 1,
          threads,
          maxLength: 2 * length,
          ...own,
        };
        await child.call({ verb: 'create', options: policy });
        const take = (): Promise<LlmReply> => child.call({ verb: 'step', batches: [batch], adam });
        const theirs = baseline && (() => baseline.call<Step>('steps', { batches: [rows] }));
        const tokens = SEQUENCES * length;
        const other = theirs && new Side(theirs, tokens);
        yield* compare(`${name}, LoRA r${RANK}`, new Side(take, tokens), other, version, options);
      } finally {
        child.stop();
      }
    }
  } finally {
    await baseline?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
