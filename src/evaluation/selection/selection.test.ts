import { describe, expect, it } from 'vitest';
import { resultKey } from '../../database/comparison/result-key.ts';
import type { Execution, SqlValue } from '../../database/execution.ts';
import { itemOf } from '../evaluation.fixture.ts';
import { passAtK } from './pass-at-k.ts';
import { type Candidate, select } from './select.ts';

const rows = (values: readonly (readonly SqlValue[])[], columns = ['a']): Execution => ({
  outcome: 'rows',
  columns,
  rows: values,
  truncated: false,
  elapsedMs: 1,
});

describe('resultKey', () => {
  const same: readonly (readonly [Execution, Execution])[] = [
    [rows([[1], [2]]), rows([[2], [1]])],
    [rows([[1]]), rows([[1n]])],
    [rows([[0.1 + 0.2]]), rows([[0.3]])],
    [rows([[1]], ['x']), rows([[1]], ['y'])],
  ];
  it.each(same)('%# agree', (a, b) => expect(resultKey(a)).toBe(resultKey(b)));

  const other: readonly (readonly [Execution, Execution])[] = [
    [rows([[1]]), rows([['1']])],
    [rows([[null]]), rows([['null']])],
    [rows([[1], [1]]), rows([[1]])],
    [rows([['a', 'b']], ['x', 'y']), rows([['a,b']])],
    [rows([], ['x', 'y']), rows([])],
    [rows([[new Uint8Array([1])]]), rows([['x01']])],
    [rows([[2 ** 53]]), rows([[2n ** 53n + 1n]])],
  ];
  it.each(other)('%# differ', (a, b) => expect(resultKey(a)).not.toBe(resultKey(b)));

  it('is null for what gave no rows', () => {
    expect(resultKey({ outcome: 'timeout', limitMs: 1, elapsedMs: 1 })).toBeNull();
  });
});

describe('select', () => {
  const candidate = (sql: string, resultKey: string | null, reward: number | null): Candidate => ({
    prediction: { sql, latencyMs: 0 },
    verdict: { outcome: 'mismatch' },
    resultKey,
    reward,
  });
  const candidates = [
    candidate('a', null, null),
    candidate('b', 'one', 0.1),
    candidate('c', 'two', -1),
    candidate('d', 'two', 0.9),
    candidate('e', null, 0.9),
  ];
  it.each([
    ['greedy', 'a'],
    ['vote', 'c'],
    ['best', 'd'],
  ] as const)('%s takes %s', (by, sql) => expect(select(candidates, by).prediction.sql).toBe(sql));

  it('breaks a tie by order, and takes the first where nothing ran', () => {
    expect(select(candidates.slice(0, 3), 'vote').prediction.sql).toBe('b');
    expect(select(candidates.slice(0, 1), 'vote').prediction.sql).toBe('a');
    expect(select(candidates.slice(0, 1), 'best').prediction.sql).toBe('a');
  });
});

describe('passAtK', () => {
  it('is the mean of the estimates, without questions that cannot be scored', () => {
    const items = [
      { ...itemOf('a', 'match'), samples: { drawn: 4, right: 2 } },
      { ...itemOf('b', 'mismatch'), samples: { drawn: 4, right: 0 } },
      { ...itemOf('c', 'unscored'), samples: { drawn: 4, right: 4 } },
    ];
    // Of the 6 pairs out of 4 samples, 1 has no right one where 2 are right.
    expect(passAtK(items, [1, 2, 4, 8])).toEqual([
      { k: 1, value: expect.closeTo(0.25, 12) },
      { k: 2, value: expect.closeTo(5 / 12, 12) },
      { k: 4, value: expect.closeTo(0.5, 12) },
    ]);
  });
});
