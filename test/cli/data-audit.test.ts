/** `querent data audit` as a user runs it: a published data set in a folder, what is printed, written and returned. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeConcertDatabase } from '../../src/data/neighbours/neighbours.fixture.ts';
import { runQuerent } from './fake-io.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-audit-cli-'));
const inFolder = { workingDirectory: folder };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const examples = [
  { db_id: 'concerts', question: 'How many singers?', query: 'SELECT count(*) FROM singer' },
  {
    db_id: 'concerts',
    question: 'Who is French?',
    query: 'SELECT name FROM singer WHERE country = "france"',
  },
  { db_id: 'concerts', question: 'Youngest?', query: 'SELECT name FROM singer ORDER BY age LIMIT 1' },
];

beforeAll(async () => {
  mkdirSync(join(folder, 'databases', 'concerts'), { recursive: true });
  await writeConcertDatabase(join(folder, 'databases', 'concerts', 'concerts.sqlite'));
  writeFileSync(join(folder, 'dev.json'), JSON.stringify(examples));
});

it('prints rows with corrections, and sets them aside where asked', async () => {
  const args = [
    'data',
    'audit',
    '--data',
    'dev.json',
    '--db',
    'databases',
    '--double-quoted-strings',
    '--quiet',
  ];
  const run = await runQuerent(args, inFolder);
  expect(run.exitCode).toBe(0);
  expect(run.stdout).toContain('row 2 (dev-2): empty, no rows');
  expect(run.stdout).toContain("fix: SELECT name FROM singer WHERE country = 'France'");
  expect(run.stdout).toContain('row 3 (dev-3): order-ambiguous');
  expect(existsSync(join(folder, 'dev.kept.json'))).toBe(false);

  const written = await runQuerent([...args, '--write', '--report', 'audit.md', '--json'], inFolder);
  expect(written.json()).toMatchObject({
    files: [{ examples: 3, kept: 1, aside: 2, counts: { empty: 1, 'order-ambiguous': 1 }, problems: [] }],
  });
  expect(JSON.parse(readFileSync(join(folder, 'dev.kept.json'), 'utf8'))).toEqual([examples[0]]);
  expect(JSON.parse(readFileSync(join(folder, 'dev.aside.json'), 'utf8'))).toHaveLength(2);
  expect(readFileSync(join(folder, 'audit.md'), 'utf8')).toContain('| examples | 3 |');
});

it('fails where a gold answer is broken, and names what is missing', async () => {
  const broken = await runQuerent(
    ['data', 'audit', '--data', 'dev.json', '--databases', 'databases', '--quiet'],
    inFolder,
  );
  expect(broken.exitCode).toBe(1);
  expect(broken.stdout).toContain('row 2 (dev-2): broken, no such column');
  const nowhere = await runQuerent(['data', 'audit', '--data', 'dev.json', '--db', 'nowhere'], inFolder);
  expect(nowhere.stderr).toContain('database/not-found');
  const unsaid = await runQuerent(['data', 'audit', '--data', 'dev.json'], inFolder);
  expect(unsaid.stderr).toContain("required option '--db, --databases <path>'");
  const noData = await runQuerent(['data', 'audit', '--data', 'nothing.json', '--db', 'databases'], inFolder);
  expect(noData.stderr).toContain('files/read-failed');
});
