/** Rewards over a sandbox: the plain one of evaluation, and the one that a recipe asks for. */
import { resolve } from 'node:path';
import type { Example } from '../../data/example.ts';
import { type AgreementJudge, createAgreementJudge } from '../../data/neighbours/agreement.ts';
import { buildNeighbours } from '../../data/neighbours/neighbours.ts';
import type { Sandbox } from '../../database/sandbox.ts';
import type { Observe } from '../../foundation/events.ts';
import { cachedReward } from '../../rewards/cached-reward.ts';
import { executionReward } from '../../rewards/execution-reward.ts';
import type { AskNeighbours } from '../../rewards/judge-pairs.ts';
import type { RewardFunction } from '../../rewards/reward.ts';
import { createConfiguredReward, type RewardConfig } from '../../rewards/reward-config.ts';
import type { OpenedDatabase } from './database.ts';

/** `neighbours`: those of the database, where an answer must agree on them too. */
export function executionRewardOf(
  sandbox: Sandbox,
  databasePath: string,
  neighbours?: AgreementJudge,
): RewardFunction {
  const askNeighbours =
    neighbours &&
    (async (_: string, pairs: Parameters<AgreementJudge['judge']>[0]) =>
      (await neighbours.judge(pairs)).map(({ match }) => match));
  return cachedReward(executionReward({ sandbox, databasePathOf: () => databasePath, askNeighbours }));
}

export interface RewardWiring {
  readonly config: RewardConfig;
  readonly sandbox: Sandbox;
  readonly database: OpenedDatabase;
  /** Their gold queries say which values the neighbours need. */
  readonly examples: readonly Example[];
  /** Where neighbours are kept. */
  readonly directory: string;
  readonly observe: Observe;
}

/** Asks the neighbours of one database, which are built when they are first needed. */
export function neighboursOf({
  config,
  sandbox,
  database,
  examples,
  directory,
  observe,
}: RewardWiring): AskNeighbours | undefined {
  const { neighbours: count, protocol, columnOrder } = config;
  if (count === 0) return undefined;
  const build = async () => {
    const startedAt = performance.now();
    const title = `Build ${count} neighbours of the database`;
    observe({ type: 'stage-start', stage: 'neighbours', title });
    const queries = examples.map(({ sql }) => sql);
    const neighbours = await buildNeighbours({ databasePath: database.path, queries, count, directory });
    observe({ type: 'stage-end', stage: 'neighbours', title, elapsedMs: performance.now() - startedAt });
    return createAgreementJudge({ sandbox, neighbours, protocol, columnOrder });
  };
  let judge: ReturnType<typeof build> | undefined;
  return async (_, pairs) => {
    judge ??= build();
    return (await (await judge).judge(pairs)).map(({ match }) => match);
  };
}

/** The reward of a recipe; a file of one's own is looked for from the folder where the command was started. */
export function recipeReward(wiring: RewardWiring): Promise<RewardFunction> {
  const { config, sandbox, database } = wiring;
  const file = config.file === undefined ? {} : { file: resolve(config.file) };
  return createConfiguredReward(
    { ...config, ...file },
    {
      sandbox,
      databasePathOf: () => database.path,
      schemaOf: () => database.schema,
      askNeighbours: neighboursOf(wiring),
    },
  );
}
