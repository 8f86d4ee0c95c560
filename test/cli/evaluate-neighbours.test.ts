/** `--neighbours` of both evaluations as a user runs them: right rows by chance are found out, right queries stay right. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { writeConcertDatabase } from '../../src/data/neighbours/neighbours.fixture.ts';
import { runQuerent } from './fake-io.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-neighbours-cli-'));
const inFolder = { workingDirectory: folder };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FRENCH = "SELECT name FROM singer WHERE country = 'France' AND age > 30";
const COUNT = 'SELECT count(*) FROM concert WHERE price > 100';
/** All but the last give the gold's rows on the database itself. */
const rows = [
  { gold: FRENCH, predicted: FRENCH, right: true },
  {
    gold: FRENCH,
    predicted: "SELECT T1.name FROM singer AS T1 WHERE NOT T1.age <= 30 AND T1.country IN ('France')",
    right: true,
  },
  { gold: FRENCH, predicted: "VALUES ('Rose White'), ('John Nizinik'), ('Eve Stone')", right: false },
  { gold: FRENCH, predicted: "SELECT name FROM singer WHERE country = 'France' AND age >= 30", right: false },
  { gold: COUNT, predicted: 'SELECT 0', right: false },
  { gold: COUNT, predicted: 'SELECT count(*) FROM singer', right: false },
];
const right = rows.filter((row) => row.right).length;

beforeAll(async () => {
  mkdirSync(join(folder, 'spider', 'database', 'concerts'), { recursive: true });
  mkdirSync(join(folder, 'temporary'));
  await writeConcertDatabase(join(folder, 'spider', 'database', 'concerts', 'concerts.sqlite'));
  writeFileSync(join(folder, 'gold.sql'), rows.map(({ gold }) => `${gold}\tconcerts\n`).join(''));
  writeFileSync(join(folder, 'predict.sql'), rows.map(({ predicted }) => `${predicted}\n`).join(''));
  const names = { table_names_original: [], column_names_original: [] };
  writeFileSync(join(folder, 'spider', 'tables.json'), JSON.stringify([{ db_id: 'concerts', ...names }]));
  const dev = rows.map(({ gold }, n) => ({ db_id: 'concerts', question: `number ${n}`, query: gold }));
  writeFileSync(join(folder, 'spider', 'dev.json'), JSON.stringify(dev));
});
afterEach(() => vi.unstubAllEnvs());

/** The loader of a test run keeps files of its own there. */
const leftOver = () => readdirSync(join(folder, 'temporary')).filter((name) => name.startsWith('querent-'));

const predictions = (...args: string[]) =>
  runQuerent(
    [
      ...['evaluate', 'predictions', '--gold', 'gold.sql', '--predictions', 'predict.sql'],
      ...['--databases', 'spider/database', ...args],
    ],
    inFolder,
  );
const suite = (...args: string[]) =>
  runQuerent(['evaluate', '--suite', 'spider:spider', '--predictions', 'predict.sql', ...args], inFolder);

const isRightIn = (summary: object, passed: number) =>
  expect(summary).toMatchObject({ sets: { 'spider-dev': { ex: { passed, total: rows.length } } } });

it('predictions: says of each row what the database alone let through, and removes what it built', async () => {
  vi.stubEnv('TMPDIR', join(folder, 'temporary'));
  const strict = ['--protocol', 'strict', '--out', 'rows.jsonl', '--json'];
  const alone = await predictions(...strict, '--quiet');
  const { levels } = alone.json<{ levels: readonly object[] }>();
  expect(levels.at(-1)).toMatchObject({ level: 'all', executionMatches: 5 });
  expect(readFileSync(join(folder, 'rows.jsonl'), 'utf8')).not.toContain('neighbour');

  const asked = await predictions(...strict, '--neighbours', '4');
  expect(asked.exitCode).toBe(0);
  expect(asked.json()).toMatchObject({ neighbours: { databaseMatches: 5, differ: 3, untold: 0 } });
  const lines = readFileSync(join(folder, 'rows.jsonl'), 'utf8').trim().split('\n');
  const read = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(read.map((line) => line.exec_match)).toEqual(rows.map((row) => Number(row.right)));
  expect(read.map((line) => line.neighbour_match)).toEqual([1, 1, 0, 0, 0, undefined]);
  expect(read[1]).toMatchObject({ neighbours_told: 3 });
  expect(read[2]).toMatchObject({ neighbour_difference: expect.any(String) });

  const printed = await predictions(
    '--protocol',
    'strict',
    '--neighbours',
    '4',
    '--quiet',
    '--min-ex',
    '0.5',
  );
  expect(printed.exitCode).toBe(1);
  expect(printed.stdout).toContain(
    'right on the database alone: 5; of these 3 differ on a neighbour, of 0 no neighbour tells\n',
  );
  expect(leftOver()).toEqual([]);
});

it('predictions: refuses neighbours under the rules of published figures', async () => {
  for (const protocol of ['spider', 'spider-2018', 'bird']) {
    const refused = await predictions('--protocol', protocol, '--neighbours', '2');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain(
      `--neighbours goes with the protocol strict, the protocol is ${protocol}`,
    );
    expect(refused.stderr).toContain('Add --protocol strict');
  }
  const none = await predictions('--protocol', 'bird', '--neighbours', '0', '--quiet');
  expect(none.exitCode).toBe(0);
  expect((await predictions('--protocol', 'strict', '--neighbours', '-1')).exitCode).toBe(2);
});

it('a suite: an answer that agrees on the database alone is a mismatch that says so', async () => {
  vi.stubEnv('TMPDIR', join(folder, 'temporary'));
  const alone = await suite('--output', 'alone', '--quiet', '--json');
  isRightIn(alone.json(), 5);

  const asked = await suite('--output', 'asked', '--neighbours', '4', '--json');
  isRightIn(asked.json(), right);
  const report = JSON.parse(readFileSync(join(folder, 'asked', 'report.json'), 'utf8')) as {
    facts: object;
    evaluations: readonly { items: readonly { outcome: string; message?: string; reward: number }[] }[];
  };
  expect(report.facts).toMatchObject({ neighbours: '4' });
  const { items } = report.evaluations[0]!;
  expect(items.map(({ outcome }) => outcome === 'match')).toEqual(rows.map((row) => row.right));
  for (const at of [2, 3, 4])
    expect(items[at]!.message).toMatch(/^agrees on the database but differs on a neighbour \(.+\)$/);
  expect(items[5]!.message).not.toContain('neighbour');
  // The reward, by which `--select best` chooses, says the same.
  expect(items[3]!.reward).toBeLessThan(items[1]!.reward);
  expect(leftOver()).toEqual([]);

  const limited = await suite(
    '--output',
    'limited',
    '--neighbours',
    '4',
    '--limit',
    '4',
    '--quiet',
    '--json',
  );
  expect(limited.json()).toMatchObject({ sets: { 'spider-dev': { ex: { passed: right, total: 4 } } } });
});

it('a suite: goes on with as many neighbours only', async () => {
  const args = ['--output', 'resumed', '--quiet', '--json'];
  await suite(...args, '--neighbours', '2');
  const again = await suite(...args, '--neighbours', '2', '--resume');
  isRightIn(again.json(), right);
  const other = await suite(...args, '--resume');
  expect(other.exitCode).not.toBe(0);
  expect(other.stderr).toContain('neighbours: 2 there, none now');
});
