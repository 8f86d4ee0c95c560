/** `querent evaluate predictions` as a user runs it: figures, the file of rows, exit codes, and what is wrong with a row. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { databaseFolder } from '../../src/database/database.fixture.ts';
import { clubsSql, writeTables } from '../../src/evaluation/spider/clubs.fixture.ts';
import { runQuerent } from './fake-io.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-predictions-cli-'));
const inFolder = { workingDirectory: folder };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  const databases = await databaseFolder();
  const made = await databases.make('clubs.sqlite', clubsSql);
  mkdirSync(join(folder, 'database', 'clubs'), { recursive: true });
  writeFileSync(join(folder, 'database', 'clubs', 'clubs.sqlite'), readFileSync(made));
  await databases.remove();
  await writeTables(folder);
  const gold = ['SELECT name FROM student', 'SELECT name , age FROM student', 'SELECT max(age) FROM student'];
  writeFileSync(join(folder, 'gold.sql'), gold.map((sql) => `${sql}\tclubs\n`).join(''));
  const predicted = ['select name from student\tclubs', 'select age, name from student', 'select 25 as age'];
  writeFileSync(join(folder, 'predict.sql'), predicted.join('\n'));
});

const files = ['--gold', 'gold.sql', '--predictions', 'predict.sql', '--databases', 'database'];
const run = (...args: string[]) =>
  runQuerent(['evaluate', 'predictions', ...files, '--quiet', ...args], inFolder);

it('prints figures by hardness and writes a line a row', async () => {
  const printed = await run('--tables', 'tables.json', '--out', 'rows.jsonl');
  expect(printed.exitCode).toBe(0);
  expect(printed.stdout).toMatch(/count +│ +2 │ +1 │ +0 │ +0 │ +3/);
  expect(printed.stdout).toMatch(/execution +│ 1\.000 │ +1\.000 │ +│ +│ 1\.000/);
  expect(printed.stdout).toMatch(/exact match +│ 0\.500 │ +1\.000 │ +│ +│ 0\.667/);
  const rows = readFileSync(join(folder, 'rows.jsonl'), 'utf8').trim().split('\n');
  expect(rows.map((line) => JSON.parse(line))).toEqual([
    { row: 0, db_id: 'clubs', hardness: 'easy', official_parsed: true, exact_match: 1, exec_match: 1 },
    { row: 1, db_id: 'clubs', hardness: 'medium', official_parsed: true, exact_match: 1, exec_match: 1 },
    { row: 2, db_id: 'clubs', hardness: 'easy', official_parsed: false, exact_match: 0, exec_match: 1 },
  ]);
});

it('gives the figures as JSON, by another rule, and fails below --min-ex', async () => {
  const bird = await run('--protocol', 'bird', '--json', '--min-ex', '0.6');
  expect(bird.exitCode).toBe(0);
  expect(bird.json()).toMatchObject({ protocol: 'bird', problems: [] });
  expect((bird.json() as { levels: unknown[] }).levels.at(-1)).toMatchObject({
    level: 'all',
    count: 3,
    executionMatches: 2,
    exactMatches: null,
  });
  const gate = await run('--protocol', 'bird', '--min-ex', '0.7');
  expect(gate.exitCode).toBe(1);
  expect(gate.stdout).toContain('below --min-ex 0.7');
});

it('bird: soft F1, and on request R-VES and the classes of difficulty', async () => {
  const plain = await run('--protocol', 'bird', '--out', 'rows.jsonl');
  expect(plain.stdout).toMatch(/soft F1 +│ +│ +│ +│ +│ 1\.000/);
  expect(plain.stdout).not.toContain('R-VES');
  writeFileSync(
    join(folder, 'dev.json'),
    JSON.stringify(['simple', 'simple', 'challenging'].map((difficulty) => ({ difficulty, db_id: 'clubs' }))),
  );
  const args = ['--difficulties', 'dev.json', '--ves', '2', '--out', 'rows.jsonl'];
  const timed = await run('--protocol', 'bird', ...args);
  expect(timed.exitCode).toBe(0);
  expect(timed.stdout).toMatch(/│ simple │ moderate │ challenging │ +all │/);
  expect(timed.stdout).toMatch(/execution +│ +0\.500 │ +│ +1\.000 │ 0\.667/);
  expect(timed.stdout).toMatch(/R-VES +│ +\d+\.\d\d │ +│ +\d+\.\d\d │ +\d+\.\d\d/);
  const rows = readFileSync(join(folder, 'rows.jsonl'), 'utf8').trim().split('\n');
  expect(rows.map((line) => JSON.parse(line))).toMatchObject([
    { exec_match: 1, difficulty: 'simple', soft_f1: 1, time_ratio: expect.any(Number) },
    // The columns the other way round.
    { exec_match: 0, difficulty: 'simple', soft_f1: 1, r_ves: 0, time_ratio: null },
    { exec_match: 1, difficulty: 'challenging', soft_f1: 1, r_ves: expect.any(Number) },
  ]);
});

it('names the row that cannot be judged, judges the others, and exits with 1', async () => {
  writeFileSync(
    join(folder, 'gold-two.sql'),
    'SELECT name FROM student\tclubs\nSELECT name FROM student\tnone\n',
  );
  const two = ['--gold', 'gold-two.sql', '--tables', 'tables.json'];
  const printed = await run(...two);
  expect(printed.exitCode).toBe(1);
  expect(printed.stdout).toContain('predict.sql line 3: 3 predictions for 2 gold statements in gold-two.sql');
  expect(printed.stdout).toContain(
    'gold-two.sql line 2: the schemas have no database none, and there is no file for it [unknown-database]',
  );
  expect(printed.stdout).not.toContain('no-database');
  expect(printed.stdout).toMatch(/execution +│ 1\.000 │ +│ +│ +│ 0\.500/);
});

it('says what is missing', async () => {
  const noTables = await run();
  expect(noTables.exitCode).toBe(2);
  expect(noTables.stderr).toContain('needs the schemas');
  const badTables = await run('--tables', 'gold.sql');
  expect(badTables.stderr).toContain('evaluation/bad-tables-file');
  const nowhere = await run('--tables', 'tables.json', '--databases', 'nowhere');
  expect(nowhere.stderr).toContain('database/not-found');
  const bird = ['--protocol', 'bird'];
  for (const [option, what] of [
    ['--gold', 'gold statements'],
    ['--predictions', 'predictions'],
    ['--tables', 'schemas'],
    ['--difficulties', 'difficulties'],
  ] as const)
    for (const name of ['none.json', 'none.parquet', 'gold.sql/none.json']) {
      const { exitCode, stderr } = await run(...bird, option, name);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(
        `[files/read-failed] cannot read the ${what} ${join(folder, name)}: no such file\n`,
      );
    }
  const otherProtocol = await run('--tables', 'tables.json', '--ves');
  expect(otherProtocol.exitCode).toBe(2);
  expect(otherProtocol.stderr).toContain('--ves is BIRD');
  const badShare = await run('--min-ex', '80');
  expect(badShare.exitCode).toBe(2);
});

it('leaves the options of `evaluate` to `evaluate`', async () => {
  const help = await runQuerent(['evaluate', '--help'], inFolder);
  expect(help.stdout).toContain('--batch-size');
  expect(help.stdout).toContain('predictions');
  const own = await runQuerent(['evaluate', 'predictions', '--help'], inFolder);
  expect(own.stdout).toContain('--min-ex');
  expect(own.stdout).not.toContain('--batch-size');
});
