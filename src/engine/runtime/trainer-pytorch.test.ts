import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../foundation/files.ts';
import { createRandom } from '../../foundation/random.ts';
import { relativeError } from '../graph/test-gradients.ts';
import { floatWeights } from '../model/base-tensor.ts';
import { toHuggingFaceConfig } from '../model/model-config.ts';
import type { NamedWeights } from '../model/weights.ts';
import type { Datum, LossSpec } from '../policy.ts';
import {
  everyLoss,
  gradientsByName,
  randomData,
  type TinyOptions,
  tinyLlamaRaw,
  tinyMistralRaw,
  tinyQwen3Raw,
  tinyTrainer,
} from './test-models.ts';
import type { Trainer } from './trainer.ts';

const python = join(packageRoot(), process.env.QUERENT_PYTHON ?? join('.venv', 'bin', 'python'));
const hasPython = existsSync(python);

interface Answer {
  readonly loss: number;
  readonly logprobs: readonly number[][];
  readonly gradients: Readonly<Record<string, number[]>>;
}

const plain = (weights: NamedWeights) =>
  Object.fromEntries(
    [...weights].map(([name, { shape, data }]) => [name, { shape, data: Array.from(data) }]),
  );

function requestOf(trainer: Trainer, data: readonly Datum[], loss: LossSpec) {
  const { config, lora } = trainer.options;
  return {
    config: toHuggingFaceConfig(config),
    weights: plain(lora === undefined ? trainer.store.trainable() : floatWeights(trainer.store.frozen())),
    ...(lora === undefined
      ? {}
      : {
          adapter: plain(trainer.store.trainable()),
          loraRank: lora.config.rank,
          loraAlpha: lora.config.alpha,
        }),
    loss,
    data: data.map((datum) => ({
      input: Array.from(datum.inputTokens_T),
      target: Array.from(datum.targetTokens_T),
      weights: Array.from(datum.weights_T),
      advantages: Array.from(datum.advantages_T!),
      old: Array.from(datum.oldLogprobs_T!),
      reference: Array.from(datum.referenceLogprobs_T!),
    })),
  };
}

/** One process for all requests: importing transformers takes longer than every test here. */
function askPyTorch(requests: readonly unknown[]): Answer[] {
  const script = join(packageRoot(), 'python', 'testing', 'engine_gradients.py');
  const run = spawnSync(python, [script], {
    input: JSON.stringify(requests),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (run.status !== 0) throw new Error(run.stderr);
  const lines = run.stdout.split('\n').filter((line) => line.startsWith('{"loss"'));
  return lines.map((line) => JSON.parse(line) as Answer);
}

const cases: readonly (readonly [string, TinyOptions, string])[] = [
  ...Object.keys(everyLoss).map((loss) => ['full, tied, grouped heads', {}, loss] as const),
  ['full, Llama, untied', { raw: tinyLlamaRaw }, 'ppo with KL'],
  ['full, Llama, untied', { raw: tinyLlamaRaw }, 'smoothed cross-entropy'],
  ['full, Qwen3, tied, scaled rope', { raw: tinyQwen3Raw }, 'cross-entropy'],
  ['LoRA, Qwen3', { raw: tinyQwen3Raw, lora: { rank: 3, alpha: 6 } }, 'ppo with KL'],
  ['LoRA, Mistral', { raw: tinyMistralRaw, lora: { rank: 3, alpha: 6 } }, 'cross-entropy'],
  ['LoRA, adapters apart', { lora: { rank: 3, alpha: 6, dropout: 1e-12 } }, 'cross-entropy'],
  ...['cross-entropy', 'ppo by sequence', 'cispo'].map(
    (loss) => ['LoRA', { lora: { rank: 3, alpha: 6 } }, loss] as const,
  ),
];

describe.skipIf(!hasPython)('agrees with PyTorch (skipped where there is no Python with torch)', () => {
  const data = randomData([9, 4, 12, 1, 7], 29, createRandom(2));
  let answers: readonly Answer[] = [];
  beforeAll(() => {
    answers = askPyTorch(
      cases.map(([, options, loss]) => requestOf(tinyTrainer(options), data, everyLoss[loss]!)),
    );
  }, 300_000);

  it.each(cases.map(([model, options, loss], index) => ({ model, options, loss, index })))(
    '$model: $loss',
    async ({ options, loss, index }) => {
      const trainer = tinyTrainer(options);
      const ours = await trainer.forwardBackward(data, everyLoss[loss]!);
      const theirs = answers[index]!;
      expect(relativeError([ours.lossSum], [theirs.loss])).toBeLessThan(1e-4);
      data.forEach((_datum, sequence) => {
        expect(relativeError(ours.logprobs[sequence]!, theirs.logprobs[sequence]!)).toBeLessThan(1e-4);
      });
      const whole = Math.hypot(...Object.values(theirs.gradients).flat());
      const found = gradientsByName(trainer);
      expect([...found.keys()].sort()).toEqual(Object.keys(theirs.gradients).sort());
      for (const [name, gradient] of found) {
        // The floor covers gradients that are 0 but for rounding (a key's bias).
        expect(relativeError(gradient, theirs.gradients[name]!, 1e-3 * whole), name).toBeLessThan(1e-4);
      }
      await trainer.close();
    },
  );
});
