/** Which reward to use, as a recipe or the configuration of the service says it; and the reward made from that. */
import { z } from 'zod';
import {
  createReward,
  createWeightedReward,
  type RewardContext,
  type RewardPresetName,
  rewardPartNames,
  rewardPresetNames,
} from './presets.ts';
import type { RewardFunction } from './reward.ts';
import { loadRewardFile } from './reward-file.ts';

const weight = z.number().positive().max(1_000);

/** Of `preset`, `weights` and `file` one at most; without any, the preset `default`. */
export const rewardConfigSchema = z
  .strictObject({
    preset: z
      .enum(rewardPresetNames as [RewardPresetName, ...RewardPresetName[]])
      .optional()
      .describe('A reward by name, see docs/rewards.md; default: default'),
    weights: z
      .partialRecord(z.enum(['execution', ...rewardPartNames]), weight)
      .optional()
      .describe('Parts by name beside execution; refused if a wrong answer could outscore a right one'),
    file: z.string().min(1).optional().describe('A JavaScript or TypeScript file that exports a reward'),
    protocol: z
      .enum(['strict', 'spider', 'bird'])
      .default('strict')
      .describe('What the same result is: ours, or what the official scripts of Spider and BIRD say'),
    columnOrder: z
      .enum(['exact', 'any'])
      .default('exact')
      .describe('For strict: whether the order of columns counts'),
    neighbours: z
      .int()
      .min(0)
      .max(16)
      .default(0)
      .describe('Right means right on so many neighbours of the database too'),
  })
  .refine(
    ({ preset, weights, file }) => [preset, weights, file].filter((given) => given !== undefined).length <= 1,
    'give one of "preset", "weights" and "file"',
  );

export type RewardConfig = Readonly<z.output<typeof rewardConfigSchema>>;

/** `file` must be absolute here: whose folder it is relative to is known where the configuration was read. */
export async function createConfiguredReward(
  { preset, weights, file, protocol, columnOrder }: RewardConfig,
  context: RewardContext,
): Promise<RewardFunction> {
  const judging = { protocol, columnOrder };
  const judged = { ...context, judging };
  if (file !== undefined) return loadRewardFile(file, judged);
  if (weights !== undefined) return createWeightedReward(weights, judged);
  return createReward(preset ?? 'default', judged);
}
