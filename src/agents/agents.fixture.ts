/** A small shop as a database file, and a generator that writes what it is told: for tests of the steps. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedSqlite } from '../database/wasm.ts';
import { introspectSqlite } from '../schema/introspect.ts';
import type { Schema } from '../schema/schema.ts';
import type { Draft, GeneratorAsk, QueryGenerator } from './generate/query-generator.ts';

const shop = `
CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, full_name TEXT, email TEXT, city TEXT);
CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers, ordered_on DATE, total REAL);
INSERT INTO customers VALUES (1, 'Ada Byron', 'ada@example.org', 'Lisbon'), (2, 'Blaise Pascal', 'bp@example.org', 'Paris');
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 5000)
INSERT INTO orders SELECT x, 1 + x % 2, date('2024-01-01', '+' || (x % 700) || ' days'), x * 1.5 FROM n;`;

export interface ShopDatabase {
  readonly path: string;
  readonly schema: Schema;
  remove(): void;
}

export async function createShop(): Promise<ShopDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'querent-shop-'));
  const path = join(folder, 'shop.sqlite');
  const sqlite = await sharedSqlite();
  const database = new sqlite.oo1.DB(':memory:');
  database.exec(shop);
  writeFileSync(path, sqlite.capi.sqlite3_js_db_export(database));
  database.close();
  return {
    path,
    schema: await introspectSqlite(path),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export const draft = (sql: string, probability = 0.5, temperature = 1): Draft => ({
  sql,
  logprob: Math.log(probability),
  doubt: 0,
  temperature,
  tokens: sql.split(' ').length,
});

export interface Script {
  readonly greedy: (ask: GeneratorAsk) => Draft;
  readonly drawn?: (ask: GeneratorAsk, seed: number) => readonly Draft[];
  readonly readsContext?: boolean;
}

/** Counts what it is asked. */
export function scripted(
  script: Script,
): QueryGenerator & { readonly asked: GeneratorAsk[]; readonly draws: number[] } {
  const asked: GeneratorAsk[] = [];
  const draws: number[] = [];
  return {
    name: 'script',
    readsContext: script.readsContext ?? false,
    schemaTokensMax: 10_000,
    asked,
    draws,
    greedy: async (asks, watch) => {
      asked.push(...asks);
      const drafts = asks.map(script.greedy);
      watch?.onText?.(drafts[0]!.sql);
      return drafts;
    },
    draw: async (asks, { seed }) => {
      draws.push(seed);
      return asks.map((ask) => script.drawn?.(ask, seed) ?? []);
    },
    close: async () => {},
  };
}
