/** A database that gets other tables while the server runs: real servers, the demonstration's database, the shipped model. */
import Database from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerateResponse, HealthResponse, SchemaResponse } from '../../src/serving/api/contract.ts';
import { createServedDatabase } from '../../src/serving/api/served-database.ts';
import { openProject, type Project, type Served } from '../support/served.ts';

let project: Project;
let served: Served;
const failures: unknown[] = [];
beforeAll(async () => {
  project = await openProject({ onSchemaFailure: (thrown) => failures.push(thrown) });
  served = await project.serve();
}, 120_000);
afterAll(() => project.close());

/** As another program would, while the server runs. */
function change(sql: string): void {
  const database = new Database(project.databasePath);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

const json = async <T>(response: Response): Promise<T> => {
  expect(response.status).toBe(200);
  return (await response.json()) as T;
};
const schema = async () => json<SchemaResponse>(await served.get('/schema'));
const health = async () => json<HealthResponse>(await served.get('/health'));
const ask = async (query: string) =>
  json<GenerateResponse>(await served.post('/generate', { query, options: { cache: false } }));

describe('a table that is added while the server runs', () => {
  const CRATES = 'SELECT COUNT(*) FROM WHS_CRATES';

  it('is there for the next question: in the schema, in explanations, in corrections, in the pipeline', async () => {
    const before = await schema();
    const unknown = await served.post('/explain', { sql: CRATES });
    expect((await json<{ tables: string[] }>(unknown)).tables).toEqual([]);
    const asked = await ask('How many crates are there?');

    change('CREATE TABLE WHS_CRATES (Crate_ID INTEGER PRIMARY KEY, Label TEXT)');
    change("INSERT INTO WHS_CRATES (Label) VALUES ('first'), ('second')");

    const corrected = { id: asked.id, verdict: 'wrong', corrected_sql: CRATES };
    expect((await served.post('/feedback', corrected)).status).toBe(200);
    const answer = await ask('How many crates are there?');
    expect(answer.sql).toBe(CRATES);
    expect(answer.answer).toMatchObject({ tables: ['WHS_CRATES'], warnings: [], result: { rows: [[2]] } });
    const after = await schema();
    expect(after.hash).not.toBe(before.hash);
    expect(after.tables.map(({ name }) => name)).toContain('WHS_CRATES');
    const told = await served.post('/explain', { sql: CRATES });
    expect((await json<{ tables: string[] }>(told)).tables).toEqual(['WHS_CRATES']);
    expect(await json(await served.get('/model/info'))).toMatchObject({ schema_hash: after.hash });
    expect(await health()).toMatchObject({ status: 'ok', schema: 'current' });
  }, 60_000);

  it('does not disturb who asks meanwhile', async () => {
    const questions = Array.from({ length: 8 }, (_, at) => `How many projects have a budget above ${at}000?`);
    const answers = questions.map((query) => ask(query));
    change('CREATE TABLE WHS_SHELVES (Shelf_ID INTEGER PRIMARY KEY)');
    const more = questions.map((query) => ask(query));
    const first = (await Promise.all(answers)).map(({ sql }) => sql);
    expect((await Promise.all(more)).map(({ sql }) => sql)).toEqual(first);
    expect((await schema()).tables.map(({ name }) => name)).toContain('WHS_SHELVES');
  }, 60_000);

  it('where the rules no longer fit, answers go by the old tables and say so', async () => {
    const before = await schema();
    change('ALTER TABLE SRM_CONTACTS RENAME COLUMN Email TO Mail_Address');
    const { answer } = await ask('How many active projects are there?');
    expect(answer.warnings.map(({ code }) => code)).toContain('schema/stale');
    expect(answer.result?.rows).toHaveLength(1);
    expect(failures).toMatchObject([{ code: 'agents/bad-rules' }]);
    expect(await health()).toMatchObject({ status: 'degraded', schema: 'stale' });
    expect((await served.get('/health/ready')).status).toBe(200);
    expect((await schema()).hash).toBe(before.hash);

    change('ALTER TABLE SRM_CONTACTS RENAME COLUMN Mail_Address TO Email');
    const again = await ask('How many active projects are there?');
    expect(again.answer.warnings.map(({ code }) => code)).not.toContain('schema/stale');
    expect(await health()).toMatchObject({ status: 'ok', schema: 'current' });
  }, 60_000);
});

describe('createServedDatabase', () => {
  const knowledge = () => ({ schema: { hash: 'a' } as never, explain: async () => ({}) as never });

  it('reads once for all who ask, and not again before the next change', async () => {
    let stamp = '1';
    let reads = 0;
    const database = createServedDatabase({
      first: knowledge(),
      stamp,
      stampNow: () => stamp,
      read: async () => {
        reads += 1;
        return knowledge();
      },
      onFailure: () => {},
    });
    await database.refresh();
    expect(reads).toBe(0);
    stamp = '2';
    await Promise.all([database.refresh(), database.refresh(), database.refresh()]);
    await database.refresh();
    expect(reads).toBe(1);
  });

  it('waits before it tries again what failed, and takes a database that is away for unchanged', async () => {
    let stamp: string | undefined = '1';
    let reads = 0;
    const first = knowledge();
    const database = createServedDatabase({
      first,
      stamp,
      stampNow: () => {
        if (stamp === undefined) throw new Error('away');
        return stamp;
      },
      read: async () => {
        reads += 1;
        throw new Error('cannot be read');
      },
      onFailure: () => {},
    });
    stamp = undefined;
    await database.refresh();
    expect([reads, database.isStale]).toEqual([0, false]);
    stamp = '2';
    await database.refresh();
    await database.refresh();
    expect([reads, database.isStale, database.known]).toEqual([1, true, first]);
    stamp = '3';
    await database.refresh();
    expect(reads).toBe(2);
  });
});
