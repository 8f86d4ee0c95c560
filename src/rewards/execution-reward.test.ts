/** The reward over the real sandbox and the demonstration database: gold earns everything, what is wrong does not. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildErpDatabase } from '../data/erp/build.ts';
import type { Example } from '../data/example.ts';
import { readExamples } from '../data/example-file.ts';
import { createSandbox, type Sandbox } from '../database/sandbox.ts';
import { packageRoot } from '../foundation/files.ts';
import { executionReward } from './execution-reward.ts';
import type { RewardFunction } from './reward.ts';

let directory: string;
let sandbox: Sandbox;
let reward: RewardFunction;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'reward-'));
  const path = join(directory, 'erp.sqlite');
  await buildErpDatabase({ path });
  sandbox = createSandbox({ workers: 1 });
  reward = executionReward({ sandbox, databasePathOf: () => path });
});
afterAll(async () => {
  await sandbox?.close();
  await rm(directory, { recursive: true, force: true });
});

const gold = 'SELECT Status, COUNT(*) FROM PAC_MNT_PROJECTS GROUP BY Status';
const example: Example = { id: 'x', question: 'projects per status', sql: gold, databaseId: 'erp', tags: [] };
const score = async (sql: string, on = example) =>
  (await reward.score([{ example: on, completion: { sql, isComplete: true } }]))[0]!;

describe('executionReward over the sandbox', () => {
  it.each(['base.jsonl', 'complex.jsonl'])('gives every gold query of %s everything', async (file) => {
    const examples = await readExamples(join(packageRoot(), 'datasets', 'erp', file), 'erp');
    // A comment at the end makes it another text, so that it is really run and compared.
    const rewards = await reward.score(
      examples.map((item) => ({
        example: item,
        completion: { sql: `${item.sql} -- again`, isComplete: true },
      })),
    );
    const short = examples.filter((_, i) => rewards[i]!.score !== 1).map(({ id, sql }) => ({ id, sql }));
    expect(short).toEqual([]);
    expect(examples.length).toBeGreaterThan(40);
  });

  it.each([
    ['SELECT Status, COUNT(Project_ID) FROM PAC_MNT_PROJECTS GROUP BY Status ORDER BY 2', 1, 'match'],
    [
      "SELECT Status, COUNT(*) FROM PAC_MNT_PROJECTS WHERE Budget > 0 AND Status <> 'Active' GROUP BY Status",
      0.1,
      'wrong-rows',
    ],
    ['SELECT DISTINCT Status, 5 FROM PAC_MNT_PROJECTS', 0.1, 'wrong-rows'],
    ['SELECT Statuss FROM PAC_MNT_PROJECTS', 0, 'sql-error'],
    ['SELEC', 0, 'sql-error'],
    ['DELETE FROM PAC_MNT_PROJECTS', 0, 'refused'],
    ["ATTACH 'x.db' AS x", 0, 'refused'],
  ])('%s -> %d', async (sql, expected, outcome) => {
    expect(await score(sql)).toMatchObject({ score: expected, details: { outcome } });
  });

  it('does not pay for matching an empty result, and leaves broken gold out', async () => {
    const empty = { ...example, sql: "SELECT Project_Name FROM PAC_MNT_PROJECTS WHERE Status = 'Nothing'" };
    expect(await score("SELECT City FROM PAC_MNT_PROJECTS WHERE City = 'Nowhere'", empty)).toMatchObject({
      score: null,
    });
    expect(await score('SELECT 1', { ...example, sql: 'SELECT nonsense' })).toMatchObject({ score: null });
  });
});
