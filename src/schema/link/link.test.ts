import { describe, expect, it } from 'vitest';
import type { Column, Schema } from '../schema.ts';
import { linkQuestion } from './link.ts';
import { facetsOf, type LinkedValue } from './linked-value.ts';
import { editDistance, nearestOf } from './spelling.ts';
import { createValueIndex } from './value-index.ts';

function textColumn(name: string, textValues: readonly string[], distinctCount = textValues.length): Column {
  return {
    name,
    declaredType: 'TEXT',
    kind: 'text',
    nullable: false,
    isPrimaryKey: false,
    isUnique: false,
    comment: undefined,
    distinctCount,
    nullCount: 0,
    sampleValues: [],
    textValues,
    min: null,
    max: null,
  };
}

const many = Array.from({ length: 300 }, (_, i) => `Filler Name ${i}`);
const schema: Schema = {
  dialect: 'sqlite',
  databaseId: 'test',
  hash: '0',
  tables: [
    {
      name: 'P',
      comment: undefined,
      columns: [
        textColumn(
          'Project_Name',
          ['Orion Data Platform', 'Orion', 'The Plan', 'Harbour Crane Upgrade', ...many],
          304,
        ),
        textColumn('City', ['Munich', 'São Paulo', 'New York', 'Reading', 'Nice'], 20),
        textColumn('Status', ['Active', 'On Hold']),
        textColumn('Code', ['PRJ-0042', 'C0001'], 400),
      ],
      primaryKey: [],
      foreignKeys: [],
      rowCount: 10,
    },
  ],
};
const index = createValueIndex(schema, { aliases: { 'P.Status': { Active: ['ongoing', 'in progress'] } } });

/** Values in braces, the rest as words. */
function show(question: string, isKnownWord?: (key: string) => boolean): string {
  const { pieces, values } = linkQuestion(question, index, isKnownWord === undefined ? {} : { isKnownWord });
  const text = (value: LinkedValue): string =>
    facetsOf(value, '2025-06-30').get('') ?? facetsOf(value, '2025-06-30').get(':start')!;
  return pieces
    .map((piece) =>
      piece.kind === 'word' ? piece.text : [...piece.shown, `{${text(values[piece.index]!)}}`].join(' '),
    )
    .join(' ');
}

describe('linkQuestion', () => {
  it.each([
    ['projects in Munich', "projects in {'Munich'}"],
    ['projects in sao paulo', "projects in {'São Paulo'}"],
    ['budget of orion data platform', "budget of {'Orion Data Platform'}"],
    ['the budget of Orion', "the budget of {'Orion'}"],
    ['code PRJ-0042 please', "code {'PRJ-0042'} please"],
    ['active projects', "active {'Active'} projects"],
    ['projects in progress or on hold', "projects in progress {'Active'} or on hold {'On Hold'}"],
    ['it is a nice plan', 'it is a nice plan'],
    ['top 5 over 1.5m', 'top {5} over {1500000}'],
    ['more than 1,500,000 eur', 'more than {1500000} eur'],
    ['200k or two hundred thousand', '{200000} or {200000}'],
    ['above 2 million', 'above {2000000}'],
    ['twenty five people', '{25} people'],
    ['20 percent', '{20}'],
    ['20%', '{20}'],
    ['in 2024', 'in {2024}'],
    ['fy24 budget', 'fy {2024} budget'],
    ['the one with more than one job', 'the one with more than {1} job'],
    ['since 1 March 2024', "since {'2024-03-01'}"],
    ['since March 1st, 2024', "since {'2024-03-01'}"],
    ['in mar 2024', "in {'2024-03'}"],
    ['on 2024-03-01', "on {'2024-03-01'}"],
    ['on 01/03/2024', "on {'2024-03-01'}"],
    ['in 2024-03', "in {'2024-03'}"],
    ['Q1 2024', "{'2024-01-01'}"],
    ['the third quarter of 2023', "the {'2023-07-01'}"],
    ['we may march on', 'we may march on'],
    ['between 1 March and 15 April 2024', "between {'2024-03-01'} and {'2024-04-15'}"],
    ['from March to May 2024', "from {'2024-03'} to {'2024-05'}"],
    ['name contains "crane"', "name contains {'crane'}"],
    ['starting with Har', "starting with {'Har'}"],
  ])('%s', (question, expected) => {
    expect(show(question)).toBe(expected);
  });

  it('mends a name that nobody knows, and completes one that only one value starts with', () => {
    const known = (key: string): boolean => ['budget', 'of', 'in', 'projects'].includes(key);
    expect(show('projects in Munihc', known)).toBe("projects in {'Munich'}");
    expect(show('budget of harbour', known)).toBe("budget of {'Harbour Crane Upgrade'}");
  });

  it('gives a value that is named twice one place', () => {
    expect(linkQuestion('Munich or Munich', index).values).toHaveLength(1);
  });
});

describe('facetsOf', () => {
  it.each<[LinkedValue, string, string]>([
    [{ kind: 'text', text: "O'Neil", columns: [] }, '', "'O''Neil'"],
    [{ kind: 'text', text: 'ab', columns: [] }, ':contains', "'%ab%'"],
    [{ kind: 'year', year: 2024 }, ':next', "'2025-01-01'"],
    [{ kind: 'month', year: 2024, month: 2 }, ':end', "'2024-02-29'"],
    [{ kind: 'quarter', year: 2024, quarter: 4 }, ':next', "'2025-01-01'"],
    [{ kind: 'number', value: 90, isPercent: false }, ':days_after', "'2025-09-28'"],
    [{ kind: 'number', value: 20, isPercent: true }, ':fraction', '0.2'],
  ])('%o %s', (value, facet, literal) => {
    expect(facetsOf(value, '2025-06-30').get(facet)).toBe(literal);
  });
});

describe('nearestOf', () => {
  it('counts edits and swaps, and refuses to guess between two', () => {
    expect(editDistance('munihc', 'munich', 2)).toBe(1);
    expect(nearestOf('projcets', ['projects', 'people'])).toBe('projects');
    expect(nearestOf('testa', ['tests', 'testy'])).toBeUndefined();
    expect(nearestOf('abcd', ['abce'])).toBeUndefined();
  });
});
