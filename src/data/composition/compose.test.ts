import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { packageRoot } from '../../foundation/files.ts';
import { createRandom } from '../../foundation/random.ts';
import { introspectSqlite } from '../../schema/introspect.ts';
import { createLexicon, synonymsSchema } from '../../schema/lexicon.ts';
import { buildErpDatabase } from '../erp/build.ts';
import type { Example } from '../example.ts';
import { readExamples } from '../example-file.ts';
import { createContext, type SynthesisContext } from '../synthesis/context.ts';
import { ownFilter } from '../synthesis/filters.ts';
import { resolveMarks } from '../synthesis/select.ts';
import { canRestrict, readersOf, readStatement, withCondition } from './clauses.ts';
import { composeExamples } from './compose.ts';
import { exchangeColumn } from './exchange.ts';
import { addColumn, countRows, orderByFigure, restrict } from './operations.ts';

const erp = join(packageRoot(), 'datasets', 'erp');
let directory: string;
let path: string;
let sandbox: Sandbox;
let context: SynthesisContext;
let written: readonly Example[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'querent-composition-'));
  path = join(directory, 'erp.sqlite');
  await buildErpDatabase({ path });
  sandbox = createSandbox();
  const schema = await introspectSqlite(path);
  const synonyms = synonymsSchema.parse(JSON.parse(await readFile(join(erp, 'synonyms.json'), 'utf8')));
  context = createContext(createLexicon(schema, synonyms), createRandom(3));
  const sets = await Promise.all(
    ['analysts-a', 'analysts-f', 'voices'].map((name) => readExamples(join(erp, `${name}.jsonl`), 'erp')),
  );
  written = sets.flat().filter((_, i) => i % 17 === 0);
});
afterAll(async () => {
  await sandbox.close();
  await rm(directory, { recursive: true, force: true });
});

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
});

describe('exchangeColumn', () => {
  const made = (question: string, sql: string): Set<string> => {
    const found = Array.from({ length: 60 }, () => exchangeColumn(context, { question, sql }));
    return new Set(found.flatMap((pair) => (pair === undefined ? [] : [`${pair.question} | ${pair.sql}`])));
  };

  it('asks the same of another column of the kind, in words and in SQL', () => {
    const pairs = made(
      'Total budget per department, largest budget first',
      'SELECT Department, SUM(Budget) FROM PAC_MNT_PROJECTS GROUP BY Department ORDER BY SUM(Budget) DESC',
    );
    expect(pairs).toContain(
      'Total budget per city, largest budget first | SELECT City, SUM(Budget) FROM PAC_MNT_PROJECTS GROUP BY City ORDER BY SUM(Budget) DESC',
    );
    for (const pair of pairs) {
      const [question, sql] = pair.split(' | ');
      expect([pair, /budget/i.test(question!)]).toEqual([pair, /Budget/.test(sql!)]);
      expect([pair, /department/i.test(question!)]).toEqual([pair, /Department/.test(sql!)]);
      expect(pair).not.toMatch(/SUM\(Fiscal_Year\)|fiscal year/i);
    }
  });

  it.each([
    [
      'a value of the column stands beside it',
      'How many projects has the department Finance?',
      "SELECT COUNT(*) FROM PAC_MNT_PROJECTS WHERE Department = 'Finance'",
    ],
    [
      'a phrase means the column without its noun alone',
      'Total budget of projects that went over budget',
      'SELECT SUM(Budget) FROM PAC_MNT_PROJECTS WHERE Actual_Cost > Budget',
    ],
    [
      'two tables have a column of the name',
      'How many assignments per department of the person?',
      'SELECT PAC_MNT_RESOURCES.Department, COUNT(*) FROM PAC_MNT_RESOURCES JOIN PROJSTAFF ON PAC_MNT_RESOURCES.Resource_ID = PROJSTAFF.Resource_ID JOIN PAC_MNT_PROJECTS ON PROJSTAFF.Project_Code = PAC_MNT_PROJECTS.Project_Code GROUP BY PAC_MNT_RESOURCES.Department',
    ],
    [
      'the question does not name it',
      'How much did we plan to spend?',
      'SELECT SUM(Budget) FROM PAC_MNT_PROJECTS',
    ],
  ])('declines where %s', (_, question, sql) => {
    expect(made(question, sql)).toEqual(new Set());
  });

  it('makes statements that run, of half of the questions or fewer', async () => {
    const pairs = written.flatMap((example) => exchangeColumn(context, example) ?? []);
    expect(pairs.length).toBeGreaterThan(written.length / 20);
    expect(pairs.length).toBeLessThan(written.length / 2);
    for (const { question, sql } of pairs) {
      const { outcome } = await sandbox.execute(path, sql);
      expect([question, sql, outcome]).toEqual([question, sql, 'rows']);
    }
  });
});
