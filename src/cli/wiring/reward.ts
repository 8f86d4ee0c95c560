/** The execution reward over a sandbox, nothing scored twice. */
import type { Sandbox } from '../../database/sandbox.ts';
import { cachedReward } from '../../rewards/cached-reward.ts';
import { executionReward } from '../../rewards/execution-reward.ts';
import type { RewardFunction } from '../../rewards/reward.ts';

export function executionRewardOf(sandbox: Sandbox, databasePath: string): RewardFunction {
  return cachedReward(executionReward({ sandbox, databasePathOf: () => databasePath }));
}
