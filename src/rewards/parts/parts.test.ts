import { beforeAll, describe, expect, it } from 'vitest';
import type { Execution } from '../../database/execution.ts';
import type { Schema, Table } from '../../schema/schema.ts';
import { loadParser } from '../../schema/syntax/parser.ts';
import type { BoundedReward } from '../reward.ts';
import { domainReward } from './domain.ts';
import { efficiencyOf, efficiencyReward, planCost } from './efficiency.ts';
import { safetyReward } from './safety.ts';
import { clauseSimilarity, complexityReward, diceOf, keywordReward, semanticReward } from './similarity.ts';
import { databaseSyntaxCheck, syntaxReward } from './syntax.ts';

beforeAll(() => loadParser());

const gold = 'SELECT city, COUNT(*) FROM orders WHERE amount > 5 GROUP BY city';
async function scoreOf(reward: BoundedReward, sql: string, goldSql = gold, isComplete = true) {
  const example = { id: 'x', question: '?', sql: goldSql, databaseId: 'shop', tags: [] };
  return (await reward.score([{ example, completion: { sql, isComplete } }]))[0]!;
}

const column = (name: string, distinctCount: number) => ({ name, distinctCount });
const table = (name: string, rowCount: number, columns: readonly ReturnType<typeof column>[]) =>
  ({ name, rowCount, columns, comment: undefined, primaryKey: [], foreignKeys: [] }) as unknown as Table;
const schema: Schema = {
  dialect: 'sqlite',
  databaseId: 'shop',
  hash: '',
  tables: [
    table('orders', 10_000, [column('id', 10_000), column('city', 50), column('amount', 900)]),
    table('items', 40_000, [column('order_id', 10_000), column('product', 300)]),
  ],
};

describe('similarity', () => {
  it('diceOf counts repeated parts', () => {
    expect(diceOf([], [])).toBe(1);
    expect(diceOf(['a'], [])).toBe(0);
    expect(diceOf(['a', 'a', 'b'], ['a', 'b', 'b'])).toBeCloseTo(4 / 6);
  });

  it.each([
    [gold, 1],
    ['select CITY, count( * ) from Orders where 5 < amount group by 1', 1],
    // Weights: select 2, from 2, where 2, group 1.
    ['SELECT city, COUNT(*) FROM orders GROUP BY city', 5 / 7],
    ['SELECT city, SUM(amount) FROM orders WHERE amount > 5 GROUP BY city', 6 / 7],
    ['SELECT product FROM items', 0],
    ['not a query', 0],
    [`${gold}; DROP TABLE orders`, 0],
    ['DELETE FROM orders WHERE amount > 5', 0],
    ['', 0],
  ])('semantic: %s scores %d', async (sql, expected) => {
    expect((await scoreOf(semanticReward(), sql)).score).toBeCloseTo(expected, 10);
  });

  it('semantic also judges what the parser does not know, and is symmetric', () => {
    const [a, b] = ["SELECT id FROM t WHERE name GLOB 'x*'", "SELECT id FROM t WHERE name GLOB 'y*'"];
    expect(clauseSimilarity(a, b).score).toBeCloseTo(4 / 6);
    expect(clauseSimilarity(b, a)).toEqual(clauseSimilarity(a, b));
  });

  it.each([
    [gold, 1],
    ['SELECT 1', 2 / 6],
    ['SELECT a FROM b WHERE c GROUP BY d', 1],
  ])('keywords: %s scores %d', async (sql, expected) => {
    expect((await scoreOf(keywordReward(), sql)).score).toBeCloseTo(expected, 10);
  });

  it('complexity wants as much as the gold has, not more', async () => {
    const more = `WITH c AS (${gold}) SELECT * FROM c WHERE city LIKE 'x%' ORDER BY city LIMIT 3`;
    const scores = await Promise.all([gold, 'SELECT 1', more].map((sql) => scoreOf(complexityReward(), sql)));
    expect(scores[0]!.score).toBe(1);
    expect(scores[1]!.score).toBeLessThan(0.5);
    expect(scores[2]!.score).toBeLessThan(0.5);
  });
});

describe('domain', () => {
  const reward = domainReward(() => schema);
  it.each([
    [gold, 1],
    ['SELECT o.city FROM orders AS o JOIN items i ON i.order_id = o.id', 1],
    ['SELECT town FROM orders', 0.5],
    ['SELECT city FROM branches', 0],
    ['SELECT 1', 0],
    ['DELETE FROM orders', 0],
  ])('%s scores %d', async (sql, expected) => {
    expect((await scoreOf(reward, sql)).score).toBeCloseTo(expected, 10);
  });

  it('cannot score against a gold query that names what is not there', async () => {
    expect(await scoreOf(reward, gold, 'SELECT x FROM branches')).toMatchObject({ score: null });
  });
});

describe('syntax', () => {
  const outcomes: Readonly<Record<string, Partial<Execution>>> = {
    'EXPLAIN SELECT 1': { outcome: 'rows' },
    'EXPLAIN SELECT a,': { outcome: 'sql-error', errorClass: 'syntax' } as Partial<Execution>,
    'EXPLAIN SELECT a': { outcome: 'sql-error', errorClass: 'no-such-column' } as Partial<Execution>,
    'EXPLAIN SELECT load_extension(1)': { outcome: 'refused' },
  };
  const sandbox = { execute: async (_: string, sql: string) => outcomes[sql] as Execution };
  const reward = syntaxReward(
    databaseSyntaxCheck(sandbox, (id) => id),
    { valid: 1, invalid: -0.5 },
  );
  it.each([
    ['SELECT 1', 1],
    ['SELECT a', 1],
    ['SELECT a,', -0.5],
    ['SELECT load_extension(1)', -0.5],
    // Never given to the database.
    ['DROP TABLE t', -0.5],
    ['SELECT 1; SELECT 2', -0.5],
    ['', -0.5],
  ])('%s scores %d', async (sql, expected) => {
    expect((await scoreOf(reward, sql)).score).toBe(expected);
  });
});

describe('efficiency', () => {
  const tableOf = (name: string) => schema.tables.find((candidate) => candidate.name === name);
  const step = (id: number, parent: number, detail: string) => ({ id, parent, detail });

  it('counts rows visited: nested loops multiply, a correlated subquery runs for each row', () => {
    const scan = [step(1, 0, 'SCAN orders')];
    expect(planCost(scan, tableOf)).toBe(10_001);
    const search = [...scan, step(2, 0, 'SEARCH items USING INDEX i (order_id=?)')];
    // Four rows of each order, found in log2(40,002) steps.
    expect(planCost(search, tableOf)).toBeCloseTo(1 + 10_000 + 10_000 * (Math.log2(40_002) + 4), 6);
    expect(planCost([...scan, step(2, 0, 'SCAN items')], tableOf)).toBe(1 + 10_000 + 10_000 * 40_000);
    const once = [...scan, step(2, 0, 'SCALAR SUBQUERY 1'), step(3, 2, 'SCAN items')];
    expect(planCost(once, tableOf)).toBe(1 + 10_000 + 40_000);
    const each = [...scan, step(2, 0, 'CORRELATED SCALAR SUBQUERY 1'), step(3, 2, 'SCAN items')];
    expect(planCost(each, tableOf)).toBe(1 + 10_000 + 10_000 * 40_000);
    expect(planCost([...scan, step(2, 0, 'USE TEMP B-TREE FOR ORDER BY')], tableOf)).toBeGreaterThan(100_000);
  });

  it('pays for no more than the gold’s cost, and falls with the logarithm', () => {
    expect([0.5, 1, 10, 100, 1_000].map((ratio) => efficiencyOf(ratio, 1))).toEqual([1, 1, 0.5, 0, 0]);
  });

  const plans: Readonly<Record<string, readonly (readonly [number, number, string])[]>> = {
    fast: [[1, 0, 'SEARCH o USING INTEGER PRIMARY KEY (rowid=?)']],
    slow: [[1, 0, 'SCAN orders']],
  };
  const sandbox = {
    execute: async (_: string, sql: string): Promise<Execution> => {
      const plan = plans[sql.split(' ').at(-1)!];
      const shared = { columns: [], truncated: false, elapsedMs: 0 };
      return plan === undefined
        ? { outcome: 'sql-error', errorClass: 'other', message: '', elapsedMs: 0 }
        : { outcome: 'rows', rows: plan.map(([id, parent, detail]) => [id, parent, 0, detail]), ...shared };
    },
  };
  const reward = efficiencyReward({ sandbox, databasePathOf: (id) => id, schemaOf: () => schema });
  it.each([
    ['fast', 'slow', 1],
    ['slow', 'slow', 1],
    ['slow', 'fast', 0],
    ['none', 'slow', 0],
    ['slow', 'none', null],
  ])('%s against %s scores %s', async (sql, goldSql, expected) => {
    expect((await scoreOf(reward, sql, goldSql)).score).toBe(expected);
  });
});

describe('safety', () => {
  it.each([
    [gold, 1, []],
    ["SELECT 1 FROM orders WHERE city = '' OR 1=1", 0.5, ['always-true']],
    ['SELECT name FROM sqlite_master', 0.5, ['reads-catalogue']],
    ['SELECT 1; DROP TABLE orders', 0, ['several-statements']],
    ['UPDATE orders SET amount = 0', 0, ['not-a-query']],
    ["SELECT readfile('x')", 0, ['reaches-outside']],
  ])('%s scores %d', async (sql, score, signs) => {
    expect(await scoreOf(safetyReward(), sql)).toMatchObject({ score, details: { signs } });
  });
});
