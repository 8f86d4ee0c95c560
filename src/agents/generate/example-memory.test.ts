import { describe, expect, it } from 'vitest';
import { createDraftCache } from './draft-cache.ts';
import { createExampleMemory } from './example-memory.ts';
import { sharedOut } from './query-generator.ts';

describe('the memory of examples', () => {
  const memory = createExampleMemory([
    { question: 'How many active projects are there?', sql: 'A' },
    { question: 'Which suppliers have expired contracts?', sql: 'B' },
    { question: 'Contracts by supplier', sql: 'C' },
    { question: 'Average hourly rate of engineers', sql: 'D' },
  ]);

  it('finds the most alike, the best one last', () => {
    expect(memory.alike('suppliers whose contracts expired', 2).map(({ sql }) => sql)).toEqual(['C', 'B']);
    expect(memory.alike('suppliers', 0)).toEqual([]);
  });

  it('knows what a user accepted, whatever the capitals and marks', () => {
    memory.add({ question: 'Rate of engineers?', sql: 'E', isAccepted: true });
    expect(memory.accepted('rate OF engineers')?.sql).toBe('E');
    expect(memory.accepted('rate of architects')).toBeUndefined();
    expect(memory.alike('rate of engineers', 1).map(({ sql }) => sql)).toEqual(['E']);
  });
});

describe('the cache of drafts', () => {
  const key = (question: string, options: unknown = 1) => ({
    model: 'm',
    schemaHash: 'h',
    question,
    options,
  });

  it('tells keys apart and forgets the least recently used', () => {
    const cache = createDraftCache(2);
    cache.set(key('a'), []);
    cache.set(key('b'), []);
    expect(cache.get(key('a', 2))).toBeUndefined();
    expect(cache.get(key('a'))).toEqual([]);
    cache.set(key('c'), []);
    expect(cache.get(key('b'))).toBeUndefined();
    expect(cache.get(key('a'))).toEqual([]);
    expect(cache.size).toBe(2);
  });
});

describe('samples over temperatures', () => {
  it.each([
    [32, 1, [32]],
    [5, 2, [3, 2]],
    [1, 3, [1, 0, 0]],
  ])('%d over %d: %j', (samples, parts, shares) => {
    expect(sharedOut(samples, parts)).toEqual(shares);
  });
});
