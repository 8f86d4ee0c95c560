import { describe, expect, it } from 'vitest';
import { compareInOrder, comparePair, sideBySide } from './compare.ts';
import { evaluationOf, itemOf } from './evaluation.fixture.ts';

const sft = evaluationOf('sft', [
  itemOf('a', 'match'),
  itemOf('b', 'mismatch'),
  itemOf('c', 'sql-error'),
  itemOf('d', 'unscored'),
]);
const grpo = evaluationOf('grpo', [
  itemOf('c', 'match'),
  itemOf('a', 'match'),
  itemOf('b', 'match'),
  itemOf('d', 'unscored'),
]);

describe('comparePair', () => {
  it('pairs by id, whatever the order, and drops what could not be scored', () => {
    const { test } = comparePair(sft, grpo);
    expect(test.difference).toBeCloseTo(2 / 3);
    expect(test).toMatchObject({ onlyA: 0, onlyB: 2 });
  });

  it('refuses sets that share nothing and sets with an id twice', () => {
    expect(() => comparePair(sft, evaluationOf('x', [itemOf('z', 'match')]))).toThrow(/share no question/);
    expect(() => comparePair(evaluationOf('x', [itemOf('a', 'match'), itemOf('a', 'match')]), sft)).toThrow(
      /share an id/,
    );
  });
});

describe('compareInOrder', () => {
  it('compares neighbours, and the ends where there are more than two', () => {
    const base = evaluationOf('base', [itemOf('a', 'no-sql'), itemOf('b', 'no-sql'), itemOf('c', 'no-sql')]);
    const pairs = compareInOrder([base, sft, grpo]).map(({ from, to }) => `${from}-${to}`);
    expect(pairs).toEqual(['base-sft', 'sft-grpo', 'base-grpo']);
    expect(compareInOrder([sft])).toEqual([]);
  });
});

describe('sideBySide', () => {
  it('shows every answer to a question and marks the contested ones', () => {
    const rows = sideBySide([sft, grpo]);
    expect(rows.map(({ id, isContested }) => [id, isContested])).toEqual([
      ['a', false],
      ['b', true],
      ['c', true],
      ['d', false],
    ]);
    expect(rows[0]!.answers.map(({ label }) => label)).toEqual(['sft', 'grpo']);
  });
});
