/** The reward of a recipe over a real database: presets, weights, a file, and neighbours that find accidents out. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { sharedSqlite } from '../../database/wasm.ts';
import { parseConfig } from '../../foundation/config.ts';
import type { RunEvent } from '../../foundation/events.ts';
import { rewardConfigSchema } from '../../rewards/reward-config.ts';
import { introspectSqlite } from '../../schema/introspect.ts';
import type { OpenedDatabase } from './database.ts';
import { recipeReward } from './reward.ts';

const directory = mkdtempSync(join(tmpdir(), 'querent-recipe-reward-'));
const path = join(directory, 'shop.sqlite');
let sandbox: Sandbox;
let database: OpenedDatabase;

beforeAll(async () => {
  const sqlite = await sharedSqlite();
  const memory = new sqlite.oo1.DB(':memory:');
  memory.exec(`
CREATE TABLE orders (id INTEGER PRIMARY KEY, city TEXT NOT NULL, amount REAL NOT NULL);
INSERT INTO orders VALUES (1,'Oslo',10),(2,'Oslo',25),(3,'Lyon',5),(4,'Lyon',40),(5,'Lyon',15),(6,'Porto',30);`);
  writeFileSync(path, sqlite.capi.sqlite3_js_db_export(memory));
  memory.close();
  database = { path, schema: await introspectSqlite(path, { databaseId: 'shop' }) };
  sandbox = createSandbox({ workers: 1 });
});
afterAll(async () => {
  await sandbox?.close();
  rmSync(directory, { recursive: true, force: true });
});

const pairs = [
  // Two orders in Oslo, and two above 26.
  ["SELECT COUNT(*) FROM orders WHERE city = 'Oslo'", 'SELECT COUNT(*) FROM orders WHERE amount > 26'],
  ["SELECT COUNT(*) FROM orders WHERE city = 'Oslo'", "SELECT SUM(1) FROM orders o WHERE o.city = 'Oslo'"],
  ["SELECT id FROM orders WHERE city = 'Rome'", 'SELECT id FROM orders WHERE amount > 900'],
  ["SELECT id FROM orders WHERE city = 'Rome'", "SELECT o.id FROM orders o WHERE o.city = 'Rome'"],
] as const;
const items = pairs.map(([sql, predicted], i) => ({
  example: { id: String(i), question: '?', sql, databaseId: 'shop', tags: [] },
  completion: { sql: predicted, isComplete: true },
}));

async function scores(reward: Record<string, unknown>, observe: (event: RunEvent) => void = () => {}) {
  const config = parseConfig(rewardConfigSchema, reward, 'test');
  const examples = items.map(({ example }) => example);
  const made = await recipeReward({
    config,
    sandbox,
    database,
    examples,
    directory: join(directory, 'neighbours'),
    observe,
  });
  return (await made.score(items)).map(({ score }) => score);
}

describe('recipeReward', () => {
  it('is the default preset where the recipe says nothing', async () => {
    expect(await scores({})).toEqual([1, 1, null, null]);
  });

  it('asks the neighbours what one database cannot tell', async () => {
    const events: RunEvent[] = [];
    expect(await scores({ preset: 'strict', neighbours: 4 }, (event) => events.push(event))).toEqual([
      0.1, 1, 0.1, 1,
    ]);
    expect(events.map(({ type }) => type)).toEqual(['stage-start', 'stage-end']);
  });

  it('weighs parts, and refuses weights that could turn the order round', async () => {
    expect(await scores({ weights: { execution: 0.8, domain: 0.2 } })).toEqual([1, 1, null, null]);
    await expect(scores({ weights: { execution: 0.2, domain: 0.8 } })).rejects.toMatchObject({
      code: 'rewards/wrong-order',
    });
  });

  it('loads a file', async () => {
    const file = join(directory, 'mine.mjs');
    writeFileSync(file, 'export default ({ completion }) => completion.sql.length;');
    expect(await scores({ file })).toEqual(pairs.map(([, predicted]) => predicted.length));
  });
});
