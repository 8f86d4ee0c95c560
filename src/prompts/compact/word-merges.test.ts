import { describe, expect, it } from 'vitest';
import { partWords } from './sql-words.ts';
import { createWordMerger, learnWordMerges } from './word-merges.ts';

const completions = [
  'SELECT a FROM t WHERE b = <v0>',
  'SELECT a FROM t WHERE c = <v3>',
  'SELECT d FROM t WHERE b = <v1>',
  'SELECT a , d FROM t',
];

describe('word merges', () => {
  it('joins what stands together most often, most frequent first', () => {
    const merges = learnWordMerges(completions, 2, 2);
    expect(merges).toEqual(['FROM t', 'FROM~t WHERE']);
    expect(createWordMerger(merges)(completions[0]!)).toBe('SELECT a FROM~t~WHERE b = <v0>');
    expect(createWordMerger(merges)(completions[3]!)).toBe('SELECT a , d FROM~t');
  });

  it('never joins a placeholder or its facet, and gives back the same words', () => {
    const many = Array.from(
      { length: 20 },
      (_, i) => `SELECT x FROM t WHERE d >= <v${i % 9}> :start AND d < <v1> :next`,
    );
    const merges = learnWordMerges([...many, ...many.map((text) => text.replace('x', 'y'))], 50, 1);
    expect(merges.filter((pair) => /<v|:/.test(pair))).toEqual([]);
    for (const text of many) expect(partWords(createWordMerger(merges)(text))).toBe(text);
  });

  it('counts a statement once, however often it is asked', () => {
    const often = [...Array(50).fill('SELECT rare FROM r'), ...completions];
    expect(learnWordMerges(often, 1, 1)).toEqual(['FROM t']);
  });

  it('does nothing where none is wanted', () => {
    expect(learnWordMerges(completions, 0, 1)).toEqual([]);
    expect(createWordMerger([])('SELECT a')).toBe('SELECT a');
  });
});
