/**
 * Rewards a second, in process, against Python as trainers compute them, and against a leaner Python than they write
 * (`baselines/sql_rewards.py`: `usual` and `lean`, the best of three ways each): a small database as Spider's are, and one of 8 MB with joins and group-bys. Eight samples a prompt; those of the larger one
 * are what the shipped model drew for questions that it was not trained on (`workloads/erp-samples.jsonl`).
 *
 * Every round works on fresh copies of the database, so that nothing of an earlier round is remembered: a step of training
 * brings new prompts. What is repeated within a step is not run twice; `distinct` shows the speed where nothing repeats.
 *
 *   npm run bench -- rewards [--quick] [--set rounds=5] [--set only=light] [--set preset=strict]
 */
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSandbox, type Sandbox } from '../src/database/sandbox.ts';
import { QuerentError } from '../src/foundation/errors.ts';
import { packageRoot } from '../src/foundation/files.ts';
import { createReward, type RewardPresetName } from '../src/rewards/presets.ts';
import {
  type BenchOptions,
  type Measurement,
  measurementOf,
  type PythonProcess,
  runAlternating,
  startPython,
} from './harness.ts';
import { writeErpLike, writeSpiderLike } from './workloads/databases.ts';
import { type SampledGroup, spiderGroups } from './workloads/spider-pairs.ts';

interface Workload {
  readonly name: string;
  readonly write: (path: string) => Promise<void>;
  readonly groups: readonly SampledGroup[];
}

async function erpGroups(prompts: number): Promise<readonly SampledGroup[]> {
  const path = join(packageRoot(), 'bench', 'workloads', 'erp-samples.jsonl');
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  return lines.slice(0, prompts).map((line) => JSON.parse(line) as SampledGroup);
}

interface Side {
  readonly perSecond: number;
  readonly isRight: readonly boolean[];
}

async function runOurs(
  sandbox: Sandbox,
  preset: RewardPresetName,
  path: string,
  groups: readonly SampledGroup[],
): Promise<Side> {
  const items = groups.flatMap(({ gold, samples }, i) => {
    const example = { id: String(i), question: '', sql: gold, databaseId: 'bench', tags: [] };
    return samples.map((sql) => ({ example, completion: { sql, isComplete: true } }));
  });
  const startedAt = performance.now();
  const reward = createReward(preset, { sandbox, databasePathOf: () => path });
  const rewards = await reward.score(items);
  const perSecond = (items.length / (performance.now() - startedAt)) * 1000;
  return { perSecond, isRight: rewards.map(({ components }) => components.match === 1) };
}

interface PythonFigures {
  readonly speeds: Readonly<Record<string, number>>;
  readonly scores: readonly number[];
}

const styles = ['usual', 'lean'] as const;
type Style = (typeof styles)[number];

async function* measureWorkload(
  { name, write, groups }: Workload,
  options: BenchOptions,
  directory: string,
  python: PythonProcess | undefined,
): AsyncGenerator<Measurement> {
  const preset = (options.settings.preset ?? 'strict') as RewardPresetName;
  const original = join(directory, `${name}.sqlite`);
  await write(original);
  let copies = 0;
  const freshCopy = async (): Promise<string> => {
    const path = join(directory, `${name}-${copies++}.sqlite`);
    await copyFile(original, path);
    return path;
  };
  const pairs = groups.flatMap(({ gold, samples }) => samples.map((sample) => [gold, sample]));
  const distinct = groups.reduce((sum, { samples }) => sum + new Set(samples).size, 0) / groups.length;
  const sandbox = createSandbox({ workers: options.threads });

  const measure = async (style: Style): Promise<Measurement> => {
    const best: Record<string, number> = {};
    const isRight: { ours: readonly boolean[]; theirs: readonly boolean[] } = { ours: [], theirs: [] };
    const result = await runAlternating({
      rounds: Number(options.settings.rounds ?? (options.quick ? 2 : 5)),
      // The code of a training run has long been compiled.
      warmupRounds: options.quick ? 1 : 3,
      ours: async () => {
        const side = await runOurs(sandbox, preset, await freshCopy(), groups);
        isRight.ours = side.isRight;
        return side.perSecond;
      },
      baseline:
        python &&
        (async () => {
          const call = { database: await freshCopy(), pairs, style };
          const { speeds, scores } = await python.call<PythonFigures>('measure', call);
          isRight.theirs = scores.map((score) => score === 1);
          for (const [way, speed] of Object.entries(speeds)) best[way] = Math.max(best[way] ?? 0, speed);
          return Math.max(...Object.values(speeds));
        }),
    });
    refuseIfEasier(isRight.ours, isRight.theirs);
    const count = (flags: readonly boolean[]) => flags.filter(Boolean).length;
    const details = {
      prompts: groups.length,
      rewards: pairs.length,
      distinctPerPrompt: distinct,
      workers: options.threads,
      bestOfEachWay: best,
      calledRight: { ours: count(isRight.ours), theirs: count(isRight.theirs) },
    };
    const baselineName = python === undefined ? 'skipped: no Python' : `Python, ${style}, best of three ways`;
    const what = { suite: 'rewards', name: `${name}, ${preset}`, unit: 'rewards/s', baselineName, details };
    return measurementOf({ ...what, better: 'higher' }, result);
  };

  try {
    for (const style of styles) yield await measure(style);
  } finally {
    await sandbox.close();
  }
}

/** Speed counts only if the same work was done: what we call right, a comparison of sets must call right too. */
function refuseIfEasier(ours: readonly boolean[], theirs: readonly boolean[]): void {
  if (theirs.length === 0) return;
  const at = ours.findIndex((isRight, i) => isRight && !theirs[i]);
  if (at >= 0)
    throw new QuerentError('bench/wrong-result', `pair ${at} is right for us and wrong for Python`);
}

export async function* run(options: BenchOptions): AsyncGenerator<Measurement> {
  const directory = await mkdtemp(join(tmpdir(), 'querent-bench-rewards-'));
  const python =
    options.python === undefined
      ? undefined
      : startPython(options.python, 'sql_rewards.py', { threads: options.threads });
  const prompts = options.quick ? 40 : 400;
  const workloads: readonly Workload[] = [
    { name: 'light', write: writeSpiderLike, groups: spiderGroups(prompts, 1) },
    { name: 'light distinct', write: writeSpiderLike, groups: spiderGroups(prompts, 1, true) },
    { name: 'erp-like', write: writeErpLike, groups: await erpGroups(options.quick ? 8 : 64) },
  ];
  const { only } = options.settings;
  try {
    for (const workload of workloads) {
      if (only === undefined || workload.name.startsWith(only)) {
        yield* measureWorkload(workload, options, directory, python);
      }
    }
  } finally {
    await python?.close();
    await rm(directory, { recursive: true, force: true });
  }
}
