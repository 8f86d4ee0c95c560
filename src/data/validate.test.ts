import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSandbox, type Sandbox } from '../database/sandbox.ts';
import { packageRoot } from '../foundation/files.ts';
import { buildErpDatabase } from './erp/build.ts';
import type { Example } from './example.ts';
import { readExamples } from './example-file.ts';
import { validateExamples } from './validate.ts';

let folder: string;
let databasePath: string;
let sandbox: Sandbox;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'validate-'));
  databasePath = join(folder, 'erp.sqlite');
  await buildErpDatabase({ path: databasePath });
  sandbox = createSandbox({ workers: 1, limits: { timeoutMs: 500 } });
});

afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

const example = (id: string, question: string, sql: string): Example => ({
  id,
  question,
  sql,
  databaseId: 'erp',
  tags: [],
});

test('every kind of problem is found, with its row', async () => {
  const examples = [
    example('good', 'How many projects are there?', 'SELECT COUNT(*) FROM PAC_MNT_PROJECTS'),
    example('broken', 'What?', 'SELECT Title FROM PAC_MNT_PROJECTS'),
    example('write', 'Remove them', 'DELETE FROM PROJSTAFF'),
    example(
      'endless',
      'Count',
      'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT MAX(x) FROM c',
    ),
    example('empty', 'None', "SELECT Project_Name FROM PAC_MNT_PROJECTS WHERE Status = 'active'"),
    example('again', 'how many  projects are there?', 'SELECT COUNT(*) FROM PAC_MNT_PROJECTS;'),
    example('other', 'How many projects are THERE?', 'SELECT COUNT(Project_ID) FROM PAC_MNT_PROJECTS'),
  ];
  const rows = [1, 2, 4, 5, 6, 7, 9];
  const report = await validateExamples({ examples, rows, databasePath, sandbox });
  expect(report.problems.map(({ row, id, kind }) => [row, id, kind])).toEqual([
    [2, 'broken', 'broken'],
    [4, 'write', 'broken'],
    [5, 'endless', 'timeout'],
    [6, 'empty', 'empty'],
    [7, 'again', 'duplicate'],
    [9, 'other', 'contradiction'],
  ]);
  expect(report.counts).toEqual({ broken: 2, timeout: 1, slow: 0, empty: 1, duplicate: 1, contradiction: 1 });
  expect(report.problems[0]!.message).toBe('no such column: Title');
  expect(report.problems[5]!.message).toContain('row 1 (good)');
});

test('an answer above the limit is slow', async () => {
  const examples = [
    example('a', 'q', 'SELECT COUNT(*) FROM PROJSTAFF a JOIN PROJSTAFF b ON a.Resource_ID = b.Resource_ID'),
  ];
  const { counts } = await validateExamples({ examples, databasePath, sandbox, slowMs: 0 });
  expect(counts.slow).toBe(1);
});

test('an interrupt stops it', async () => {
  const signal = AbortSignal.abort(new Error('stopped by the user'));
  const examples = [example('a', 'q', 'SELECT 1')];
  await expect(validateExamples({ examples, databasePath, sandbox, signal })).rejects.toThrow(
    'stopped by the user',
  );
});

test.each(['base', 'complex'])(
  'the curated set %s has no broken, stopped, empty or contradictory answer',
  async (set) => {
    const examples = await readExamples(join(packageRoot(), 'datasets', 'erp', `${set}.jsonl`), 'erp');
    const patient = createSandbox({ workers: 1, limits: { timeoutMs: 30_000 } });
    const { counts } = await validateExamples({ examples, databasePath, sandbox: patient });
    await patient.close();
    expect(counts).toMatchObject({ broken: 0, timeout: 0, empty: 0, contradiction: 0 });
  },
);
