import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sharedSqlite } from '../../database/wasm.ts';
import { introspectSqlite } from '../../schema/introspect.ts';
import { createValueIndex } from '../../schema/link/value-index.ts';
import { createSchemaAnalyzer } from './schema-analyzer.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-analyzer-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function analyzerOf(ddl: string) {
  const sqlite = await sharedSqlite();
  const database = new sqlite.oo1.DB(':memory:');
  database.exec(ddl);
  const path = join(folder, `${Math.abs(ddl.length)}.sqlite`);
  writeFileSync(path, sqlite.capi.sqlite3_js_db_export(database));
  database.close();
  const schema = await introspectSqlite(path);
  return createSchemaAnalyzer({ schema, valueIndex: createValueIndex(schema) });
}

const shop = `
CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, full_name TEXT, city TEXT);
CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers, ordered_on DATE);
CREATE TABLE order_lines (line_id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders, product_id INTEGER REFERENCES products, quantity INTEGER);
CREATE TABLE products (product_id INTEGER PRIMARY KEY, title TEXT, origin TEXT);
CREATE TABLE holidays (day DATE PRIMARY KEY, reason TEXT);
INSERT INTO customers VALUES (1, 'Ada Byron', 'Lisbon'), (2, 'Blaise Pascal', 'Paris');
INSERT INTO products VALUES (1, 'Chess board', 'Lisbon'), (2, 'Abacus', 'Oslo');
INSERT INTO orders VALUES (1, 1, '2024-01-02');
INSERT INTO order_lines VALUES (1, 1, 1, 2);`;
const options = { tablesMax: 4, schemaTokensMax: 3_000 };

describe('the schema analyzer', async () => {
  const analyzer = await analyzerOf(shop);

  it('finds tables by name, and those between them by the foreign keys', () => {
    const { tables, joins } = analyzer.analyze('which customers bought a product?', {
      ...options,
      tablesMax: 4,
    });
    expect([...tables].sort()).toEqual(['customers', 'order_lines', 'orders', 'products']);
    expect(joins.flatMap(({ on }) => on)).toContain('orders.customer_id = customers.customer_id');
  });

  it('finds a table by a value that only it holds', () => {
    const { tables, columns } = analyzer.analyze('what do we know about Abacus', {
      ...options,
      tablesMax: 1,
    });
    expect(tables).toEqual(['products']);
    expect(columns[0]).toBe('products.title');
  });

  it('names a value that several columns hold, and a word that nothing knows', () => {
    const { ambiguous } = analyzer.analyze('zorbles from Lisbon', options);
    expect(ambiguous).toContainEqual({ words: 'zorbles', reason: 'unknown-word', meanings: [] });
    expect(ambiguous).toContainEqual({
      words: 'Lisbon',
      reason: 'several-columns',
      meanings: ['customers.city', 'products.origin'],
    });
  });

  it('keeps to the number of tables', () => {
    for (const tablesMax of [1, 2, 3, 5])
      expect(
        analyzer.analyze('customers orders products holidays', { ...options, tablesMax }).tables,
      ).toHaveLength(tablesMax);
  });

  it('keeps 500 tables within the budget and still shows the right one', async () => {
    const many = Array.from(
      { length: 500 },
      (_, n) =>
        `CREATE TABLE archive_${n} (id INTEGER PRIMARY KEY, ${Array.from({ length: 6 }, (_, c) => `field_${c} TEXT`).join(', ')});`,
    );
    const large = await analyzerOf(`${many.join('\n')}${shop}`);
    for (const schemaTokensMax of [200, 1_000, 3_000]) {
      const { schemaText } = large.analyze('titles of products from Oslo', {
        tablesMax: 10,
        schemaTokensMax,
      });
      expect(schemaText.tokens).toBeLessThanOrEqual(schemaTokensMax);
      expect(schemaText.text).toContain('CREATE TABLE products');
    }
  });
});
