/**
 * Training speed: forward, backward, clipping and AdamW, in real tokens a second, against PyTorch on the same batch and
 * threads (`baselines/engine_train.py`). Settings: `--set rounds=5`, `--set steps=3`, `--set only=small`.
 */
import { createLocalPolicy } from '../src/engine/index.ts';
import type { AdamParams, Datum, Policy } from '../src/engine/policy.ts';
import { createRandom, type Random } from '../src/foundation/random.ts';
import {
  type BenchOptions,
  type Measurement,
  measurementOf,
  type PythonProcess,
  runAlternating,
  startPython,
  timed,
} from './harness.ts';

const adam: AdamParams = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0.05,
  gradientClip: 1,
};

interface Shape {
  readonly name: string;
  readonly vocabulary: number;
  readonly width: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly maxLength: number;
  /** Lengths of prompt and completion; only completions are read by the loss. */
  readonly sizes: (random: Random) => readonly [number, number];
}

const SEQUENCES = 32;

const shapes: readonly Shape[] = [
  {
    name: 'd256-32x96',
    vocabulary: 2048,
    width: 256,
    hidden: 688,
    layers: 4,
    heads: 4,
    maxLength: 96,
    sizes: () => [0, 96],
  },
  {
    // What the embedded model sees: a short question, a short SQL text.
    name: 'small-d160-short',
    vocabulary: 1200,
    width: 160,
    hidden: 448,
    layers: 4,
    heads: 4,
    maxLength: 128,
    sizes: (random) => [8 + random.int(18), 10 + random.int(41)],
  },
];

function makeData(shape: Shape): Datum[] {
  const random = createRandom(1);
  return Array.from({ length: SEQUENCES }, () => {
    const [prompt, completion] = shape.sizes(random);
    const length = prompt + completion;
    const tokens = Int32Array.from({ length: length + 1 }, () => random.int(shape.vocabulary));
    return {
      inputTokens_T: tokens.slice(0, length),
      targetTokens_T: tokens.slice(1),
      weights_T: Float32Array.from({ length }, (_, i) => (i < prompt ? 0 : 1 / (SEQUENCES * completion))),
    };
  });
}

function createPolicy(shape: Shape, rank: number, threads: number): Promise<Policy> {
  const config = {
    model_type: 'qwen2',
    vocab_size: shape.vocabulary,
    hidden_size: shape.width,
    intermediate_size: shape.hidden,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.heads,
    max_position_embeddings: shape.maxLength,
    tie_word_embeddings: true,
  };
  return createLocalPolicy({
    config,
    seed: 1,
    threads,
    ...(rank > 0 ? { lora: { rank, alpha: 2 * rank } } : {}),
  });
}

async function prepareBaseline(
  python: PythonProcess,
  shape: Shape,
  rank: number,
  data: readonly Datum[],
  threads: number,
) {
  const { vocabulary, width, hidden, layers, heads, maxLength } = shape;
  return python.call<{ torch: string; paddedTokens: number }>('prepare', {
    model: { vocabulary, width, hidden, layers, heads, rank, max_length: maxLength },
    data: data.map(({ inputTokens_T, targetTokens_T, weights_T }) => ({
      input: Array.from(inputTokens_T),
      target: Array.from(targetTokens_T),
      weights: Array.from(weights_T),
    })),
    threads,
  });
}

async function measure(shape: Shape, rank: number, options: BenchOptions): Promise<Measurement> {
  const { threads, settings, quick } = options;
  const rounds = Number(settings.rounds ?? (quick ? 1 : 7));
  const steps = Number(settings.steps ?? (quick ? 1 : 3));
  const data = makeData(shape);
  const tokens = data.reduce((sum, datum) => sum + datum.inputTokens_T.length, 0);
  const policy = await createPolicy(shape, rank, threads);
  const python =
    options.python === undefined ? undefined : startPython(options.python, 'engine_train.py', { threads });
  try {
    const facts =
      python === undefined ? undefined : await prepareBaseline(python, shape, rank, data, threads);
    const ours = async (): Promise<number> => {
      const { ms } = await timed(async () => {
        for (let step = 0; step < steps; step++) {
          await policy.forwardBackward(data, { name: 'cross_entropy' });
          await policy.optimStep(adam);
        }
      });
      return (1000 * steps * tokens) / ms;
    };
    const baseline =
      python === undefined
        ? undefined
        : async () =>
            (await python.call<{ tokensPerSecond: number }>('steps', { count: steps })).tokensPerSecond;
    const result = await runAlternating({ rounds, ours, baseline });
    return measurementOf(
      {
        suite: 'engine-train',
        name: `${shape.name}-${rank === 0 ? 'full' : `lora-r${rank}`}`,
        unit: 'tokens/s',
        better: 'higher',
        baselineName: facts === undefined ? 'skipped: no Python' : `PyTorch ${facts.torch} CPU`,
        details: { threads, steps, tokens, paddedTokens: facts?.paddedTokens, sequences: SEQUENCES },
      },
      result,
    );
  } finally {
    await policy.close();
    await python?.close();
  }
}

export async function* run(options: BenchOptions): AsyncIterable<Measurement> {
  const only = options.settings.only ?? '';
  for (const shape of shapes) {
    for (const rank of [0, 8]) {
      const name = `${shape.name}-${rank === 0 ? 'full' : 'lora'}`;
      if (!name.includes(only)) continue;
      options.log(`${name} …`);
      yield await measure(shape, rank, options);
    }
  }
}
