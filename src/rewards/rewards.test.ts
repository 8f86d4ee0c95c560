import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Example } from '../data/example.ts';
import { cachedReward } from './cached-reward.ts';
import { executionReward } from './execution-reward.ts';
import { type ExecutionScale, executionScales } from './execution-scale.ts';
import type { PairVerdict } from './judge-pairs.ts';
import { formatReward, lengthReward } from './parts/form.ts';
import { syntaxReward } from './parts/syntax.ts';
import { createReward } from './presets.ts';
import type { Reward, RewardFunction, RewardItem } from './reward.ts';
import { weightedReward } from './weighted-reward.ts';

const example = (sql: string, databaseId = 'erp'): Example => ({
  id: sql,
  question: '?',
  sql,
  databaseId,
  tags: [],
});
const item = (sql: string, gold = 'gold', isComplete = true, databaseId = 'erp'): RewardItem => ({
  example: example(gold, databaseId),
  completion: { sql, isComplete },
});

const verdict = (
  match: boolean | null,
  reason: string,
  outcome: PairVerdict['predicted']['outcome'] = 'rows',
) => ({
  match,
  reason,
  gold: { isEmpty: false },
  predicted: { outcome },
});
const verdicts: Readonly<Record<string, PairVerdict>> = {
  right: verdict(true, 'equal'),
  other: verdict(false, 'row-count'),
  broken: {
    ...verdict(false, 'predicted-failed'),
    predicted: { outcome: 'sql-error', message: 'no such table: X' },
  },
  slow: verdict(false, 'predicted-failed', 'timeout'),
  drop: verdict(false, 'predicted-failed', 'refused'),
  bomb: verdict(false, 'predicted-failed', 'out-of-memory'),
  empty: { ...verdict(true, 'equal'), gold: { isEmpty: true } },
  'empty gold': { ...verdict(true, 'same-text'), gold: { isEmpty: true } },
};

function judge() {
  const calls: { path: string; sqls: string[] }[] = [];
  return {
    calls,
    judgeBatch: async (path: string, pairs: readonly { gold: string; predicted: string }[]) => {
      calls.push({ path, sqls: pairs.map(({ predicted }) => predicted) });
      return pairs.map(
        ({ gold, predicted }): PairVerdict =>
          gold === 'broken gold' ? verdict(null, 'gold-broken', 'not-run') : verdicts[predicted]!,
      );
    },
  };
}

const execution = (scale?: ExecutionScale, sandbox = judge()) =>
  executionReward({ sandbox, databasePathOf: (id) => `${id}.sqlite`, scale });

describe('executionReward', () => {
  it.each([
    ['right', 1, 'match'],
    ['other', 0.1, 'wrong-rows'],
    ['broken', 0, 'sql-error'],
    ['slow', 0, 'timeout'],
    ['drop', 0, 'refused'],
    ['bomb', 0, 'out-of-memory'],
    ['  ', 0, 'no-query'],
  ])('%s scores %d', async (sql, score, outcome) => {
    const [reward] = await execution().score([item(sql)]);
    expect(reward).toMatchObject({ score, details: { outcome } });
    if (sql === 'broken') expect(reward!.details.reason).toBe('no such table: X');
  });

  it('cannot score what has a broken gold: null, not 0', async () => {
    const [reward] = await execution().score([item('right', 'broken gold')]);
    expect(reward).toMatchObject({ score: null, components: {} });
  });

  it('does not take two empty results for a match, unless the text is the gold’s own', async () => {
    const rewards = await execution().score([item('empty'), item('empty gold')]);
    expect(rewards.map(({ score }) => score)).toEqual([null, 1]);
    expect(rewards[0]!.details).toEqual({ outcome: 'unscorable', reason: 'both-empty' });
  });

  it('never runs half a query', async () => {
    const sandbox = judge();
    const [reward] = await execution(undefined, sandbox).score([item('right', 'gold', false)]);
    expect(reward!.score).toBe(0);
    const masked = { ...executionScales.default, incomplete: null };
    const [left] = await execution(masked, sandbox).score([item('right', 'gold', false)]);
    expect(left!.score).toBeNull();
    expect(sandbox.calls).toEqual([]);
  });

  it('asks once a database and keeps the order', async () => {
    const sandbox = judge();
    const rewards = await execution(undefined, sandbox).score([
      item('right'),
      item('broken', 'gold', true, 'chinook'),
      item('other'),
      item('', 'gold'),
      item('right', 'gold', true, 'chinook'),
    ]);
    expect(rewards.map(({ score }) => score)).toEqual([1, 0, 0.1, 0, 1]);
    expect(sandbox.calls).toEqual([
      { path: 'erp.sqlite', sqls: ['right', 'other'] },
      { path: 'chinook.sqlite', sqls: ['broken', 'right'] },
    ]);
  });

  it('gives every right answer more than every wrong one, or refuses the scale', async () => {
    const number = fc.double({ min: -3, max: 3, noNaN: true });
    const scales = fc.record({ match: number, wrong: number, error: number, incomplete: fc.option(number) });
    await fc.assert(
      fc.asyncProperty(scales, async (scale) => {
        let reward: RewardFunction;
        try {
          reward = execution(scale);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'rewards/wrong-order' });
          return;
        }
        const [right, ...wrong] = await reward.score([
          item('right'),
          ...['other', 'broken', 'slow', 'drop', 'bomb', ''].map((sql) => item(sql)),
          item('right', 'gold', false),
        ]);
        for (const { score } of wrong) expect(score ?? Number.NEGATIVE_INFINITY).toBeLessThan(right!.score!);
      }),
    );
  });
});

describe('weightedReward', () => {
  const parts = [
    { reward: formatReward(), weight: 0.05 },
    { reward: lengthReward(), weight: 0.05 },
    { reward: syntaxReward((_, sql) => sql !== 'broken'), weight: 0.1 },
  ];

  it('adds up weighted parts and keeps each one', async () => {
    const reward = weightedReward({ primary: { reward: execution(), weight: 0.8, margin: 0.9 }, parts });
    const [right, broken, unscorable] = await reward.score([
      item('right'),
      item('broken'),
      item('right', 'broken gold'),
    ]);
    expect(right!.score).toBeCloseTo(1);
    expect(right!.components).toEqual({ match: 1, executable: 1, format: 1, length: 1, syntax: 1 });
    expect(broken!.score).toBeCloseTo(0.1);
    expect(broken!.details).toMatchObject({ execution: { outcome: 'sql-error' } });
    expect(unscorable!.score).toBeNull();
  });

  it('refuses weights under which a wrong answer could outscore a right one', () => {
    const primary = { reward: execution(), weight: 0.1, margin: 0.9 };
    expect(() => weightedReward({ primary, parts })).toThrow(
      expect.objectContaining({ code: 'rewards/wrong-order' }),
    );
  });
});

describe('createReward', () => {
  it.each([
    ['default', [1, 0.1, 0]],
    ['arctic', [1, 0.1, 0]],
    ['binary', [1, 0, 0]],
    ['shaped', [1, 0.19, 0.1]],
  ] as const)('%s', async (name, expected) => {
    const reward = createReward(name, { sandbox: judge(), databasePathOf: (id) => id });
    const scores = await reward.score(['right', 'other', 'broken'].map((sql) => item(sql)));
    for (const [i, { score }] of scores.entries()) expect(score).toBeCloseTo(expected[i]!, 12);
  });
});

describe('small rewards', () => {
  it('length takes away beyond twice the gold and never pays for more', async () => {
    const gold = 'x'.repeat(10);
    const scores = await lengthReward().score([1, 10, 20, 30, 40, 90].map((n) => item('y'.repeat(n), gold)));
    expect(scores.map(({ score }) => score)).toEqual([1, 1, 1, 0.5, 0, 0]);
  });

  it('format wants a complete, non-empty query', async () => {
    const scores = await formatReward().score([item('a'), item(' '), item('a', 'gold', false)]);
    expect(scores.map(({ score }) => score)).toEqual([1, 0, 0]);
  });
});

describe('cachedReward', () => {
  const counting = (score: (sql: string) => number | null) => {
    const seen: string[] = [];
    const reward: RewardFunction = {
      name: 'counting',
      score: async (items) => {
        seen.push(...items.map(({ completion }) => completion.sql));
        return items.map(
          ({ completion }): Reward => ({ score: score(completion.sql), components: {}, details: {} }),
        );
      },
    };
    return { seen, reward };
  };

  it('scores equal completions once, within a batch, at the same time and later', async () => {
    const { seen, reward } = counting((sql) => sql.length);
    const cached = cachedReward(reward);
    const [first, second] = await Promise.all([
      cached.score([item('a'), item('bb'), item('a')]),
      cached.score([item('bb'), item('ccc')]),
    ]);
    expect(first.map(({ score }) => score)).toEqual([1, 2, 1]);
    expect(second.map(({ score }) => score)).toEqual([2, 3]);
    expect(seen).toEqual(['a', 'bb', 'ccc']);
    expect(cached.statistics).toEqual({ hits: 2, misses: 3 });
  });

  it('tells completeness, gold and database apart', async () => {
    const { seen, reward } = counting(() => 1);
    await cachedReward(reward).score([
      item('a'),
      item('a', 'gold', false),
      item('a', 'other gold'),
      item('a', 'gold', true, 'chinook'),
    ]);
    expect(seen).toHaveLength(4);
  });

  it('asks again for what could not be scored or failed, and forgets the oldest', async () => {
    let isDown = true;
    const { seen, reward } = counting(() => (isDown ? null : 1));
    const cached = cachedReward(reward, 2);
    expect((await cached.score([item('a')]))[0]!.score).toBeNull();
    isDown = false;
    expect((await cached.score([item('a')]))[0]!.score).toBe(1);
    await cached.score([item('b')]);
    await cached.score([item('a')]);
    await cached.score([item('c')]);
    await cached.score([item('a'), item('b')]);
    expect(seen).toEqual(['a', 'a', 'b', 'c', 'b']);
    const failing = cachedReward({ name: 'failing', score: () => Promise.reject(new Error('down')) });
    await expect(failing.score([item('a'), item('b')])).rejects.toThrow('down');
    await expect(failing.score([item('a')])).rejects.toThrow('down');
  });
});
