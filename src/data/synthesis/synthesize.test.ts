import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { packageRoot } from '../../foundation/files.ts';
import { introspectSqlite } from '../../schema/introspect.ts';
import { createLexicon, synonymsSchema, unknownSynonymKeys } from '../../schema/lexicon.ts';
import { buildErpDatabase } from '../erp/build.ts';
import { tagValue } from '../example.ts';
import { sqlFeatures } from '../sql-features.ts';
import { isHeldOutShape, shapeOf } from './split.ts';
import { synthesize } from './synthesize.ts';

const counts = { train: 400, rl: 60, phrasings: 60, shapes: 20 };
let directory: string;
let sandbox: Sandbox;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'querent-synthesis-'));
  sandbox = createSandbox();
});
afterAll(async () => {
  await sandbox.close();
  await rm(directory, { recursive: true, force: true });
});

async function run(path: string, synonymsPath?: string, wanted = counts) {
  const schema = await introspectSqlite(path);
  const synonyms =
    synonymsPath === undefined ? {} : synonymsSchema.parse(JSON.parse(await readFile(synonymsPath, 'utf8')));
  const executeAll = (sqls: readonly string[]) => Promise.all(sqls.map((sql) => sandbox.execute(path, sql)));
  return {
    schema,
    synonyms,
    result: await synthesize({ schema, synonyms, seed: 5, counts: wanted, executeAll }),
  };
}

describe('synthesize on the ERP database', () => {
  const path = (): string => join(directory, 'erp.sqlite');
  beforeAll(() => buildErpDatabase({ path: path() }));

  it('fills every part with pairs that run, and never shares a frame or a held-out shape with training', async () => {
    const { schema, synonyms, result } = await run(
      path(),
      join(packageRoot(), 'datasets', 'erp', 'synonyms.json'),
    );
    expect(unknownSynonymKeys(schema, synonyms)).toEqual([]);
    expect(createLexicon(schema, synonyms).relations.length).toBeGreaterThan(8);
    const { train, rl, phrasings, shapes } = result.parts;
    expect([train.length, rl.length, phrasings.length, shapes.length]).toEqual([400, 60, 60, 20]);
    const framesOf = (examples: typeof train): Set<string> =>
      new Set(examples.map((example) => tagValue(example, 'template')!));
    const trained = framesOf(train);
    for (const frame of [...framesOf(rl), ...framesOf(phrasings)]) expect(trained.has(frame)).toBe(false);
    for (const frame of framesOf(rl)) expect(framesOf(phrasings).has(frame)).toBe(false);
    const trainedShapes = new Set(train.map((example) => shapeOf(example.sql)));
    for (const example of shapes) {
      expect(isHeldOutShape(shapeOf(example.sql))).toBe(true);
      expect(trainedShapes.has(shapeOf(example.sql))).toBe(false);
    }
    const features = new Set(train.flatMap((example) => sqlFeatures(example.sql)));
    expect(features.size).toBeGreaterThan(12);
    expect(result.dropped.broken ?? 0).toBe(0);
  });

  it('gives the same pairs for the same seed', async () => {
    const small = { train: 40, rl: 5, phrasings: 5, shapes: 2 };
    const first = await run(path(), undefined, small);
    const second = await run(path(), undefined, small);
    expect(second.result.parts).toEqual(first.result.parts);
  });
});

const samples = join(packageRoot(), '..', 'shared', 'data', 'sample_dbs');
describe.skipIf(!existsSync(samples))('synthesize on other databases (skipped without ../shared)', () => {
  it.each(['chinook/Chinook_Sqlite.sqlite', 'northwind/northwind.sqlite'])('%s', async (name) => {
    const { result } = await run(join(samples, name), undefined, {
      train: 200,
      rl: 20,
      phrasings: 20,
      shapes: 5,
    });
    expect(result.parts.train).toHaveLength(200);
    expect(result.dropped.broken ?? 0).toBe(0);
  });
});
