/** What each preset pays for each kind of answer, over the real sandbox; the table in docs/rewards.md is this one. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../database/sandbox.ts';
import { sharedSqlite } from '../database/wasm.ts';
import { packageRoot } from '../foundation/files.ts';
import { readAnswer } from '../prompts/answer-text.ts';
import { introspectSqlite } from '../schema/introspect.ts';
import { createReward, type RewardContext, type RewardPresetName, rewardPresetNames } from './presets.ts';
import type { RewardItem } from './reward.ts';

const cities = 'SELECT city, COUNT(*) FROM orders GROUP BY city';
const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n';

interface Case {
  readonly name: string;
  readonly gold: string;
  readonly answer: string;
  /** `form`: without the tags that a preset asks for. `cut`: ends in the middle. */
  readonly text?: 'form' | 'cut';
  readonly is: 'right' | 'wrong' | 'null';
}

const cases: readonly Case[] = [
  { name: 'the gold query itself', gold: cities, answer: cities, is: 'right' },
  {
    name: 'right, written otherwise',
    gold: cities,
    answer: 'SELECT o.city, COUNT(o.id) AS n FROM orders o GROUP BY 1 ORDER BY n',
    is: 'right',
  },
  {
    name: 'right, other column order',
    gold: cities,
    answer: 'SELECT COUNT(*), city FROM orders GROUP BY city',
    is: 'wrong',
  },
  { name: 'wrong rows', gold: cities, answer: `${cities} HAVING COUNT(*) > 1`, is: 'wrong' },
  {
    name: 'wrong order',
    gold: 'SELECT id FROM orders ORDER BY amount DESC',
    answer: 'SELECT id FROM orders ORDER BY amount',
    is: 'wrong',
  },
  {
    name: 'missing DISTINCT',
    gold: 'SELECT DISTINCT city FROM orders',
    answer: 'SELECT city FROM orders',
    is: 'wrong',
  },
  {
    name: 'duplicates from a join',
    gold: 'SELECT id FROM orders',
    answer: 'SELECT o.id FROM orders o JOIN items i ON i.order_id = o.id',
    is: 'wrong',
  },
  { name: 'executable nonsense', gold: cities, answer: 'SELECT 1', is: 'wrong' },
  { name: 'hard-coded constant', gold: 'SELECT COUNT(*) FROM orders', answer: 'SELECT 6', is: 'wrong' },
  {
    name: 'constant behind a table',
    gold: 'SELECT COUNT(*) FROM orders',
    answer: 'SELECT 6 FROM orders LIMIT 1',
    is: 'wrong',
  },
  {
    name: 'both results empty',
    gold: "SELECT id FROM orders WHERE city = 'Rome'",
    answer: 'SELECT id FROM orders WHERE amount < 0',
    is: 'null',
  },
  { name: 'syntax error', gold: cities, answer: 'SELECT city, FROM orders', is: 'wrong' },
  {
    name: 'unknown column',
    gold: cities,
    answer: 'SELECT town, COUNT(*) FROM orders GROUP BY town',
    is: 'wrong',
  },
  { name: 'timeout', gold: cities, answer: endless, is: 'wrong' },
  { name: 'refused: DELETE', gold: cities, answer: 'DELETE FROM orders', is: 'wrong' },
  { name: 'refused: a second statement', gold: cities, answer: `${cities}; DROP TABLE orders`, is: 'wrong' },
  { name: 'no query', gold: cities, answer: '', is: 'wrong' },
  { name: 'cut off', gold: cities, answer: 'SELECT city, COUNT(*)', text: 'cut', is: 'wrong' },
  { name: 'right, without the tags asked for', gold: cities, answer: cities, text: 'form', is: 'right' },
  { name: 'broken gold', gold: 'SELECT city FROM branches', answer: cities, is: 'null' },
];

/** As the model of a preset was asked to write. */
function textOf(preset: RewardPresetName, { answer, text }: Case): string {
  if (text === 'form') return `\`\`\`sql\n${answer}\n\`\`\``;
  const end = text === 'cut' ? '' : '\n```\n';
  if (preset === 'sql-r1')
    return `<think>so</think>\n<answer>\`\`\`sql\n${answer}${text === 'cut' ? '' : `${end}</answer>`}`;
  if (preset === 'skyrl')
    return `<think>so</think>\n<solution>${answer}${text === 'cut' ? '' : '</solution>'}`;
  return `\`\`\`sql\n${answer}${end}`;
}

const directory = mkdtempSync(join(tmpdir(), 'querent-presets-'));
const databasePath = join(directory, 'shop.sqlite');
let sandbox: Sandbox;
let context: RewardContext;

beforeAll(async () => {
  const sqlite = await sharedSqlite();
  const database = new sqlite.oo1.DB(':memory:');
  database.exec(`
CREATE TABLE orders (id INTEGER PRIMARY KEY, city TEXT NOT NULL, amount REAL NOT NULL);
CREATE TABLE items (order_id INTEGER NOT NULL REFERENCES orders(id), product TEXT NOT NULL);
INSERT INTO orders VALUES (1,'Oslo',10),(2,'Oslo',25),(3,'Lyon',5),(4,'Lyon',40),(5,'Lyon',15),(6,'Porto',30);
INSERT INTO items VALUES (1,'pen'),(1,'ink'),(2,'pen'),(3,'ink'),(4,'pen'),(5,'pen'),(6,'ink');`);
  writeFileSync(databasePath, sqlite.capi.sqlite3_js_db_export(database));
  database.close();
  sandbox = createSandbox({ workers: 1, limits: { timeoutMs: 300 } });
  const schema = await introspectSqlite(databasePath, { databaseId: 'shop' });
  context = { sandbox, databasePathOf: () => databasePath, schemaOf: () => schema };
});
afterAll(async () => {
  await sandbox?.close();
  rmSync(directory, { recursive: true, force: true });
});

async function scoresOf(preset: RewardPresetName, more: Partial<RewardContext> = {}) {
  const reward = createReward(preset, { ...context, ...more });
  const items = cases.map((item, i): RewardItem => {
    const text = textOf(preset, item);
    const example = { id: String(i), question: '?', sql: item.gold, databaseId: 'shop', tags: [] };
    return { example, completion: readAnswer(text), text };
  });
  return reward.score(items);
}

/** In the order of the cases, to two decimals. */
const expected: Readonly<Record<RewardPresetName, readonly (number | null)[]>> = {
  default: [1, 1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, null, 0, 0, 0, 0, 0, 0, 0, 1, null],
  strict: [1, 1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0, 0, null, 0, 0, 0, 0, 0, 0, 0, 1, null],
  binary: [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, null, 0, 0, 0, 0, 0, 0, 0, 1, null],
  arctic: [1, 1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, null, 0, 0, 0, 0, 0, 0, 0, 1, null],
  skyrl: [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, null, 0, 0, 0, 0, 0, -1, -1, -1, null],
  'sql-r1': [6.82, 6.88, 0, 0, 0, 0, 0, 0, 0, 0, null, -1, -1, -1, -1, -1, -1, -1, -1, null],
  'binary+partial': [
    1,
    0.88,
    0.4,
    0.34,
    0.34,
    0.32,
    0.19,
    0.08,
    0.13,
    0.24,
    null,
    0.27,
    0.32,
    0.08,
    0,
    0,
    0,
    0,
    1,
    null,
  ],
  composite: [
    1,
    0.93,
    0.58,
    0.55,
    0.54,
    0.54,
    0.43,
    0.38,
    0.38,
    0.46,
    null,
    -0.27,
    -0.16,
    -0.25,
    -0.58,
    -0.58,
    -0.58,
    -0.4,
    1,
    null,
  ],
  domain: [1, 0.95, 1, 0.95, 1, 0.9, 0.9, 0.47, 0.5, 1, 1, 0.47, 0.8, 0.49, 0, 0, 0, 0, 1, null],
  shaped: [
    1,
    1,
    0.19,
    0.19,
    0.19,
    0.19,
    0.17,
    0.19,
    0.19,
    0.19,
    null,
    0.1,
    0.1,
    0.1,
    0.1,
    0.1,
    0.05,
    0.05,
    1,
    null,
  ],
};

const rounded = (score: number | null): number | null =>
  score === null ? null : Number(score.toFixed(2)) + 0;

/** These also judge the form, so a right answer without it is worth what they say. */
const judgesForm = new Set<RewardPresetName>(['skyrl', 'sql-r1']);

function asMarkdown(): string {
  const names = rewardPresetNames;
  const head = `| answer | ${names.map((name) => `\`${name}\``).join(' | ')} |`;
  const line = `|---|${names.map(() => '---:|').join('')}`;
  const rows = cases.map(({ name }, i) => {
    const cells = names.map((preset) => String(expected[preset][i]));
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  return [head, line, ...rows].join('\n');
}

describe('the presets', () => {
  it.each(rewardPresetNames)('%s', async (preset) => {
    const rewards = await scoresOf(preset);
    const named = (scores: readonly (number | null)[]) =>
      Object.fromEntries(cases.map(({ name }, i) => [name, scores[i]]));
    expect(named(rewards.map(({ score }) => rounded(score)))).toEqual(named(expected[preset]));
  });

  it.each(rewardPresetNames.filter((name) => name !== 'domain'))(
    '%s gives every right answer more than every wrong one, and null for what cannot be told',
    async (preset) => {
      const rewards = await scoresOf(preset);
      const scoresIf = (is: Case['is']) =>
        rewards
          .filter((_, i) => cases[i]!.is === is && !(judgesForm.has(preset) && cases[i]!.text === 'form'))
          .map(({ score }) => score);
      expect(scoresIf('null').every((score) => score === null)).toBe(true);
      const [right, wrong] = [scoresIf('right') as number[], scoresIf('wrong') as number[]];
      expect(right.length).toBeGreaterThan(1);
      expect(wrong.length).toBeGreaterThan(10);
      expect(Math.min(...right)).toBeGreaterThan(Math.max(...wrong));
    },
  );

  it('take columns in any order as right where that is asked for', async () => {
    const rewards = await scoresOf('strict', { judging: { columnOrder: 'any' } });
    const at = cases.findIndex(({ name }) => name === 'right, other column order');
    expect(rewards[at]!.score).toBe(1);
    expect(rewards.filter(({ score }) => score === 1)).toHaveLength(4);
  });

  it('are listed in docs/rewards.md with these scores', () => {
    const text = readFileSync(join(packageRoot(), 'docs', 'rewards.md'), 'utf8');
    expect(text).toContain(asMarkdown());
  });
});
