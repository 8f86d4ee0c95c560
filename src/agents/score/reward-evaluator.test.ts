import { describe, expect, it } from 'vitest';
import type { Execution, SqlValue } from '../../database/execution.ts';
import { draft } from '../agents.fixture.ts';
import { evaluateCandidates, type Judged } from './reward-evaluator.ts';

const rows = (...values: SqlValue[]): Execution => ({
  outcome: 'rows',
  columns: ['x'],
  rows: values.map((value) => [value]),
  truncated: false,
  elapsedMs: 1,
});
const failed: Execution = { outcome: 'sql-error', errorClass: 'syntax', message: 'near "x"', elapsedMs: 1 };
const judged = (sql: string, probability: number, execution: Execution): Judged => ({
  draft: draft(sql, probability),
  validation: undefined,
  execution,
});
const winner = (...candidates: Judged[]): string => evaluateCandidates(candidates)[0]!.draft.sql;

describe('the reward evaluator', () => {
  it.each([
    [
      'the result with the most probability',
      [judged('a', 0.3, rows(1)), judged('b', 0.2, rows(2)), judged('c', 0.2, rows(2))],
      'b',
    ],
    ['the first of equals', [judged('a', 0.3, rows(1)), judged('b', 0.3, rows(2))], 'a'],
    ['rows before none', [judged('a', 0.5, rows()), judged('b', 0.1, rows(2))], 'b'],
    ['none, where rows are far less probable', [judged('a', 0.9, rows()), judged('b', 0.01, rows(2))], 'a'],
    ['what runs before what does not', [judged('a', 0.99, failed), judged('b', 0.001, rows())], 'b'],
    [
      'a statement drawn twice as one',
      [judged('a', 0.3, rows(1)), judged('b', 0.2, rows(2)), judged('b', 0.2, rows(2))],
      'a',
    ],
  ])('picks %s', (_, candidates, sql) => {
    expect(winner(...candidates)).toBe(sql);
  });

  it('says what speaks against each', () => {
    const [best, worst] = evaluateCandidates([judged('a', 0.5, failed), judged('b', 0.5, rows(1))]);
    expect(best!.agreement).toBe(1);
    expect(worst).toMatchObject({ score: Number.NEGATIVE_INFINITY });
    expect(worst!.feedback).toContain('near "x"');
  });
});
