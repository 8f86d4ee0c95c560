import { describe, expect, it } from 'vitest';
import { chooseChart, ticksOf } from './choose-chart.ts';
import { csvOf, kindOf, shown, sortRows, tabSeparated } from './values.ts';

describe('a column', () => {
  it.each([
    ['Budget', [1.5, 2, null], 'number'],
    ['Project_ID', [1, 2], 'key'],
    ['projectId', [1, 2], 'key'],
    ['paid', [1, 2], 'number'],
    ['Fiscal_Year', [2023, 2024], 'time'],
    ['month', [1, 12], 'time'],
    ['year', [17, 250_000], 'number'],
    ['Start_Date', ['2024-01-31', '2024-02-01'], 'time'],
    ['m', ['2024-01', '2024-02'], 'time'],
    ['q', ['2024-Q1'], 'time'],
    ['City', ['Berlin', null], 'text'],
    ['n', [1, 'two'], 'text'],
    ['n', [null], 'text'],
  ] as const)('%s %j is %s', (name, values, kind) => {
    expect(kindOf(name, values)).toBe(kind);
  });

  it.each([
    [1234567.891, 'number', '1,234,567.89'],
    [0.0004, 'number', '0.0004'],
    [2024, 'time', '2024'],
    [12345, 'key', '12345'],
    [null, 'text', 'null'],
    ['9007199254740993', 'text', '9007199254740993'],
  ] as const)('shows %j of a %s column as %s', (value, kind, text) => {
    expect(shown(value, kind)).toBe(text);
  });
});

describe('rows', () => {
  it('are sorted with nulls last in both directions, digits in text by their value', () => {
    const rows = [['P10'], [null], ['P9'], ['P1']] as const;
    expect(sortRows(rows, 0, 'ascending')).toEqual([['P1'], ['P9'], ['P10'], [null]]);
    expect(sortRows(rows, 0, 'descending')).toEqual([['P10'], ['P9'], ['P1'], [null]]);
  });

  it('become CSV as RFC 4180 says, and tabs for a spreadsheet', () => {
    expect(
      csvOf(
        ['a', 'b,c'],
        [
          ['x "y"', null],
          ['two\nlines', 3],
        ],
      ),
    ).toBe('a,"b,c"\r\n"x ""y""",\r\n"two\nlines",3\r\n');
    expect(tabSeparated(['a', 'b'], [['x\ty', 1]])).toBe('a\tb\nx y\t1');
  });
});

describe('a chart', () => {
  it.each([
    ['one number', ['count'], [[42]], 'figure'],
    ['one word', ['name'], [['x']], undefined],
    [
      'labels and numbers',
      ['City', 'n'],
      [
        ['A', 3],
        ['B', 4],
      ],
      'bars',
    ],
    [
      'a key beside them',
      ['Project_ID', 'Name', 'Budget'],
      [
        [1, 'A', 3],
        [2, 'B', 4],
      ],
      'bars',
    ],
    [
      'years',
      ['year', 'n'],
      [
        [2024, 3],
        [2022, 4],
        [2023, 1],
      ],
      'line',
    ],
    [
      'two years',
      ['year', 'n'],
      [
        [2024, 3],
        [2022, 4],
      ],
      'bars',
    ],
    [
      'words alone',
      ['a', 'b'],
      [
        ['x', 'y'],
        ['z', 'w'],
      ],
      undefined,
    ],
    [
      'the same label twice',
      ['City', 'n'],
      [
        ['A', 3],
        ['A', 4],
      ],
      undefined,
    ],
    [
      'numbers alone',
      ['a', 'b'],
      [
        [1, 2],
        [3, 4],
      ],
      undefined,
    ],
    ['no rows', ['City', 'n'], [], undefined],
    ['too many bars', ['City', 'n'], Array.from({ length: 31 }, (_, i) => [`c${i}`, i]), undefined],
  ] as const)('%s', (_, columns, rows, kind) => {
    expect(chooseChart({ columns, rows })?.kind).toBe(kind);
  });

  it('puts years in order and leaves out a series of another size', () => {
    const rows = [
      [2024, 5, 90_000],
      [2022, 3, 70_000],
      [2023, null, 80_000],
    ];
    expect(chooseChart({ columns: ['year', 'projects', 'budget'], rows })).toEqual({
      kind: 'line',
      labelName: 'year',
      labels: ['2022', '2023', '2024'],
      series: [{ name: 'projects', values: [3, null, 5] }],
    });
  });

  it.each([
    [
      [3, 97],
      [0, 25, 50, 75, 100],
    ],
    [
      [-3, 5],
      [-4, -2, 0, 2, 4, 6],
    ],
    [
      [0, 0],
      [0, 1],
    ],
    [[0.31], [0, 0.1, 0.2, 0.3, 0.4]],
  ])('has round ticks around %j', (values, ticks) => {
    expect(ticksOf(values)).toEqual(ticks);
  });
});
