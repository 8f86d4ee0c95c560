/**
 * The three named notions of "the same result". `strict` is ours and the default; `spider` and `bird` repeat what the
 * official scripts say, quirks included. Each says which text runs, how cells are read, and how two results compare.
 */
import { type CellReading, PLAIN_READING } from '../cell-reading.ts';
import { compareBird } from './bird.ts';
import { orderingOf } from './ordering.ts';
import { compareSpider, prepareSpider } from './spider.ts';
import { type Comparison, compareResults, type ResultTable } from './strict.ts';

export const protocolNames = ['strict', 'spider', 'bird'] as const;
export type ProtocolName = (typeof protocolNames)[number];

export interface ProtocolOptions {
  /** For `strict`: 'any' accepts the columns in any order. `spider` always does, `bird` never. */
  readonly columnOrder: 'exact' | 'any';
  /** For `strict`: 'any' takes the rows as a multiset even where the gold orders them, for one whose order is open. */
  readonly rowOrder: 'gold' | 'any';
}

export interface Protocol {
  readonly name: ProtocolName;
  /** The text that runs; undefined where the script fails before running anything. */
  readonly prepare: (sql: string) => string | undefined;
  readonly reading: CellReading;
  /** Whether a text of nothing but comments and semicolons is an empty result, as it is for Python's sqlite3. */
  readonly isBlankEmpty: boolean;
  /** Whether a prediction with more rows than the gold is wrong for that alone. */
  readonly countsRows: boolean;
  /** `goldSql` as prepared. */
  readonly compare: (
    gold: ResultTable,
    predicted: ResultTable,
    goldSql: string,
    options: ProtocolOptions,
  ) => Comparison;
}

export const protocols: Readonly<Record<ProtocolName, Protocol>> = {
  strict: {
    name: 'strict',
    prepare: (sql) => sql,
    reading: PLAIN_READING,
    isBlankEmpty: false,
    countsRows: true,
    compare: (gold, predicted, goldSql, { columnOrder, rowOrder }) => {
      const ordering =
        rowOrder === 'any' ? ({ kind: 'unordered' } as const) : orderingOf(goldSql, gold.columns);
      return compareResults(gold, predicted, { ordering, columnOrder });
    },
  },
  spider: {
    name: 'spider',
    prepare: prepareSpider,
    reading: { numbers: 'tagged', invalidText: 'drop' },
    isBlankEmpty: true,
    countsRows: true,
    compare: compareSpider,
  },
  bird: {
    name: 'bird',
    prepare: (sql) => sql,
    reading: { numbers: 'compact', invalidText: 'fail' },
    isBlankEmpty: true,
    countsRows: false,
    compare: compareBird,
  },
};
