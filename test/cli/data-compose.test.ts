/** `querent data compose` as a user runs it, on a database of their own. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeConcertDatabase } from '../../src/data/neighbours/neighbours.fixture.ts';
import { runQuerent } from './fake-io.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-compose-cli-'));
const inFolder = { workingDirectory: folder };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const written = [
  { query: 'Who sings?', sql: 'SELECT name FROM singer' },
  {
    query: 'How many singers does each country have?',
    sql: 'SELECT country, COUNT(*) FROM singer GROUP BY country',
  },
  { query: 'Which singers are over 30?', sql: 'SELECT name FROM singer WHERE age > 30' },
];

beforeAll(async () => {
  await writeConcertDatabase(join(folder, 'concerts.sqlite'));
  writeFileSync(join(folder, 'mine.jsonl'), written.map((one) => JSON.stringify(one)).join('\n'));
  expect((await runQuerent(['init', 'concerts.sqlite', '--quiet'], inFolder)).exitCode).toBe(0);
});

it('writes further examples and says what it dropped', async () => {
  const args = ['data', 'compose', '--set', 'mine.jsonl', '--variants', '6', '--quiet'];
  const run = await runQuerent([...args, '--output', 'more.jsonl', '--json'], inFolder);
  expect(run.stderr + run.stdout).toContain('more.jsonl');
  expect(run.exitCode).toBe(0);
  const { made, from } = run.json() as { made: number; from: number };
  expect(from).toBe(3);
  const lines = readFileSync(join(folder, 'more.jsonl'), 'utf8').trim().split('\n');
  expect(lines).toHaveLength(made);
  expect(made).toBeGreaterThan(3);
  const again = await runQuerent([...args, '--output', 'again.jsonl'], inFolder);
  expect(again.exitCode).toBe(0);
  expect(readFileSync(join(folder, 'again.jsonl'), 'utf8').trim().split('\n')).toEqual(lines);
});

it('says what is missing, and writes nothing where nothing can be made', async () => {
  const unsaid = await runQuerent(['data', 'compose'], inFolder);
  expect(unsaid.stderr).toContain('nothing says which examples to start from');
  expect(unsaid.exitCode).not.toBe(0);
  writeFileSync(join(folder, 'constant.jsonl'), JSON.stringify({ query: 'What is one?', sql: 'SELECT 1' }));
  const none = await runQuerent(
    ['data', 'compose', '--set', 'constant.jsonl', '--output', 'none.jsonl', '--quiet'],
    inFolder,
  );
  expect(none.exitCode).toBe(0);
  expect(none.stdout).toContain('Nothing could be made from 1 examples');
  expect(existsSync(join(folder, 'none.jsonl'))).toBe(false);
});
