/**
 * Replay: gold examples whose supervised loss is added to each policy-gradient step, so that what SFT taught is not
 * forgotten while practice on few questions pushes hard (the "ptx" term of InstructGPT, arXiv 2203.02155, section 3.5).
 * It knows examples and prompts; it does not know samples or advantages.
 */
import type { Example } from '../data/example.ts';
import type { Datum, Policy } from '../engine/policy.ts';
import type { Random } from '../foundation/random.ts';
import type { PromptFormat } from '../prompts/prompt-format.ts';
import { type EncodedExample, encodeExample, supervisedDatum } from './encode.ts';
import type { GrpoConfig } from './grpo-config.ts';

/** Adds the gradient of one replay batch to what the policy has accumulated; the loss in nats a token. */
export type Replay = (random: Random) => Promise<number>;

/** Undefined where nothing is to be replayed. Which examples are drawn depends on the generator alone. */
export function createReplay(
  policy: Policy,
  format: PromptFormat,
  examples: readonly Example[],
  config: GrpoConfig,
): Replay | undefined {
  if (config.replayExamples === 0 || examples.length === 0) return undefined;
  return async (random) => {
    const encoded: EncodedExample[] = [];
    for (let i = 0; i < config.replayExamples; i++) {
      const item = encodeExample(random.pick(examples), format, policy.maxLength, random.fork(`noise/${i}`));
      if (item !== undefined) encoded.push(item);
    }
    const tokens = encoded.reduce((sum, item) => sum + item.completionTokens.length, 0);
    if (tokens === 0) return 0;
    const data: Datum[] = encoded.map((item) =>
      supervisedDatum(item.prompt.promptTokens, item.completionTokens, config.replayWeight / tokens),
    );
    const { lossSum } = await policy.forwardBackward(data, {
      name: 'cross_entropy',
      labelSmoothing: config.replayLabelSmoothing,
    });
    return lossSum / config.replayWeight;
  };
}
