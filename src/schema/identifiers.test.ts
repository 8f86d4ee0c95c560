import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identifiersOf, identifierUse, inventedIdentifiers } from './identifiers.ts';
import type { Column, Schema, Table } from './schema.ts';

function tableOf(name: string, ...columns: string[]): Table {
  const column = (columnName: string): Column => ({
    name: columnName,
    declaredType: 'TEXT',
    kind: 'text',
    nullable: true,
    isPrimaryKey: false,
    isUnique: false,
    comment: undefined,
    distinctCount: 0,
    nullCount: 0,
    sampleValues: [],
    textValues: [],
    min: null,
    max: null,
  });
  return {
    name,
    comment: undefined,
    columns: columns.map(column),
    primaryKey: [],
    foreignKeys: [],
    rowCount: 0,
  };
}

const schema: Schema = {
  dialect: 'sqlite',
  databaseId: 'test',
  hash: '',
  tables: [
    tableOf('Projects', 'Code', 'Name', 'Budget', 'Parent', 'Start'),
    tableOf('Staff', 'Code', 'Person', 'Hours'),
    tableOf('Order Details', 'Unit Price', 'Qty'),
    tableOf('Match', 'Venue'),
  ],
};

describe('nothing invented', () => {
  test.each([
    'SELECT * FROM Projects',
    'select NAME from PROJECTS where budget > 5 order by start',
    'SELECT p.Name, COUNT(*) AS n FROM Projects AS p JOIN Staff s ON s.Code = p.Code GROUP BY p.Name HAVING n > 1 ORDER BY n DESC',
    'SELECT Projects.Name FROM Projects, Staff WHERE Projects.Code = Staff.Code',
    'SELECT Name FROM main.Projects WHERE main.Projects.Budget > 1',
    'SELECT "Unit Price" * Qty total FROM "Order Details" ORDER BY total',
    'SELECT [Unit Price] FROM [Order Details] WHERE `Qty` > 1',
    "SELECT Name FROM Projects WHERE Name LIKE 'Nope.Column%' -- Missing.Column\n",
    'SELECT Name FROM Projects WHERE EXISTS (SELECT 1 FROM Staff WHERE Staff.Code = Projects.Code)',
    'WITH big AS (SELECT Code, Budget * 2 AS double FROM Projects) SELECT big.double, Code FROM big',
    'WITH big(c, twice) AS (SELECT Code, Budget * 2 FROM Projects) SELECT c, big.twice FROM big',
    `WITH RECURSIVE tree AS (SELECT Code, 0 AS depth FROM Projects WHERE Parent IS NULL UNION ALL
      SELECT c.Code, tree.depth + 1 FROM Projects c JOIN tree ON c.Parent = tree.Code) SELECT depth, COUNT(*) FROM tree GROUP BY depth`,
    'WITH a AS (SELECT Code FROM Staff), b AS NOT MATERIALIZED (SELECT Code FROM a) SELECT b.Code FROM b',
    'SELECT x.n FROM (SELECT COUNT(*) n FROM Staff GROUP BY Person) x',
    'SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM Staff GROUP BY Person)',
    'SELECT Name, RANK() OVER w FROM Projects WINDOW w AS (PARTITION BY Parent ORDER BY Budget)',
    "SELECT CASE WHEN Budget > 5 THEN 'big' ELSE 'small' END size, CAST(Budget AS INTEGER) FROM Projects GROUP BY size",
    'SELECT Name FROM Projects ORDER BY Budget NULLS LAST',
    'SELECT Name COLLATE NOCASE FROM Projects WHERE Start < CURRENT_DATE',
    'SELECT rowid, Projects.rowid FROM Projects',
    'SELECT value FROM Projects, json_each(Name)',
    'SELECT name FROM sqlite_master',
    'SELECT Name FROM (Projects JOIN Staff USING (Code))',
    'SELECT Name FROM Projects WHERE Name IS DISTINCT FROM Parent',
    'SELECT Code FROM Projects UNION SELECT Code FROM Staff ORDER BY Code',
    'SELECT Venue FROM MATCH AS m WHERE m.Venue IS NOT NULL',
    'SELECT a.Name FROM Projects a LEFT OUTER JOIN Projects b ON a.Parent = b.Code WHERE b.Code IS NULL',
    'SELECT TRIM(Name) FROM Projects WHERE (Code, Start) IN (SELECT Code, MAX(Hours) FROM Staff GROUP BY Code)',
    'SELECT Name FROM Projects WHERE Budget = :budget LIMIT ?1 OFFSET 2',
  ])('%s', (sql) => {
    expect(inventedIdentifiers(sql, schema)).toEqual([]);
  });
});

describe('invented', () => {
  test.each([
    ['SELECT * FROM Project', ['Project']],
    ['SELECT Title FROM Projects', ['Title']],
    ['SELECT p.Title FROM Projects p', ['p.Title']],
    ['SELECT Hours FROM Projects', ['Hours']],
    ['SELECT Projects.Hours FROM Projects JOIN Staff ON 1', ['Projects.Hours']],
    ['SELECT q.Name FROM Projects p', ['q.Name']],
    ['SELECT Name FROM Projects JOIN Clients ON Clients.Id = Projects.Code', ['Clients']],
    ['SELECT Name FROM Projects WHERE Status = "Active"', ['Status', 'Active']],
    ['SELECT Name FROM Projects GROUP BY Region ORDER BY Region', ['Region']],
    ['SELECT Name FROM Projects WHERE Code IN (SELECT ProjectCode FROM Staff)', ['ProjectCode']],
    ['WITH a AS (SELECT Code FROM Staff) SELECT a.Missing FROM a', ['a.Missing']],
    ['SELECT Name FROM Projects, Nowhere', ['Nowhere']],
    ['SELECT Name FROM Projects WHERE EXISTS (SELECT 1 FROM Gone WHERE Gone.x = 1)', ['Gone']],
    ['SELECT [Unit Cost] FROM [Order Details]', ['Unit Cost']],
    // No parser accepts these; the names are still judged.
    ['SELECT Title, FROM Projects WHERE', ['Title']],
    ['SELECT (Name FROM Projekts', ['Projekts', 'Name']],
  ])('%s', (sql, expected) => {
    expect(inventedIdentifiers(sql, schema)).toEqual(expected);
  });

  test('double-quoted strings are not counted where they are allowed', () => {
    const sql = 'SELECT Name FROM Projects WHERE Name = "Active"';
    expect(inventedIdentifiers(sql, schema, { doubleQuotedStrings: true })).toEqual([]);
  });
});

test('tables are named as the schema spells them, each once', () => {
  const sql = 'WITH c AS (SELECT code FROM staff) SELECT * FROM c JOIN PROJECTS ON 1 JOIN projects p ON 1';
  expect(identifierUse(sql, schema).tables).toEqual(['Projects', 'Staff']);
});

test('any text at all is read without failing', () => {
  const words = fc.constantFrom(
    'SELECT',
    'FROM',
    'WITH',
    'AS',
    '(',
    ')',
    ',',
    '.',
    'a',
    'Projects',
    ';',
    "'",
    '"',
    '*',
    'JOIN',
    '1',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(words).map((parts) => parts.join(' ')),
      ),
      (sql) => {
        expect(Array.isArray(identifiersOf(sql).columns)).toBe(true);
        expect(new Set(inventedIdentifiers(sql, schema)).size).toBe(inventedIdentifiers(sql, schema).length);
      },
    ),
    { numRuns: 500 },
  );
});
