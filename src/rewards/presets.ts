/** Rewards by name, ready to train with: made once, nothing scored twice. */
import { cachedReward } from './cached-reward.ts';
import {
  type ExecutionRewardOptions,
  executionReward,
  executionScales,
  marginOf,
} from './execution-reward.ts';
import type { RewardFunction } from './reward.ts';
import { formatReward, lengthReward } from './small-rewards.ts';
import { weightedReward } from './weighted-reward.ts';

/**
 * `default` and `arctic`: 1 right rows, 0.1 runs, 0 otherwise. `binary`: 1 or 0. `shaped`: mostly execution, a little for
 * a complete answer that is not longer than it needs to be.
 */
export const rewardPresetNames = ['default', 'arctic', 'binary', 'shaped'] as const;
export type RewardPresetName = (typeof rewardPresetNames)[number];

export function createReward(
  name: RewardPresetName,
  options: Omit<ExecutionRewardOptions, 'scale'>,
): RewardFunction {
  const scale = name === 'shaped' ? executionScales.default : executionScales[name];
  const execution = executionReward({ ...options, scale });
  if (name !== 'shaped') return cachedReward(execution);
  const primary = { reward: execution, weight: 0.9, margin: marginOf(scale) };
  const parts = [
    { reward: formatReward(), weight: 0.05 },
    { reward: lengthReward(), weight: 0.05 },
  ];
  return cachedReward(weightedReward({ primary, parts }));
}
