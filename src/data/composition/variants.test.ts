import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../database/sandbox.ts';
import type { Example } from '../example.ts';
import type { SynthesisContext } from '../synthesis/context.ts';
import { turnComparison } from './comparisons.ts';
import { type CompositionWorld, openCompositionWorld } from './composition.fixture.ts';
import { exchangeColumn, renameColumn } from './exchange.ts';
import type { Operation } from './operations.ts';
import { turnAggregate, turnOrder } from './opposites.ts';
import { dropOutput, swapOutputs } from './outputs.ts';

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

/** What an operation makes of a pair in sixty attempts. */
function allOf(operation: Operation, question: string, sql: string): Set<string> {
  const found = Array.from({ length: 60 }, () => operation(context, { question, sql }));
  return new Set(found.flatMap((pair) => (pair === undefined ? [] : [`${pair.question} | ${pair.sql}`])));
}

/** Questions in which no noun is one column's alone. */
const unnamed: readonly (readonly [string, string, string])[] = [
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
];

describe('exchangeColumn', () => {
  const made = (question: string, sql: string): Set<string> => allOf(exchangeColumn, question, sql);

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

  it.each<readonly [string, string, string]>([
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
    ...unnamed,
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

describe('renameColumn', () => {
  const renamed = (question: string, sql: string): string[] =>
    [...allOf(renameColumn, question, sql)].map((pair) => pair.split(' | ')[0]!);

  it('asks the same by another noun of the column, wherever it stands, with its article', () => {
    const sql = 'SELECT Department, AVG(Budget) FROM PAC_MNT_PROJECTS GROUP BY Department';
    const questions = renamed('What is a budget per department on average? Department, average budget', sql);
    expect(questions).toContain(
      'What is an approved budget per department on average? Department, average approved budget',
    );
    expect(questions).toContain('What is a budget per area on average? Area, average budget');
    for (const question of questions) expect(question).not.toMatch(/\bcity\b|actual cost/i);
  });

  it('leaves the statement as it is', () => {
    const pairs = written.flatMap((example) => {
      const pair = renameColumn(context, example);
      return pair === undefined ? [] : [{ ...pair, of: example }];
    });
    expect(pairs.length).toBeGreaterThan(written.length / 5);
    expect(pairs.filter(({ sql, of }) => sql !== of.sql)).toEqual([]);
    expect(pairs.filter(({ question, of }) => question === of.question)).toEqual([]);
  });

  it.each(unnamed)('declines where %s', (_, question, sql) => {
    expect(renamed(question, sql)).toEqual([]);
  });
});

const counted = 'SELECT Department, COUNT(*) FROM PAC_MNT_PROJECTS';
const totals =
  'WITH totals AS (SELECT Department, SUM(Budget) AS total FROM PAC_MNT_PROJECTS GROUP BY Department) SELECT Department, total FROM totals ORDER BY total DESC';

describe('opposites', () => {
  it.each<[string, Operation, string, string, string, string]>([
    [
      'turns an order',
      turnOrder,
      'Projects per department, highest count first, then by name',
      `${counted} GROUP BY Department ORDER BY COUNT(*) DESC, Department`,
      'Projects per department, lowest count first, then by name',
      `${counted} GROUP BY Department ORDER BY COUNT(*), Department`,
    ],
    [
      'turns an order the other way',
      turnOrder,
      'Projects per department, fewest projects first',
      `${counted} GROUP BY Department ORDER BY COUNT(*)`,
      'Projects per department, most projects first',
      `${counted} GROUP BY Department ORDER BY COUNT(*) DESC`,
    ],
    [
      'turns a comparison of a count',
      turnComparison,
      'Departments with more than twelve projects and their number',
      `${counted} GROUP BY Department HAVING COUNT(*) > 12`,
      'Departments with fewer than twelve projects and their number',
      `${counted} GROUP BY Department HAVING COUNT(*) < 12`,
    ],
    [
      'turns a comparison of money',
      turnComparison,
      'Projects of at least 2.5 million with more than 80 percent spent',
      'SELECT Project_Name FROM PAC_MNT_PROJECTS WHERE Budget >= 2500000 AND Actual_Cost / Budget > Penalty',
      'Projects of at most 2.5 million with more than 80 percent spent',
      'SELECT Project_Name FROM PAC_MNT_PROJECTS WHERE Budget <= 2500000 AND Actual_Cost / Budget > Penalty',
    ],
    [
      'turns an aggregate with the names that the statement gives it',
      turnAggregate,
      'Total budget per department, highest total first',
      totals,
      'Average budget per department, highest average first',
      'WITH averages AS (SELECT Department, AVG(Budget) AS average FROM PAC_MNT_PROJECTS GROUP BY Department) SELECT Department, average FROM averages ORDER BY average DESC',
    ],
  ])('%s', (_, operation, question, sql, turned, turnedSql) => {
    expect(allOf(operation, question, sql)).toEqual(new Set([`${turned} | ${turnedSql}`]));
  });

  it.each<[string, Operation, string, string]>([
    [
      'the first few rows depend on the order',
      turnOrder,
      'The five projects with the highest budget, highest budget first',
      'SELECT Project_Name FROM PAC_MNT_PROJECTS ORDER BY Budget DESC LIMIT 5',
    ],
    [
      'an adjective follows',
      turnOrder,
      'Projects with their budget, most valuable first',
      'SELECT Project_Name, Budget FROM PAC_MNT_PROJECTS ORDER BY Budget DESC',
    ],
    [
      'two keys fall',
      turnOrder,
      'Projects by budget and cost, highest first',
      'SELECT Project_Name FROM PAC_MNT_PROJECTS ORDER BY Budget DESC, Actual_Cost DESC',
    ],
    [
      'the limits are those of bands',
      turnComparison,
      'Call projects under 1000 small, under 2000 middle, the rest large',
      "SELECT CASE WHEN Budget < 1000 THEN 'small' WHEN Budget < 2000 THEN 'middle' ELSE 'large' END FROM PAC_MNT_PROJECTS",
    ],
    [
      'it is no more than a number',
      turnComparison,
      'Departments with no more than 5 projects',
      `${counted} GROUP BY Department HAVING COUNT(*) > 5`,
    ],
    [
      'the number is another one',
      turnComparison,
      'Departments with more than 5 projects',
      `${counted} GROUP BY Department HAVING COUNT(*) > 6`,
    ],
    [
      'the sum has another name too',
      turnAggregate,
      'Total budget per department, those above a million altogether',
      'SELECT Department, SUM(Budget) FROM PAC_MNT_PROJECTS GROUP BY Department HAVING SUM(Budget) > 1000000',
    ],
    [
      'rates do not add up',
      turnAggregate,
      'Average hourly rate per department',
      'SELECT Department, AVG(Hourly_Rate) FROM PAC_MNT_RESOURCES GROUP BY Department',
    ],
    [
      'the name is that of another figure',
      turnAggregate,
      'Number and total budget per department',
      'WITH steps AS (SELECT Department, COUNT(*) AS total, SUM(Budget) AS amount FROM PAC_MNT_PROJECTS GROUP BY Department) SELECT Department, total, amount FROM steps',
    ],
    [
      'what is missing has its own place',
      turnOrder,
      'Clients with their limits, the highest limit first, unknown limits last',
      'SELECT Company_Name, Credit_Limit FROM SRM_COMPANIES ORDER BY Credit_Limit DESC',
    ],
    [
      'the number is said again',
      turnComparison,
      'Contracts with terms of at most 30 days and how many long ones (more than 30)',
      'SELECT COUNT(*) FROM PROJCNTRTS WHERE Payment_Terms <= 30',
    ],
    [
      'the number goes on',
      turnComparison,
      'Roles with more than two hundred assignments',
      'SELECT Project_Role FROM PROJSTAFF GROUP BY Project_Role HAVING COUNT(*) > 2',
    ],
    [
      'several figures share a limit',
      turnComparison,
      'People by time with us: below 365 days, and from there on',
      'SELECT COUNT(CASE WHEN Grade < 365 THEN 1 END), COUNT(CASE WHEN Grade >= 365 THEN 1 END) FROM PAC_MNT_RESOURCES',
    ],
    [
      'the total is one of rows',
      turnAggregate,
      'Total number of projects and the budget',
      'SELECT COUNT(*), SUM(Budget) FROM PAC_MNT_PROJECTS',
    ],
    [
      'it is a share of the total',
      turnAggregate,
      'The share of total budget of each department',
      'SELECT Department, 100.0 * SUM(Budget) / (SELECT SUM(Budget) FROM PAC_MNT_PROJECTS) FROM PAC_MNT_PROJECTS GROUP BY Department',
    ],
  ])('declines where %s', (_, operation, question, sql) => {
    expect(allOf(operation, question, sql)).toEqual(new Set());
  });
});

describe('columns of a list', () => {
  const question = 'For every active project show name, city, priority and start date, earliest start first.';
  const sql =
    "SELECT Project_Name, City, Priority, Start_Date FROM PAC_MNT_PROJECTS WHERE Status = 'Active' ORDER BY Start_Date";
  const rest = "FROM PAC_MNT_PROJECTS WHERE Status = 'Active' ORDER BY Start_Date";

  it('change places, all but the first', () => {
    const pair = (list: string, columns: string): string =>
      `For every active project show name, ${list}, earliest start first. | SELECT Project_Name, ${columns} ${rest}`;
    expect(allOf(swapOutputs, question, sql)).toEqual(
      new Set([
        pair('priority, city and start date', 'Priority, City, Start_Date'),
        pair('start date, priority and city', 'Start_Date, Priority, City'),
        pair('city, start date and priority', 'City, Start_Date, Priority'),
      ]),
    );
  });

  it('are left out where nothing else needs them', () => {
    expect(allOf(dropOutput, question, sql)).toEqual(
      new Set([
        `For every active project show name, priority and start date, earliest start first. | SELECT Project_Name, Priority, Start_Date ${rest}`,
        `For every active project show name, city, start date, earliest start first. | SELECT Project_Name, City, Start_Date ${rest}`,
      ]),
    );
  });

  it.each([
    ['the list has another length', 'Show name, city and priority.', sql],
    ['an item means another column', 'Show name, city, department and start date.', sql],
    ['the statement counts its outputs', question, sql.replace('ORDER BY Start_Date', 'ORDER BY 4')],
  ])('stay where %s', (_, asked, statement) => {
    for (const operation of [swapOutputs, dropOutput])
      expect(allOf(operation, asked, statement)).toEqual(new Set());
  });
});

describe('what is made of long questions', () => {
  const rowsOf = async (sql: string): Promise<readonly (readonly unknown[])[]> => {
    const execution = await sandbox.execute(path, sql);
    expect([sql, execution.outcome]).toEqual([sql, 'rows']);
    return execution.outcome === 'rows' ? execution.rows : [];
  };
  const cells = (rows: readonly (readonly unknown[])[]): string[] =>
    rows.map((row) => JSON.stringify(row)).sort();
  /** Of columns beside one another in any order. */
  const sameCells = (rows: readonly (readonly unknown[])[]): string[] =>
    rows.map((row) => JSON.stringify(row.map((cell) => JSON.stringify(cell)).sort())).sort();
  const madeBy = (operation: Operation) =>
    world.long.flatMap((example) => {
      const pair = operation(context, example);
      return pair === undefined ? [] : [{ example, pair }];
    });

  it.each([turnComparison, turnAggregate])('by $name runs', async (operation) => {
    const made = madeBy(operation);
    expect(made.length).toBeGreaterThan(world.long.length / 60);
    for (const { pair } of made) await rowsOf(pair.sql);
  });

  it('by turnOrder has the same rows', async () => {
    const made = madeBy(turnOrder);
    expect(made.length).toBeGreaterThan(world.long.length / 10);
    for (const { example, pair } of made)
      expect([pair.sql, cells(await rowsOf(pair.sql))]).toEqual([pair.sql, cells(await rowsOf(example.sql))]);
  });

  it('by swapOutputs has the same rows with two columns exchanged', async () => {
    const made = madeBy(swapOutputs);
    expect(made.length).toBeGreaterThan(world.long.length / 20);
    for (const { example, pair } of made)
      expect([pair.sql, sameCells(await rowsOf(pair.sql))]).toEqual([
        pair.sql,
        sameCells(await rowsOf(example.sql)),
      ]);
  });

  it('by dropOutput has the same rows without one column', async () => {
    const made = madeBy(dropOutput);
    expect(made.length).toBeGreaterThan(world.long.length / 60);
    for (const { example, pair } of made) {
      const [whole, less] = [await rowsOf(example.sql), await rowsOf(pair.sql)];
      const width = whole[0]?.length ?? 0;
      const without = Array.from({ length: width }, (_, i) =>
        cells(whole.map((row) => row.filter((__, j) => j !== i))),
      );
      expect([pair.sql, without.some((rows) => rows.join() === cells(less).join())]).toEqual([
        pair.sql,
        true,
      ]);
    }
  });
});
