/**
 * What neighbours find out that the database alone does not, over the gold queries of Spider's training set: how many
 * changed queries that give the gold's rows are told apart by 1 to 8 neighbours, how many written-out answers pass (none
 * may), how many queries that mean the same are turned away (none may), and what it costs.
 *
 *   npm run bench -- neighbours [--quick] [--set databases=20]
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgreementJudge, createAgreementJudge } from '../src/data/neighbours/agreement.ts';
import { buildNeighbours } from '../src/data/neighbours/neighbours.ts';
import { createSandbox, type Pair, type Sandbox } from '../src/database/sandbox.ts';
import { packageRoot } from '../src/foundation/files.ts';
import { type BenchOptions, type Measurement, timed } from './harness.ts';
import { answerOf, equivalentsOf, mutantsOf } from './support/query-variants.ts';

const spider = join(packageRoot(), '..', 'shared', 'data', 'spider');
const COUNTS = [1, 2, 4, 8] as const;

interface Golds {
  readonly path: string;
  readonly golds: readonly string[];
}

/** The databases of the training set with their distinct gold queries. */
function readGolds(databasesMax: number): Golds[] {
  const golds = new Map<string, Set<string>>();
  for (const line of readFileSync(join(spider, 'train_spider.jsonl'), 'utf8').split('\n')) {
    if (line === '') continue;
    const { db_id, query } = JSON.parse(line) as { db_id: string; query: string };
    golds.set(db_id, (golds.get(db_id) ?? new Set()).add(query));
  }
  return [...golds]
    .map(([id, queries]) => ({ path: join(spider, 'database', id, `${id}.sqlite`), golds: [...queries] }))
    .filter(({ path }) => existsSync(path))
    .slice(0, databasesMax);
}

interface Tally {
  golds: number;
  goldsTold: number;
  buildMs: number;
  judgeMs: number;
  judged: number;
  readonly equivalents: { asked: number; turnedAway: number };
  readonly answers: { asked: number; passed: number };
  readonly mutants: {
    runnable: number;
    throughSource: number;
    toldApart: Record<number, number>;
    passed: number;
  };
}

const newTally = (): Tally => ({
  golds: 0,
  goldsTold: 0,
  buildMs: 0,
  judgeMs: 0,
  judged: 0,
  equivalents: { asked: 0, turnedAway: 0 },
  answers: { asked: 0, passed: 0 },
  mutants: {
    runnable: 0,
    throughSource: 0,
    toldApart: Object.fromEntries(COUNTS.map((n) => [n, 0])),
    passed: 0,
  },
});

async function matchesOf(
  judge: AgreementJudge,
  pairs: readonly Pair[],
): Promise<readonly (boolean | null)[]> {
  return (await judge.judge(pairs)).map(({ match }) => match);
}

async function measureDatabase(
  { path, golds }: Golds,
  sandbox: Sandbox,
  directory: string,
  tally: Tally,
): Promise<void> {
  const build = (count: number) => buildNeighbours({ databasePath: path, queries: golds, count, directory });
  const { ms, result: neighbours } = await timed(() => build(4));
  const four = createAgreementJudge({ sandbox, neighbours });
  tally.buildMs += ms;
  const executions = await Promise.all(golds.map((gold) => sandbox.execute(path, gold)));
  const running = golds.filter((_, at) => executions[at]!.outcome === 'rows');
  tally.golds += running.length;
  // A space more: the same query, but not the same text.
  const same = running.map((gold) => ({ gold, predicted: `${gold} ` }));
  tally.goldsTold += (await matchesOf(four, same)).filter((match) => match === true).length;

  const equivalents = running.flatMap((gold) =>
    equivalentsOf(gold).map(({ sql }) => ({ gold, predicted: sql })),
  );
  tally.equivalents.asked += equivalents.length;
  tally.equivalents.turnedAway += (await matchesOf(four, equivalents)).filter(
    (match) => match === false,
  ).length;

  const answers = golds.flatMap((gold, at) => {
    const predicted = answerOf(executions[at]!);
    return predicted === undefined ? [] : [{ gold, predicted }];
  });
  tally.answers.asked += answers.length;
  const judged = await timed(() => matchesOf(four, answers));
  tally.judgeMs += judged.ms;
  tally.judged += answers.length;
  tally.answers.passed += judged.result.filter((match) => match === true).length;

  const mutants = running.flatMap((gold) => mutantsOf(gold).map(({ sql }) => ({ gold, predicted: sql })));
  const verdicts = await sandbox.judgeBatch(path, mutants);
  const through = mutants.filter((_, at) => verdicts[at]!.match === true);
  tally.mutants.runnable += verdicts.filter(
    ({ match, predicted }) => match !== null && predicted.outcome === 'rows',
  ).length;
  tally.mutants.throughSource += through.length;
  for (const count of COUNTS) {
    const judge = count === 4 ? four : createAgreementJudge({ sandbox, neighbours: await build(count) });
    const matches = await matchesOf(judge, through);
    tally.mutants.toldApart[count]! += matches.filter((match) => match === false).length;
    if (count === 4) tally.mutants.passed += matches.filter((match) => match === true).length;
  }
}

export async function* run(options: BenchOptions): AsyncGenerator<Measurement> {
  const suite = 'neighbours';
  if (!existsSync(spider)) {
    const missing = 'skipped: no shared data folder beside the checkout';
    yield {
      suite,
      name: 'spider',
      value: 0,
      unit: 'none',
      baseline: null,
      ratio: null,
      baselineName: missing,
    };
    return;
  }
  const databases = readGolds(Number(options.settings.databases ?? (options.quick ? 4 : 1_000)));
  const directory = await mkdtemp(join(tmpdir(), 'querent-bench-neighbours-'));
  const sandbox = createSandbox({ workers: options.threads, doubleQuotedStrings: true });
  const tally = newTally();
  try {
    for (const database of databases) {
      await measureDatabase(database, sandbox, directory, tally);
      options.log(`${database.path.split('/').at(-1)}: ${database.golds.length} golds`);
    }
  } finally {
    await sandbox.close();
    await rm(directory, { recursive: true, force: true });
  }
  const { equivalents, answers, mutants } = tally;
  const details = { databases: databases.length, golds: tally.golds };
  const line = (name: string, value: number, unit: string, more: object = {}): Measurement => {
    return {
      suite,
      name,
      value,
      unit,
      baseline: null,
      ratio: null,
      baselineName: 'none',
      details: { ...details, ...more },
    };
  };
  yield line('golds that 4 neighbours can tell of', tally.goldsTold / tally.golds, 'share');
  yield line('queries that mean the same, turned away', equivalents.turnedAway, 'queries', {
    asked: equivalents.asked,
  });
  yield {
    ...line('written-out answers that pass', answers.passed, 'queries', { asked: answers.asked }),
    baseline: answers.asked,
    baselineName: 'the source alone',
  };
  for (const count of COUNTS) {
    const caught = mutants.runnable - mutants.throughSource + mutants.toldApart[count]!;
    yield {
      ...line(`changed queries found out, ${count} neighbours`, caught / mutants.runnable, 'share', mutants),
      baseline: 1 - mutants.throughSource / mutants.runnable,
      baselineName: 'the source alone',
      ratio: caught / (mutants.runnable - mutants.throughSource),
    };
  }
  yield line('building 4 neighbours and their twins', tally.buildMs / databases.length, 'ms/database');
  yield line('judging on 4 neighbours, golds known', (tally.judged / tally.judgeMs) * 1_000, 'pairs/s');
}
