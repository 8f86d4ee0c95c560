import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildErpDatabase } from '../../data/erp/build.ts';
import type { Example } from '../../data/example.ts';
import { readExamples } from '../../data/example-file.ts';
import { packageRoot } from '../../foundation/files.ts';
import { createRandom } from '../../foundation/random.ts';
import { introspectSqlite } from '../../schema/introspect.ts';
import type { Schema } from '../../schema/schema.ts';
import { buildCompactFormat, type CompactBuild } from './build-compact.ts';
import { createCompactConstraint } from './compact-constraint.ts';
import { joinSqlWords, sqlWords } from './sql-words.ts';

let directory: string;
let schema: Schema;
let examples: readonly Example[];
let build: CompactBuild;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'querent-compact-'));
  const path = join(directory, 'erp.sqlite');
  await buildErpDatabase({ path });
  schema = await introspectSqlite(path);
  examples = await readExamples(join(packageRoot(), 'datasets', 'erp', 'base.jsonl'), 'erp');
  build = buildCompactFormat({ schema, examples, today: '2025-06-30', seed: 1, minCount: 1 });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const squeezed = (sql: string): string => sql.replace(/\s+/g, '').replace(/;$/, '').toLowerCase();

describe('compact format', () => {
  it('writes the labels of a CASE as the question does', () => {
    const sql = (low: string, high: string): string =>
      `SELECT CASE WHEN Budget < 10000 THEN '${low}' ELSE '${high}' END FROM PAC_MNT_PROJECTS`;
    const tokensOf = (low: string, high: string): readonly number[] => {
      const prompt = build.format.prepare(`${low} below 10000, else ${high}`);
      const tokens = build.format.completionTokens(sql(low, high), prompt)!;
      expect(build.format.parseCompletion(tokens, prompt).sql).toBe(sql(low, high));
      return [...tokens];
    };
    expect(tokensOf('Small', 'LARGE')).toEqual(tokensOf('small', 'large'));
  });

  it.each([
    [
      'a value of the database',
      'Budget bands: low below 10000, medium below 20000, else high',
      'Medium',
      'medium',
    ],
    ['a word inside another', 'Budget: below 10000 is Low, else High', 'low', 'Low'],
    [
      'a word that stands there otherwise too',
      'Medium priority: Medium below 10000, else LARGE',
      'Medium',
      'Medium',
    ],
    ['no word of the question', 'Which projects are cheap?', 'Cheap enough', 'Cheap enough'],
  ])('keeps the case of the question for a label that is %s', (_, question, written, expected) => {
    const sql = (text: string): string =>
      `SELECT CASE WHEN Budget < 10000 THEN '${text}' ELSE 0 END FROM PAC_MNT_PROJECTS`;
    const prompt = build.format.prepare(question);
    const tokens = build.format.completionTokens(sql(written), prompt)!;
    expect(build.format.parseCompletion(tokens, prompt).sql).toBe(sql(expected));
  });

  it('gives back the gold SQL of every base example, with and without noise', () => {
    const random = createRandom(3);
    for (const { question, sql } of examples) {
      for (const prompt of [build.format.prepare(question), build.format.prepare(question, random)]) {
        const tokens = build.format.completionTokens(sql, prompt)!;
        const completion = build.format.parseCompletion(tokens, prompt);
        expect(squeezed(completion.sql)).toBe(squeezed(sql));
        expect(completion.isComplete).toBe(true);
      }
    }
  });

  it('leaves out statements whose literals have white space that words cannot keep, and learns from the rest', () => {
    const [first, ...others] = examples;
    const sqlOf = (space: string): string =>
      `SELECT Budget FROM PAC_MNT_PROJECTS WHERE Project_Name = 'Op. 16 -${space}II'`;
    for (const space of ['  ', '\t', '\n', '\u00a0']) {
      const odd = { ...first!, question: 'What is the budget of Op. 16 - II?', sql: sqlOf(space) };
      const { format, settings } = buildCompactFormat({
        schema,
        examples: [odd, ...others],
        seed: 1,
        minCount: 1,
      });
      expect(settings.sqlWords.filter((word) => word === '' || /\s/.test(word))).toEqual([]);
      const prompt = format.prepare(odd.question);
      expect(format.completionTokens(odd.sql, prompt)).toBeUndefined();
      expect(format.completionTokens(sqlOf(' '), prompt)).toBeDefined();
    }
  });

  it('is deterministic without a generator, and varies with one', () => {
    const question = 'how many projects are there in Munich with a budget over 1.5m';
    const { format, tokenizer } = build;
    expect(format.prepare(question).promptTokens).toEqual(format.prepare(question).promptTokens);
    const random = createRandom(1);
    const variants = new Set(
      Array.from({ length: 20 }, () => tokenizer.decode(format.prepare(question, random).promptTokens)),
    );
    expect(variants.size).toBeGreaterThan(5);
  });

  it('calls half a query incomplete, and writes nothing for a placeholder without a value', () => {
    const prompt = build.format.prepare('how many projects are there');
    const tokens = build.format.completionTokens('SELECT COUNT(*) FROM PAC_MNT_PROJECTS', prompt)!;
    expect(build.format.parseCompletion(tokens.subarray(0, 4), prompt).isComplete).toBe(false);
    const unbound = build.tokenizer.encode('SELECT <v3>');
    expect(build.format.parseCompletion(unbound, prompt).sql).toBe('');
  });
});

describe('compact constraint', () => {
  const trace = (question: string, sql: string): string | undefined => {
    const constraint = createCompactConstraint(build.format.constraint!.options as never);
    const prompt = build.format.prepare(question);
    const allowed_V = new Uint8Array(build.tokenizer.vocabSize);
    let state = constraint.start(prompt.promptTokens);
    for (const token of build.format.completionTokens(sql, prompt)!) {
      constraint.mask(state, allowed_V);
      if (allowed_V[token] === 0) return build.tokenizer.idToToken(token);
      state = constraint.advance(state, token);
    }
    return undefined;
  };

  it('lets every base gold through', () => {
    for (const { question, sql } of examples) expect([sql, trace(question, sql)]).toEqual([sql, undefined]);
  });

  it.each([
    ['a column of another table', 'SELECT Project_Name FROM SRM_COMPANIES', 'SRM_COMPANIES'],
    [
      'a column that the FROM clause does not have',
      'SELECT COUNT(*) FROM SRM_COMPANIES WHERE Budget > 1',
      'Budget',
    ],
    [
      'a table that is never joined',
      'SELECT SRM_COMPANIES.Company_Name FROM PAC_MNT_PROJECTS WHERE 1',
      'WHERE',
    ],
    ['a statement that is no query', 'DELETE FROM PROJSTAFF', 'DELETE'],
  ])('stops %s', (_, sql, stoppedAt) => {
    expect(trace('how many are there', sql)).toMatch(new RegExp(`^(${stoppedAt}|<unk>|D)`));
  });
});

describe('sqlWords', () => {
  it.each([
    "SELECT COUNT(*) FROM t WHERE a LIKE '%x (y) ,z%' AND b = 'it''s'",
    'SELECT "Order Details".OrderID, AVG(x - 1.5) FROM "Order Details" GROUP BY a, b',
    "SELECT strftime('%Y', d) FROM t ORDER BY COUNT(*) DESC LIMIT 3",
  ])('%s', (sql) => {
    expect(
      joinSqlWords(
        sqlWords(sql)
          .map((word) => word.text)
          .join(' '),
      ),
    ).toBe(sql);
  });
});
