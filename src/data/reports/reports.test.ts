import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { packageRoot } from '../../foundation/files.ts';
import { createRandom } from '../../foundation/random.ts';
import { introspectSqlite } from '../../schema/introspect.ts';
import { createLexicon, type Synonyms, synonymsSchema } from '../../schema/lexicon.ts';
import type { Schema } from '../../schema/schema.ts';
import { buildErpDatabase } from '../erp/build.ts';
import { createContext, type SynthesisContext } from '../synthesis/context.ts';
import { makeReports, reportKinds } from './reports.ts';

let directory: string;
let path: string;
let sandbox: Sandbox;
let schema: Schema;
let synonyms: Synonyms;
let context: SynthesisContext;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'querent-reports-'));
  path = join(directory, 'erp.sqlite');
  await buildErpDatabase({ path });
  sandbox = createSandbox();
  schema = await introspectSqlite(path);
  const text = await readFile(join(packageRoot(), 'datasets', 'erp', 'synonyms.json'), 'utf8');
  synonyms = synonymsSchema.parse(JSON.parse(text));
  context = createContext(createLexicon(schema, synonyms), createRandom(5));
});
afterAll(async () => {
  await sandbox.close();
  await rm(directory, { recursive: true, force: true });
});

const executeAll = (sqls: readonly string[]) => Promise.all(sqls.map((sql) => sandbox.execute(path, sql)));
/** Nothing is dropped for being slow: which statements are depends on what else the machine does. */
const options = () => ({ schema, synonyms, executeAll, count: 150, maxElapsedMs: 60_000 });

describe('reportKinds', () => {
  it.each(Object.keys(reportKinds))(
    '%s gives statements that run, in words without gaps',
    async (kind) => {
      const [make] = reportKinds[kind]!;
      let answered = 0;
      for (let draw = 0; draw < 150 && answered < 4; draw++) {
        const report = make(context);
        if (report === undefined) continue;
        expect(report.question).not.toMatch(/[{}⟦⟧]|undefined/);
        const execution = await sandbox.execute(path, report.sql, { timeoutMs: 60_000 });
        expect([report.sql, execution.outcome]).toEqual([report.sql, 'rows']);
        if (execution.outcome === 'rows' && execution.rows.length > 0) answered++;
      }
      expect(answered).toBe(4);
    },
    120_000,
  );
});

describe('makeReports', () => {
  it('is the same for the same seed and another for another', async () => {
    const made = await makeReports({ ...options(), seed: 1 });
    expect(await makeReports({ ...options(), seed: 1 })).toEqual(made);
    const other = await makeReports({ ...options(), seed: 2 });
    const asked = new Set(made.examples.map(({ question }) => question));
    expect(other.examples.filter(({ question }) => asked.has(question)).length).toBeLessThan(5);
  }, 120_000);

  it('asks long questions of every kind, each once, and each has an answer', async () => {
    const { examples, dropped } = await makeReports({ ...options(), seed: 3 });
    expect(examples).toHaveLength(150);
    expect(new Set(examples.map(({ question }) => question.toLowerCase())).size).toBe(150);
    const lengths = examples.map(({ question }) => question.split(' ').length).sort((a, b) => a - b);
    expect(lengths[75]).toBeGreaterThan(25);
    expect(dropped.broken).toBeUndefined();
    for (const execution of await executeAll(examples.map(({ sql }) => sql))) {
      expect(execution.outcome).toBe('rows');
      expect(execution.outcome === 'rows' && execution.rows.length).toBeGreaterThan(0);
    }
  }, 120_000);

  it('says how far it is, and stops when it is told to', async () => {
    const stop = new AbortController();
    const done: number[] = [];
    const run = makeReports({
      ...options(),
      count: 100_000,
      seed: 4,
      signal: stop.signal,
      observe: (event) => {
        if (event.type === 'progress') done.push(event.done);
        stop.abort(new Error('stopped'));
      },
    });
    await expect(run).rejects.toThrow('stopped');
    expect(done).toHaveLength(1);
  }, 120_000);

  it('gives none where the schema has nothing to report on', async () => {
    const empty = { ...schema, tables: [] };
    expect(await makeReports({ ...options(), schema: empty, seed: 5 })).toEqual({
      examples: [],
      dropped: {},
    });
  });
});
