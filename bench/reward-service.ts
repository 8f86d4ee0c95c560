/**
 * The reward service over loopback: service and clients in processes of their own, on the same cores. Batches of 64 over a
 * few connections, as trainers with a shim send them (rewards/s), and one sample a request over 64 connections, as OpenRLHF
 * and slime do (latency). Batches come as a step of GRPO asks them, eight samples a prompt, of which some repeat, and with
 * every sample another query; singles are all different. Every round asks fresh copies of the database: nothing is answered
 * from an earlier round. The baseline is the same service in Python as others write it (`baselines/reward_service.py`);
 * what we call right it must call right too.
 *
 *   npm run bench -- reward-service [--quick] [--set rounds=5] [--set only=batches] [--set preset=strict]
 */
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QuerentError } from '../src/foundation/errors.ts';
import { packageRoot } from '../src/foundation/files.ts';
import {
  type AlternatingResult,
  type BenchOptions,
  type Measurement,
  measurementOf,
  runAlternating,
} from './harness.ts';
import type { LoadReport } from './support/http-load.ts';
import { latenciesOf } from './support/latencies.ts';
import {
  type LoadClient,
  type ServiceProcess,
  startLoadClient,
  startQuerent,
  startServiceProcess,
} from './support/processes.ts';
import { writeSpiderLike } from './workloads/databases.ts';
import { spiderGroups } from './workloads/spider-pairs.ts';

interface Item {
  readonly database: string;
  readonly gold: string;
  readonly sql: string;
}

interface Side {
  readonly service: ServiceProcess;
  readonly reports: LoadReport[];
  rights: readonly boolean[];
}

/** Of one copy of the database; more prompts would ask for values that it does not have. */
const PROMPTS = 400;
const SUITE = 'reward-service';

function itemsOf(database: string, { prompts, isDistinct }: Plan): readonly Item[] {
  return spiderGroups(prompts, 1, isDistinct).flatMap(({ gold, samples }) =>
    samples.map((sql) => ({ database, gold, sql })),
  );
}

function bodiesOf(items: readonly Item[], size: number): readonly string[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    JSON.stringify({ items: items.slice(i * size, (i + 1) * size) }),
  );
}

const rightsOf = ({ answers }: LoadReport): readonly boolean[] =>
  answers.flatMap((answer) =>
    (JSON.parse(answer) as { rewards: { score: number | null }[] }).rewards.map(({ score }) => score === 1),
  );

function refuseIfEasier(ours: readonly boolean[], theirs: readonly boolean[]): void {
  const at = ours.findIndex((isRight, i) => isRight && theirs[i] === false);
  if (at >= 0)
    throw new QuerentError('bench/wrong-result', `sample ${at} is right for us and wrong for Python`);
}

interface Plan {
  readonly size: number;
  readonly connections: number;
  /** Copies of the database a round. */
  readonly copies: number;
  readonly prompts: number;
  /** No sample repeats. */
  readonly isDistinct: boolean;
}

interface Bench {
  readonly options: BenchOptions;
  readonly client: LoadClient;
  readonly ours: Side;
  readonly theirs: Side | undefined;
  /** Names of copies that nothing was asked of yet. */
  readonly fresh: (count: number) => readonly string[];
}

async function runRounds(
  { options, client, ours, theirs, fresh }: Bench,
  plan: Plan,
): Promise<AlternatingResult> {
  const measure = async (side: Side): Promise<number> => {
    const items = fresh(plan.copies).flatMap((name) => itemsOf(name, plan));
    const bodies = bodiesOf(items, plan.size);
    const report = await client.run({
      port: side.service.port,
      path: '/v1/score',
      bodies,
      connections: plan.connections,
    });
    side.reports.push(report);
    side.rights = rightsOf(report);
    return (items.length / report.elapsedMs) * 1_000;
  };
  ours.reports.length = 0;
  if (theirs !== undefined) theirs.reports.length = 0;
  const result = await runAlternating({
    rounds: roundsOf(options),
    warmupRounds: WARMUP_ROUNDS,
    ours: () => measure(ours),
    baseline: theirs === undefined ? undefined : () => measure(theirs),
  });
  if (theirs !== undefined) refuseIfEasier(ours.rights, theirs.rights);
  return result;
}

const WARMUP_ROUNDS = 2;
/** Four a side for each kind of batch, one for singles. */
const COPIES_A_ROUND = 2 * (4 + 4 + 1);
const roundsOf = ({ settings, quick }: BenchOptions): number => Number(settings.rounds ?? (quick ? 2 : 5));

const describeBaseline = ({ theirs }: Bench): string =>
  theirs === undefined ? 'skipped: no Python' : 'Python, ThreadingHTTPServer and sqlite3';

async function* batches(bench: Bench, isDistinct: boolean): AsyncGenerator<Measurement> {
  const { options } = bench;
  const plan = {
    size: 64,
    connections: 4,
    copies: options.quick ? 1 : 4,
    prompts: options.quick ? 80 : PROMPTS,
    isDistinct,
  };
  const result = await runRounds(bench, plan);
  const rights = bench.ours.rights.filter(Boolean).length;
  const details = { ...plan, rewards: bench.ours.rights.length, rights, workers: options.threads };
  yield measurementOf(
    {
      suite: SUITE,
      name: isDistinct ? 'batches of 64, no sample repeats' : 'batches of 64, 8 samples a prompt',
      unit: 'rewards/s',
      better: 'higher',
      baselineName: describeBaseline(bench),
      details,
    },
    result,
  );
}

async function* singles(bench: Bench): AsyncGenerator<Measurement> {
  const { options, ours, theirs } = bench;
  const plan = {
    size: 1,
    connections: 64,
    copies: 1,
    prompts: options.quick ? 80 : PROMPTS,
    isDistinct: true,
  };
  const speed = await runRounds(bench, plan);
  const kept = (side: Side | undefined) => (side?.reports ?? []).slice(WARMUP_ROUNDS);
  const details = { ...plan, workers: options.threads, requestsPerSecond: speed.oursMedian };
  yield* latenciesOf(
    { suite: SUITE, name: '64 connections', baselineName: describeBaseline(bench), details },
    { ours: kept(ours), baseline: kept(theirs), names: ['p50', 'p99'] },
  );
  yield measurementOf(
    {
      suite: SUITE,
      name: '64 connections, one sample a request',
      unit: 'rewards/s',
      better: 'higher',
      baselineName: describeBaseline(bench),
      details: plan,
    },
    speed,
  );
}

/** Copies of one database, enough for every round of both sides. */
async function writeCopies(folder: string, count: number): Promise<readonly string[]> {
  const original = join(folder, 'original.db');
  await writeSpiderLike(original);
  const names = Array.from({ length: count }, (_, i) => `copy${i}`);
  for (const name of names) await copyFile(original, join(folder, `${name}.sqlite`));
  return names;
}

async function startOurs(
  folder: string,
  names: readonly string[],
  options: BenchOptions,
): Promise<ServiceProcess> {
  const config = {
    databases: Object.fromEntries(names.map((name) => [name, `${name}.sqlite`])),
    reward: { preset: options.settings.preset ?? 'strict' },
    sandbox: { workers: options.threads },
  };
  const path = join(folder, 'rewards.json');
  await writeFile(path, JSON.stringify(config));
  return startQuerent(['rewards', 'serve', '--config', path, '--port', '0']);
}

export async function* run(options: BenchOptions): AsyncGenerator<Measurement> {
  const folder = await mkdtemp(join(tmpdir(), 'querent-bench-service-'));
  const names = [...(await writeCopies(folder, (roundsOf(options) + WARMUP_ROUNDS) * COPIES_A_ROUND))];
  const script = join(packageRoot(), 'bench', 'baselines', 'reward_service.py');
  const client = startLoadClient();
  const sideOf = (service: ServiceProcess): Side => ({ service, reports: [], rights: [] });
  const ours = sideOf(await startOurs(folder, names, options));
  const theirs =
    options.python === undefined
      ? undefined
      : sideOf(await startServiceProcess(options.python, [script, folder]));
  const bench = { options, client, ours, theirs, fresh: (count: number) => names.splice(0, count) };
  const { only } = options.settings;
  try {
    if (only === undefined || only === 'batches') {
      for (const isDistinct of [false, true]) yield* batches(bench, isDistinct);
    }
    if (only === undefined || only === 'singles') yield* singles(bench);
  } finally {
    client.stop();
    await ours.service.stop();
    await theirs?.service.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
