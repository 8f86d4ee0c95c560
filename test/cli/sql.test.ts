/** `querent sql` as a user runs it: rows, errors and refusals in words and as JSON, and the attacks. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DatabaseFolder, databaseFolder } from '../../src/database/database.fixture.ts';
import { type CliRun, runQuerent } from './fake-io.ts';

let files: DatabaseFolder;
let run: (...args: readonly string[]) => Promise<CliRun>;

beforeAll(async () => {
  files = await databaseFolder();
  await files.make(
    'shop.sqlite',
    "CREATE TABLE items (id, name); INSERT INTO items VALUES (1, 'a'), (2, 'b')",
  );
  run = (...args) => runQuerent(['sql', ...args], { workingDirectory: files.folder });
});

afterAll(() => files.remove());

const query = (sql: string, ...more: readonly string[]) =>
  run('run', '--db', 'shop.sqlite', '--sql', sql, ...more);

describe('querent sql run', () => {
  it('prints a table and how many rows there are', async () => {
    const { exitCode, stdout } = await query('SELECT id, name FROM items ORDER BY id');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/id .* name[\s\S]*1 .* a[\s\S]*2 .* b[\s\S]*\n2 rows, [\d.]+ ms\n$/);
  });

  it('says that a result was cut off', async () => {
    expect((await query('SELECT id FROM items', '--max-rows', '1')).stdout).toMatch(
      /1 row, cut off at the limit/,
    );
  });

  it('asks the database of the project where none is named', async () => {
    await runQuerent(['init', 'shop.sqlite'], { workingDirectory: files.folder });
    const { stdout } = await run('run', '--sql', 'SELECT COUNT(*) FROM items', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ rows: [[2]] });
    expect(stdout).toMatch(/"elapsedMs":\d+(\.\d{1,3})?}/);
  });

  it('writes every kind of value as JSON', async () => {
    const result = await query("SELECT 9007199254740993, x'00ff', 9e999, -9e999, NULL, 1.5, 'ü'", '--json');
    expect(result.json()).toEqual({
      outcome: 'rows',
      columns: expect.any(Array),
      rows: [
        [
          { integer: '9007199254740993' },
          { blob: '00ff' },
          { real: 'Infinity' },
          { real: '-Infinity' },
          null,
          1.5,
          'ü',
        ],
      ],
      truncated: false,
      elapsedMs: expect.any(Number),
    });
  });

  it('points at the place of an error', async () => {
    const { exitCode, stdout } = await query('SELECT id,\n  missing FROM items');
    expect(exitCode).toBe(1);
    expect(stdout).toBe('error (no-such-column): no such column: missing\n    missing FROM items\n    ^\n');
    expect((await query('SELECT id, missing FROM items', '--json')).json()).toMatchObject({ position: 11 });
  });

  it('refuses a write and stops at the time limit', async () => {
    expect(await query('DROP TABLE items')).toMatchObject({
      exitCode: 1,
      stdout: 'refused: changing the schema is not allowed here\n',
    });
    const endless = 'WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT COUNT(*) FROM c';
    const stopped = await query(endless, '--timeout', '0.1');
    expect(stopped).toMatchObject({ exitCode: 1, stdout: 'stopped after 0.1 s (--timeout)\n' });
  });

  it('reads the statement from a file, and only from a text', async () => {
    writeFileSync(`${files.folder}/one.sql`, '\uFEFFSELECT 41 + 1 -- ü');
    const fromFile = await run('run', '--db', 'shop.sqlite', '--file', 'one.sql', '--json');
    expect(fromFile.json()).toMatchObject({ rows: [[42]] });
    writeFileSync(`${files.folder}/latin.sql`, Buffer.from("SELECT '\xfc'", 'latin1'));
    for (const args of [
      ['--file', 'latin.sql'],
      ['--file', 'none.sql'],
      [],
      ['--sql', 'SELECT 1', '--file', 'one.sql'],
    ]) {
      const { exitCode, stderr } = await run('run', '--db', 'shop.sqlite', ...args);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining('[usage/sql]')]);
    }
  });

  it('stops at Ctrl-C with the exit code of an interruption', async () => {
    const endless = 'WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT COUNT(*) FROM c';
    const { exitCode, stderr } = await runQuerent(
      ['sql', 'run', '--db', 'shop.sqlite', '--sql', endless, '--timeout', '3600'],
      { workingDirectory: files.folder, onStart: (interrupt) => setTimeout(interrupt, 300) },
    );
    expect([exitCode, stderr]).toEqual([130, expect.stringContaining('the statement was stopped')]);
  });

  it('explains wrong options with examples', async () => {
    expect(await query('SELECT 1', '--timeout', '-1')).toMatchObject({ exitCode: 2 });
    expect((await run('run', '--help')).stdout).toMatch(/Examples:\n {2}\$ querent sql run --sql/);
    expect((await run('attack', '--help')).stdout).toMatch(/Examples:\n {2}\$ querent sql attack/);
  });
});

describe('querent sql attack', () => {
  it('prints what was run before it was stopped, and says so with its exit code', async () => {
    const { exitCode, stdout } = await runQuerent(['sql', 'attack', '--json', '--quiet'], {
      workingDirectory: files.folder,
      onStart: (interrupt) => setTimeout(interrupt, 1_500),
    });
    expect(exitCode).toBe(130);
    const { summary, results } = JSON.parse(stdout) as {
      summary: { attacks: number; asExpected: number };
      results: readonly { id: string; outcome: string; ms: number }[];
    };
    expect(summary.asExpected).toBe(summary.attacks);
    expect(results.length).toBe(summary.attacks);
    for (const result of results.slice(0, 1))
      expect(result).toMatchObject({ id: 'writes/delete', outcome: 'refused', ms: expect.any(Number) });
  });
});
