import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { loadParser } from '../../schema/syntax/parser.ts';
import { createShop, type ShopDatabase } from '../agents.fixture.ts';
import { createAdvisor } from './advice.ts';
import { planOf } from './plan.ts';
import { explainQuery } from './query-words.ts';
import { rewritesOf } from './rewrites.ts';

let shop: ShopDatabase;
let sandbox: Sandbox;
beforeAll(async () => {
  await loadParser();
  shop = await createShop();
  sandbox = createSandbox({ workers: 1 });
});
afterAll(async () => {
  await sandbox.close();
  shop.remove();
});

describe('words for a statement', () => {
  it.each([
    ['SELECT COUNT(*) FROM orders', 'Shows the number of rows of orders.'],
    ['SELECT * FROM customers', 'Shows everything of customers.'],
    [
      "SELECT DISTINCT city FROM customers WHERE city LIKE 'L%' OR city IS NULL",
      'Shows the different city of customers where city starts with “L” or city is missing.',
    ],
    [
      "SELECT city FROM customers WHERE NOT city LIKE '%x%'",
      'Shows city of customers where not city contains “x”.',
    ],
    [
      "SELECT city FROM customers WHERE city NOT LIKE '%x%'",
      'Shows city of customers where city does not contain “x”.',
    ],
    ["SELECT city FROM customers WHERE city LIKE 'a%b'", 'Shows city of customers where city matches “a%b”.'],
    [
      "SELECT c.full_name, SUM(o.total) FROM customers c JOIN orders o ON o.customer_id = c.customer_id WHERE strftime('%Y', o.ordered_on) = '2024' GROUP BY c.full_name HAVING COUNT(*) > 3 ORDER BY SUM(o.total) DESC LIMIT 5",
      'Shows full name and the total of total of customers with their orders where the year of ordered on is “2024”, for each full name, keeping groups where the number of rows is more than 3, sorted by the total of total, highest first, only the first 5.',
    ],
    ['SELECT total FROM orders ORDER BY 1', 'Shows total of orders, sorted by total.'],
    [
      'SELECT order_id FROM orders WHERE total > (SELECT AVG(total) FROM orders)',
      'Shows order id of orders where total is more than (the average of total of orders).',
    ],
    [
      'SELECT full_name FROM customers WHERE customer_id NOT IN (SELECT customer_id FROM orders)',
      'Shows full name of customers where customer id is not among (customer id of orders).',
    ],
    [
      'SELECT city FROM customers UNION SELECT full_name FROM customers',
      'Shows city of customers, together with full name of customers.',
    ],
    [
      'SELECT RANK() OVER (PARTITION BY customer_id ORDER BY total DESC) FROM orders',
      'Shows the rank within each customer id by total (highest first) of orders.',
    ],
    [
      "SELECT CASE WHEN total > 9 THEN 'big' ELSE 'small' END FROM orders",
      'Shows “big” where total is more than 9, otherwise “small” of orders.',
    ],
    ['SELECT !!', 'This statement is written in a way that cannot be put into words here.'],
  ])('%s', (sql, words) => {
    expect(explainQuery(sql, { schema: shop.schema })).toBe(words);
  });
});

describe('plan and advice', () => {
  it('reads the plan as a tree', async () => {
    const sql =
      'SELECT * FROM orders WHERE customer_id IN (SELECT customer_id FROM customers WHERE customer_id = 1) ORDER BY total';
    const plan = planOf(await sandbox.execute(shop.path, `EXPLAIN QUERY PLAN ${sql}`))!;
    const operations = plan.map(({ operation }) => operation);
    expect(operations).toContain('sort');
    expect(operations).toContain('scan');
    expect(plan.find(({ operation }) => operation === 'subquery')?.children.length).toBeGreaterThan(0);
  });

  it('advises an index with what was measured, and leaves the database alone', async () => {
    const { path, schema } = shop;
    const advisor = createAdvisor({
      schema,
      databasePath: path,
      execute: (file, sql) => sandbox.execute(file, sql),
    });
    const pairs =
      'SELECT COUNT(*) FROM orders a JOIN orders b ON a.ordered_on = b.ordered_on WHERE a.order_id < 300';
    const [advice] = await advisor.advise(pairs);
    expect(advice).toMatchObject({
      kind: 'index',
      sql: 'CREATE INDEX idx_orders_ordered_on ON orders (ordered_on)',
    });
    expect(advice!.measured!.afterMs).toBeLessThan(advice!.measured!.beforeMs);
    const indexes = await sandbox.execute(path, "SELECT COUNT(*) FROM sqlite_master WHERE type = 'index'");
    expect(indexes).toMatchObject({ rows: [[0]] });
  });

  it('proposes only rewrites that return the same', async () => {
    const statements = [
      "SELECT COUNT(*) FROM orders WHERE strftime('%Y', ordered_on) = '2024'",
      "SELECT COUNT(*) FROM orders AS o WHERE total > 5 AND strftime('%Y', o.ordered_on) = '2025' AND total < 900",
      'SELECT DISTINCT city FROM customers GROUP BY city',
    ];
    for (const sql of statements) {
      const rewrites = rewritesOf(sql);
      expect(rewrites).toHaveLength(1);
      const [verdict] = await sandbox.judgeBatch(shop.path, [{ gold: sql, predicted: rewrites[0]!.sql }]);
      expect(verdict!.match).toBe(true);
    }
    expect(rewritesOf("SELECT strftime('%Y', ordered_on) FROM orders")).toEqual([]);
    expect(rewritesOf('SELECT DISTINCT COUNT(*) FROM customers GROUP BY city')).toEqual([]);
  });
});
