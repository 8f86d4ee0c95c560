import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../database/sandbox.ts';
import type { Example } from '../example.ts';
import type { SynthesisContext } from '../synthesis/context.ts';
import { ownFilter } from '../synthesis/filters.ts';
import { resolveMarks } from '../synthesis/select.ts';
import { canRestrict, readersOf, readStatement, withCondition } from './clauses.ts';
import { composeExamples } from './compose.ts';
import { type CompositionWorld, openCompositionWorld } from './composition.fixture.ts';
import { addColumn, countRows, orderByFigure, restrict } from './operations.ts';

let world: CompositionWorld;
let path: string;
let sandbox: Sandbox;
let context: SynthesisContext;
let written: readonly Example[];

beforeAll(async () => {
  world = await openCompositionWorld();
  ({ path, sandbox, context, written } = world);
});
afterAll(() => world.close());

/** In an order of their own: what a statement leaves open may come either way. */
const rowsOf = async (sql: string): Promise<unknown> => {
  const execution = await sandbox.execute(path, sql);
  return execution.outcome === 'rows' ? execution.rows.map((row) => JSON.stringify(row)).sort() : execution;
};

describe('withCondition', () => {
  /** The same statement over a table of that name with fewer rows: what the edited statement has to give. */
  const overFewerRows = (sql: string, table: string, condition: string): string => {
    const fewer = `${table} AS (SELECT * FROM main.${table} WHERE ${condition})`;
    return sql.startsWith('WITH ') ? `WITH ${fewer}, ${sql.slice(5)}` : `WITH ${fewer} ${sql}`;
  };

  it('gives what the statement gives over a table with those rows only', async () => {
    let compared = 0;
    let changed = 0;
    for (const { sql } of written) {
      const statement = readStatement(sql);
      if (!canRestrict(statement)) continue;
      for (const facts of context.facts.values()) {
        const { name } = facts.table;
        const readers = readersOf(statement, name);
        if (readers === undefined || readers.length === 0) continue;
        const filter = ownFilter(context, facts)!;
        if (filter.sql.includes('SELECT')) continue;
        const edited = withCondition(statement, readers, name, filter.sql);
        const found = await rowsOf(edited);
        expect([edited, found]).toEqual([
          edited,
          await rowsOf(overFewerRows(sql, name, resolveMarks(filter.sql, 'bare'))),
        ]);
        compared += 1;
        if (JSON.stringify(found) !== JSON.stringify(await rowsOf(sql))) changed += 1;
      }
    }
    expect(compared).toBeGreaterThan(250);
    expect(changed).toBeGreaterThan(200);
  }, 120_000);

  it('writes the column as the SELECT around it does', () => {
    const inner = readStatement(
      'SELECT Company_Name FROM SRM_COMPANIES WHERE NOT EXISTS (SELECT 1 FROM PROJCNTRTS WHERE PROJCNTRTS.Company_ID = SRM_COMPANIES.Company_ID) ORDER BY Company_Name',
    );
    expect(
      withCondition(inner, readersOf(inner, 'SRM_COMPANIES')!, 'SRM_COMPANIES', '⟦SRM_COMPANIES|Rating⟧ > 3'),
    ).toBe(
      'SELECT Company_Name FROM SRM_COMPANIES WHERE NOT EXISTS (SELECT 1 FROM PROJCNTRTS WHERE PROJCNTRTS.Company_ID = SRM_COMPANIES.Company_ID) AND Rating > 3 ORDER BY Company_Name',
    );
    expect(
      withCondition(inner, readersOf(inner, 'PROJCNTRTS')!, 'PROJCNTRTS', "⟦PROJCNTRTS|Currency⟧ = 'CHF'"),
    ).toBe(
      "SELECT Company_Name FROM SRM_COMPANIES WHERE NOT EXISTS (SELECT 1 FROM PROJCNTRTS WHERE PROJCNTRTS.Company_ID = SRM_COMPANIES.Company_ID AND PROJCNTRTS.Currency = 'CHF') ORDER BY Company_Name",
    );
  });

  it.each([
    ['outer joins', 'SELECT a.City FROM PAC_MNT_PROJECTS AS a LEFT JOIN PROJCNTRTS ON 1 = 1'],
    ['recursion', 'WITH RECURSIVE t AS (SELECT 1 AS n) SELECT n FROM t JOIN PAC_MNT_PROJECTS ON 1 = 1'],
    ['alternatives', "SELECT Project_Name FROM PAC_MNT_PROJECTS WHERE City = 'Rome' OR Budget > 3"],
  ])('leaves %s alone', (_, sql) => {
    expect(canRestrict(readStatement(sql))).toBe(false);
    for (let i = 0; i < 20; i++) expect(restrict(context, { question: 'q', sql })).toBeUndefined();
  });
});

describe('the other operations', () => {
  const list = "SELECT Project_Name FROM PAC_MNT_PROJECTS WHERE City = 'Rome'";
  const groups = 'SELECT Department, SUM(Budget) FROM PAC_MNT_PROJECTS GROUP BY Department';
  const question = 'Which projects are in Rome?';

  it('add a column behind the others', () => {
    const pair = addColumn(context, { question, sql: list })!;
    expect(pair.sql).toMatch(
      /^SELECT Project_Name, (?!Project_Name)\w+ FROM PAC_MNT_PROJECTS WHERE City = 'Rome'$/,
    );
    expect(pair.question).toMatch(/^Which projects are in Rome.* \S+/);
    expect(addColumn(context, { question, sql: groups })).toBeUndefined();
  });

  it('count the rows of a list', () => {
    expect(countRows(context, { question, sql: list })!.sql).toBe(
      "SELECT COUNT(*) FROM PAC_MNT_PROJECTS WHERE City = 'Rome'",
    );
    expect(countRows(context, { question, sql: `${list} ORDER BY Project_Name` })).toBeUndefined();
    expect(countRows(context, { question, sql: groups })).toBeUndefined();
  });

  it('order groups by their only figure', () => {
    const pair = orderByFigure(context, { question: 'Budget per department?', sql: groups })!;
    expect(pair.sql).toMatch(/ GROUP BY Department ORDER BY SUM\(Budget\)( DESC)?( LIMIT \d+)?$/);
    const two = 'SELECT Department, COUNT(*), SUM(Budget) FROM PAC_MNT_PROJECTS GROUP BY Department';
    expect(orderByFigure(context, { question: 'q', sql: two })).toBeUndefined();
  });
});

describe('composeExamples', () => {
  const composed = (examples: readonly Example[]) =>
    composeExamples({
      schema: context.lexicon.schema,
      seed: 7,
      examples,
      variants: 2,
      executeAll: (sqls) => Promise.all(sqls.map((sql) => sandbox.execute(path, sql))),
    });

  it('makes further pairs that run and ask something else', async () => {
    const { examples, dropped } = await composed(written);
    expect(examples.length).toBeGreaterThan(written.length);
    expect(dropped.broken).toBeUndefined();
    const questions = new Set(written.map((example) => example.question));
    for (const example of examples) expect(questions.has(example.question)).toBe(false);
    expect(new Set(examples.map(({ question }) => question.toLowerCase())).size).toBe(examples.length);
  }, 60_000);

  it('makes the same of an example whatever stands beside it', async () => {
    const few = await composed(written.slice(3, 6));
    const all = await composed(written.slice(0, 9));
    expect(few.examples.length).toBeGreaterThan(0);
    expect(all.examples).toEqual(expect.arrayContaining([...few.examples]));
  }, 60_000);

  it('makes other variants of an example that is listed again', async () => {
    const some = written.slice(3, 9);
    const once = await composed(some);
    const twice = await composed([...some, ...some]);
    expect(twice.examples.slice(0, once.examples.length)).toEqual(once.examples);
    expect(twice.examples.length).toBeGreaterThan(once.examples.length + some.length / 2);
    expect(new Set(twice.examples.map(({ id }) => id)).size).toBe(twice.examples.length);
  }, 60_000);
});
