/** Sampling from packed weights: what the training code says of them, which unpacks them another way. */
import { afterAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../foundation/random.ts';
import { floatWeights } from '../model/base-tensor.ts';
import type { Datum, SampleRequest } from '../policy.ts';
import {
  type TinyOptions,
  tinyLlamaRaw,
  tinyQwen3Raw,
  tinyRaw,
  tinyTrainer,
} from '../runtime/test-models.ts';
import type { Trainer } from '../runtime/trainer.ts';
import { createDecoder } from './decoder.ts';

const closing: { close(): unknown }[] = [];
afterAll(async () => {
  for (const one of closing) await one.close();
});
function opened<T extends { close(): unknown }>(one: T): T {
  closing.push(one);
  return one;
}

const random = createRandom(5);
const prompts = [5, 1, 9].map((length) => Int32Array.from({ length }, () => random.int(29)));
const request: SampleRequest = {
  prompts,
  samplesPerPrompt: 3,
  maxNewTokens: 12,
  temperature: 0.9,
  stopTokens: [0],
  seed: 3,
};

function decoderOf({ options }: Trainer, isUnpacked: boolean) {
  const { config, weights, lora } = options;
  const adapter = { config: lora!.config, weights: lora!.adapter };
  const given = isUnpacked ? floatWeights(weights) : weights;
  return opened(createDecoder({ config, weights: given, adapter, threads: 1 }));
}

const wide = { hidden_size: 32, intermediate_size: 48 };
const models: Readonly<Record<string, TinyOptions>> = {
  'Qwen2, tied': { raw: { ...tinyRaw, ...wide } },
  'Llama, untied': { raw: { ...tinyLlamaRaw, ...wide } },
  'Qwen3, norms of heads': { raw: { ...tinyQwen3Raw, ...wide, head_dim: 8 } },
};

describe.each(Object.keys(models))('%s', (modelName) => {
  it.each([
    ['bfloat16', { halves: 'bfloat16' }],
    ['fp16', { base: { format: 'fp16', blockSize: 16 } }],
    ['int8', { base: { format: 'int8', blockSize: 16 } }],
    ['int4', { base: { format: 'int4', blockSize: 16 } }],
  ] as const)('draws from %s as from what it stands for', async (_, storage) => {
    const trainer = opened(tinyTrainer({ ...models[modelName]!, lora: { rank: 3, alpha: 6 }, ...storage }));
    const packed = await decoderOf(trainer, false).sample(request);
    const plain = await decoderOf(trainer, true).sample(request);
    const tokens = (groups: typeof packed) => groups.map((group) => group.map((one) => [...one.tokens]));
    expect(tokens(packed)).toEqual(tokens(plain));

    const data = packed.flatMap((group, p) =>
      group.map(({ tokens: drawn }): Datum => {
        const all = Int32Array.of(...prompts[p]!, ...drawn);
        const first = prompts[p]!.length - 1;
        return {
          inputTokens_T: all.slice(0, -1),
          targetTokens_T: all.slice(1),
          weights_T: Float32Array.from({ length: all.length - 1 }, (_, i) => (i >= first ? 1 : 0)),
        };
      }),
    );
    const expected = await trainer.logprobs(data, { temperature: 0.9 });
    packed.flat().forEach(({ policyLogprobs }, index) => {
      const read = expected[index]!.subarray(expected[index]!.length - policyLogprobs.length);
      policyLogprobs.forEach((value, t) => {
        expect(Math.abs(value - read[t]!)).toBeLessThan(1e-4);
      });
    });
  });
});
