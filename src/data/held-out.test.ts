import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Example } from './example.ts';
import { parseExamples } from './example-file.ts';
import { withoutQuestionsOf } from './held-out.ts';

const example = (question: string, databaseId = 'erp'): Example => ({
  id: question,
  question,
  sql: 'SELECT 1',
  databaseId,
  tags: [],
});

describe('withoutQuestionsOf', () => {
  it.each([
    ['Active projects?', 'active  projects', 0],
    ['active projects', 'which projects are active', 1],
    ['Übersicht 2024', 'übersicht: 2024', 0],
    ['???', '!', 0],
  ])('test "%s", training "%s": %d left', (test, training, left) => {
    expect(withoutQuestionsOf([[example(test)]], [example(training)])).toHaveLength(left);
  });

  it('keeps the same question of another database, and the order', () => {
    const examples = [example('b'), example('a', 'other'), example('c')];
    expect(withoutQuestionsOf([[example('a')], [example('d')]], examples)).toEqual(examples);
  });
});

describe('the hand-written sets of the demonstration', () => {
  const folder = join(import.meta.dirname, '../../datasets/erp');
  const read = (path: string): readonly Example[] =>
    parseExamples(readFileSync(join(folder, path), 'utf8'), path, 'erp').examples;
  const trained = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  const tested = ['test/natural.jsonl', 'test/complex.jsonl', 'dev/natural.jsonl', 'dev/complex.jsonl'].map(
    read,
  );

  it.each(trained)('%s asks nothing that a test or development set asks', (file) => {
    const examples = read(file);
    const kept = new Set(withoutQuestionsOf(tested, examples));
    expect(examples.filter((one) => !kept.has(one)).map(({ id }) => id)).toEqual([]);
  });
});
