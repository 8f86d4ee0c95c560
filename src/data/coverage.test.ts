import { describe, expect, it } from 'vitest';
import type { Schema } from '../schema/schema.ts';
import { coverageOf, tablesNamed } from './coverage.ts';
import type { Example } from './example.ts';

const schema = {
  tables: [{ name: 'Orders' }, { name: 'Customers' }, { name: 'Unused' }],
} as unknown as Schema;
const example = (id: string, question: string, sql: string, tags: string[] = []): Example => ({
  id,
  question,
  sql,
  databaseId: 'shop',
  tags,
});

describe('tablesNamed', () => {
  it.each([
    ['SELECT * FROM orders', ['Orders']],
    ['SELECT "Orders".id FROM "Orders" JOIN [customers] ON 1', ['Orders', 'Customers']],
    ["SELECT 'Customers' FROM Orders -- Unused", ['Orders']],
    ['SELECT 1', []],
  ])('%s', (sql, expected) => {
    expect(tablesNamed(sql, schema)).toEqual(expected);
  });
});

describe('coverageOf', () => {
  const coverage = coverageOf(
    [
      example('a', 'How many orders?', 'SELECT COUNT(*) FROM Orders', ['difficulty:easy']),
      example('b', 'how  many orders?', 'SELECT COUNT(*) FROM Orders'),
      example('c', 'All customers', 'SELECT * FROM Customers'),
      example('d', 'all customers', 'SELECT name FROM Customers'),
    ],
    schema,
  );

  it('counts tables, also those that nothing names, and features', () => {
    expect(coverage.tables).toEqual({ Orders: 2, Customers: 2, Unused: 0 });
    expect(coverage.features.aggregate).toBe(2);
    expect(coverage.features.window).toBe(0);
    expect(coverage.difficulties).toEqual({ easy: 1, unknown: 3 });
  });

  it('finds duplicates and tells those that contradict each other', () => {
    expect(coverage).toMatchObject({ duplicates: 1, contradictions: 1 });
    expect(coverage.distinctSql).toBe(3);
  });
});
