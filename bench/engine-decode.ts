/**
 * Tokens a second of sampling, against a KV-cache loop written by hand in PyTorch and against transformers' generate,
 * on the same weights, prompts and threads. Prompts and answers have fixed lengths and no stop token, so that all do
 * the same work; what the engine gains by letting finished samples leave the batch is not in these figures.
 *
 *   npm run bench -- engine-decode [--quick] [--set rounds=9] [--set shape=grpo] [--threads 1 --set clock=cpu]
 *
 * `embedded` weights are packed into the sessions, as for an evaluation; `fed` ones may change between requests at no
 * cost, as in reinforcement learning.
 *
 * On a machine that is busy with other work, wall time says little: `clock=cpu` with one thread counts the processor time
 * of each process instead.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saveModel } from '../src/engine/checkpoint/model-directory.ts';
import { type ModelConfig, parseModelConfig } from '../src/engine/model/model-config.ts';
import { initializeWeights, parameterCount } from '../src/engine/model/weights.ts';
import { createDecoder, type Decoder } from '../src/engine/sampling/decoder.ts';
import { createRandom } from '../src/foundation/random.ts';
import {
  type BenchOptions,
  type Measurement,
  measurementOf,
  type PythonProcess,
  runAlternating,
  startPython,
} from './harness.ts';

interface Shape {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly prompts: number;
  readonly samplesPerPrompt: number;
  readonly promptTokens: number;
  readonly newTokens: number;
}

const family = {
  model_type: 'qwen2',
  num_hidden_layers: 4,
  max_position_embeddings: 256,
  tie_word_embeddings: true,
};
const shapes: readonly Shape[] = [
  {
    name: 'batch32',
    config: {
      ...family,
      vocab_size: 2048,
      hidden_size: 256,
      intermediate_size: 704,
      num_attention_heads: 4,
      num_key_value_heads: 4,
    },
    prompts: 32,
    samplesPerPrompt: 1,
    promptTokens: 32,
    newTokens: 48,
  },
  {
    name: 'batch32 of the shipped size',
    config: {
      ...family,
      vocab_size: 7154,
      hidden_size: 224,
      intermediate_size: 608,
      num_attention_heads: 7,
      num_key_value_heads: 7,
    },
    prompts: 32,
    samplesPerPrompt: 1,
    promptTokens: 32,
    newTokens: 48,
  },
  {
    name: 'grpo',
    config: {
      ...family,
      vocab_size: 1200,
      hidden_size: 160,
      intermediate_size: 432,
      num_attention_heads: 5,
      num_key_value_heads: 5,
    },
    prompts: 8,
    samplesPerPrompt: 8,
    promptTokens: 32,
    newTokens: 48,
  },
];

interface Case extends Shape {
  readonly model: ModelConfig;
  readonly tokens: readonly Int32Array[];
}

function createCase(shape: Shape, quick: boolean): Case {
  const model = parseModelConfig(shape.config, shape.name);
  const random = createRandom(1);
  const newTokens = quick ? 8 : shape.newTokens;
  const tokens = Array.from({ length: shape.prompts }, () =>
    Int32Array.from({ length: shape.promptTokens }, () => random.int(model.vocabSize)),
  );
  return { ...shape, newTokens, model, tokens };
}

type Clock = 'wall' | 'cpu';

function secondsOf(clock: Clock): number {
  if (clock === 'wall') return performance.now() / 1000;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function ours(decoder: Decoder, shape: Case, seed: number, clock: Clock): Promise<number> {
  const start = secondsOf(clock);
  const groups = await decoder.sample({
    prompts: shape.tokens,
    samplesPerPrompt: shape.samplesPerPrompt,
    maxNewTokens: shape.newTokens,
    temperature: 1,
    stopTokens: [],
    seed,
  });
  const seconds = secondsOf(clock) - start;
  return groups.flat().reduce((sum, { tokens }) => sum + tokens.length, 0) / seconds;
}

async function theirs(
  python: PythonProcess,
  method: 'loop' | 'generate',
  shape: Case,
  clock: Clock,
): Promise<number> {
  const { seconds, tokens } = await python.call<{ seconds: number; tokens: number }>(method, {
    prompts: shape.tokens.map((prompt) => [...prompt]),
    samples: shape.samplesPerPrompt,
    newTokens: shape.newTokens,
    temperature: 1,
    clock,
  });
  return tokens / seconds;
}

async function* measureShape(
  shape: Case,
  options: BenchOptions,
  directory: string,
): AsyncIterable<Measurement> {
  const weights = initializeWeights(shape.model, createRandom(2));
  await saveModel(directory, { config: shape.model, weights });
  const python =
    options.python === undefined
      ? undefined
      : startPython(options.python, 'engine_decode.py', { threads: options.threads });
  try {
    const version = await python?.call<string>('load', { directory, threads: options.threads });
    const rounds = Number(options.settings.rounds ?? (options.quick ? 1 : 7));
    const clock = options.settings.clock === 'cpu' ? 'cpu' : 'wall';
    let seed = 0;
    for (const weightMode of ['embedded', 'fed'] as const) {
      const decoder = createDecoder({ config: shape.model, weights, threads: options.threads, weightMode });
      for (const method of ['loop', 'generate'] as const) {
        options.log(`engine-decode ${shape.name}, weights ${weightMode}: against ${method}`);
        const result = await runAlternating({
          rounds,
          ours: () => ours(decoder, shape, seed++, clock),
          baseline: python && (() => theirs(python, method, shape, clock)),
        });
        const title = method === 'loop' ? 'KV-cache loop' : 'transformers generate';
        yield measurementOf(
          {
            suite: 'engine-decode',
            name: `${shape.name}, weights ${weightMode}, against ${title}`,
            unit: 'tokens/s',
            better: 'higher',
            baselineName: version === undefined ? 'skipped: no Python' : `${title}, PyTorch ${version}`,
            details: {
              parameters: parameterCount(shape.model),
              prompts: shape.prompts,
              samplesPerPrompt: shape.samplesPerPrompt,
              promptTokens: shape.promptTokens,
              newTokens: shape.newTokens,
              threads: options.threads,
              clock,
            },
          },
          result,
        );
      }
      yield await measureUpdate(decoder, shape, weightMode);
      await decoder.close();
    }
  } finally {
    await python?.close();
  }
}

/** What an update of the weights costs the next request: new sessions, with the weights packed again. */
async function measureUpdate(decoder: Decoder, shape: Case, weightMode: string): Promise<Measurement> {
  const once = { prompts: shape.tokens.slice(0, 1), samplesPerPrompt: shape.samplesPerPrompt };
  const request = { ...once, maxNewTokens: 2, temperature: 1, stopTokens: [], seed: 0 };
  const elapsed = async () => {
    const start = performance.now();
    await decoder.sample(request);
    return performance.now() - start;
  };
  const result = await runAlternating({
    rounds: 5,
    ours: async () => {
      const warm = await elapsed();
      decoder.updateWeights();
      return (await elapsed()) - warm;
    },
  });
  const what = {
    suite: 'engine-decode',
    name: `${shape.name}, weights ${weightMode}, update`,
    unit: 'ms',
    better: 'lower',
  } as const;
  return measurementOf({ ...what, baselineName: 'none' }, result);
}

export async function* run(options: BenchOptions): AsyncIterable<Measurement> {
  const directory = mkdtempSync(join(tmpdir(), 'querent-bench-'));
  try {
    for (const shape of shapes) {
      if (options.settings.shape !== undefined && options.settings.shape !== shape.name) continue;
      yield* measureShape(createCase(shape, options.quick), options, join(directory, shape.name));
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
