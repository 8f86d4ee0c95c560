/**
 * A user's own reward from a JavaScript or TypeScript file. It knows how a file is loaded and what it may export; it holds
 * what comes back to the rules of a reward, so that a slip in the file is named and not trained on.
 */
import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../foundation/errors.ts';
import { cachedReward, itemKeyOf } from './cached-reward.ts';
import { badRewardFile, badScore } from './errors.ts';
import { createReward, type RewardContext, type RewardPresetName } from './presets.ts';
import { type Reward, type RewardFunction, type RewardItem, unscorable } from './reward.ts';

/** What a reward file is given to build on. */
export interface RewardFileContext extends RewardContext {
  /** Any preset, for example to add something to it. */
  readonly preset: (name: RewardPresetName) => RewardFunction;
}

/** What a function that scores one item may return. */
export type ItemScore = number | null | Reward;

/**
 * A file exports one of these as `default`:
 * - a function that is given the context and returns a `RewardFunction` (`export const kind = 'factory'` beside it);
 * - a function of one item and the context that returns its score, a promise of it, or a whole `Reward`;
 * - a `RewardFunction`.
 */
export interface RewardFileModule {
  readonly default?: unknown;
  readonly kind?: unknown;
}

type Import = (url: string) => Promise<unknown>;

const ENDINGS = ['.js', '.mjs', '.cjs', '.ts', '.mts'];

const isRewardFunction = (value: unknown): value is RewardFunction =>
  typeof value === 'object' && value !== null && typeof (value as RewardFunction).score === 'function';

/** Types are stripped by Node itself from 22.18 on; before, only JavaScript can be loaded. */
async function importFile(path: string, load: Import): Promise<RewardFileModule> {
  if (!existsSync(path)) throw badRewardFile(path, 'is not there', 'Check the path.');
  if (!ENDINGS.includes(extname(path))) {
    throw badRewardFile(
      path,
      `ends in "${extname(path)}"`,
      `Name a file that ends in ${ENDINGS.join(', ')}.`,
    );
  }
  try {
    return (await load(pathToFileURL(path).href)) as RewardFileModule;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      const next = `Node ${process.versions.node} does not read TypeScript: use Node 22.18 or later, or compile it to .mjs.`;
      throw badRewardFile(path, 'is TypeScript', next, thrown);
    }
    throw badRewardFile(path, `cannot be loaded: ${messageOf(thrown)}`, 'Correct the file.', thrown);
  }
}

type ScoreItem = (item: RewardItem, context: RewardFileContext) => ItemScore | Promise<ItemScore>;

/** An item whose function throws cannot be scored; the others are unharmed. */
function perItem(name: string, scoreItem: ScoreItem, context: RewardFileContext): RewardFunction {
  const scoreOne = async (item: RewardItem): Promise<Reward> => {
    try {
      const score = await scoreItem(item, context);
      return typeof score === 'object' && score !== null
        ? score
        : { score, components: score === null ? {} : { [name]: score }, details: {} };
    } catch (thrown) {
      return unscorable('reward-file-failed', { message: messageOf(thrown) });
    }
  };
  return { name, score: (items) => Promise.all(items.map(scoreOne)) };
}

function checkedReward(reward: Reward | undefined, name: string): Reward {
  const { score, components = {}, details = {} } = reward ?? {};
  const isScore = score === null || (typeof score === 'number' && Number.isFinite(score));
  if (!isScore) throw badScore(name, `the score ${String(score)}`);
  const bad = Object.entries(components).find(([, part]) => !Number.isFinite(part));
  if (bad !== undefined) throw badScore(name, `the component ${bad[0]} = ${String(bad[1])}`);
  return { score, components, details };
}

function checked(inner: RewardFunction): RewardFunction {
  return {
    name: inner.name,
    score: async (items) => {
      const rewards = await inner.score(items);
      if (!Array.isArray(rewards) || rewards.length !== items.length) {
        throw badScore(
          inner.name,
          `${Array.isArray(rewards) ? rewards.length : 'no'} rewards for ${items.length} items`,
        );
      }
      return rewards.map((reward: Reward | undefined) => checkedReward(reward, inner.name));
    },
  };
}

async function rewardIn(
  { default: exported, kind }: RewardFileModule,
  path: string,
  context: RewardFileContext,
): Promise<RewardFunction> {
  if (isRewardFunction(exported)) return exported;
  if (typeof exported !== 'function') {
    const next = 'Write `export default (item) => …`, see docs/rewards.md.';
    throw badRewardFile(path, 'has no default export that is a function or a reward', next);
  }
  if (kind !== 'factory') return perItem(exported.name || 'file', exported as ScoreItem, context);
  const made: unknown = await (exported as (context: RewardFileContext) => unknown)(context);
  if (isRewardFunction(made)) return made;
  throw badRewardFile(
    path,
    'is a factory that makes no reward',
    'Return an object with `name` and `score(items)`.',
  );
}

/** `path` absolute. `load`: how a module is imported; for tests. */
export async function loadRewardFile(
  path: string,
  context: RewardContext,
  load: Import = (url) => import(url),
): Promise<RewardFunction> {
  const module = await importFile(path, load);
  const preset = (name: RewardPresetName): RewardFunction => createReward(name, context);
  const reward = await rewardIn(module, path, { ...context, preset });
  return cachedReward(
    checked({ name: reward.name ?? 'file', score: (items) => reward.score(items) }),
    undefined,
    itemKeyOf,
  );
}
