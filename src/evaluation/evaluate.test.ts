import { describe, expect, it } from 'vitest';
import type { Predictor } from '../agents/predictor.ts';
import type { Example } from '../data/example.ts';
import { databaseFolder } from '../database/database.fixture.ts';
import { createSandbox } from '../database/sandbox.ts';
import type { RunEvent } from '../foundation/events.ts';
import type { RewardFunction } from '../rewards/reward.ts';
import type { Schema } from '../schema/schema.ts';
import { evaluateSet } from './evaluate.ts';
import { sandboxJudge } from './sandbox-judge.ts';
import type { Judge } from './verdict.ts';

const schema = {
  tables: [
    { name: 'item', columns: [{ name: 'id' }, { name: 'name' }], foreignKeys: [], primaryKey: ['id'] },
  ],
} as unknown as Schema;

const example = (id: string, sql: string): Example => ({
  id,
  question: `q ${id}`,
  sql,
  databaseId: 'd',
  tags: [],
});
const examples = [
  example('right', 'SELECT id FROM item'),
  example('wrong', 'SELECT name FROM item'),
  example('invented', 'SELECT id FROM item WHERE id = 1'),
  example('silent', 'SELECT id FROM item WHERE id = 2'),
];
const answers: Readonly<Record<string, string>> = {
  'q right': 'select id from item',
  'q wrong': 'SELECT id FROM item',
  'q invented': 'SELECT price FROM item',
  'q silent': '',
  'q quoted': 'SELECT id FROM item WHERE name = "ham"',
};

function predictorOf(batches: number[]): Predictor {
  return {
    name: 'fake',
    predict: async (questions) => {
      batches.push(questions.length);
      return questions.map((question) => ({ sql: answers[question]!, confidence: 0.5, latencyMs: 3 }));
    },
    close: async () => {},
  };
}

const judge: Judge = async (items) =>
  items.map(({ gold, predicted }) => {
    if (predicted === '') return { outcome: 'no-sql' };
    if (predicted.includes('price')) return { outcome: 'sql-error', message: 'no such column: price' };
    return { outcome: gold.toLowerCase() === predicted.toLowerCase() ? 'match' : 'mismatch' };
  });

describe('evaluateSet', () => {
  it('judges every answer, in batches, and reports progress and figures', async () => {
    const batches: number[] = [];
    const events: RunEvent[] = [];
    const { items, summary } = await evaluateSet({
      ...{ predictor: predictorOf(batches), set: 'test', examples, judge, schema, batchSize: 3 },
      observe: (event) => events.push(event),
    });
    expect(batches).toEqual([3, 1]);
    expect(items.map((item) => item.verdict.outcome)).toEqual(['match', 'mismatch', 'sql-error', 'no-sql']);
    expect(items.map((item) => item.isValid)).toEqual([true, true, false, false]);
    expect(items.map((item) => item.isExactMatch)).toEqual([true, false, false, false]);
    expect(items[2]!.inventedIdentifiers).toEqual(['price']);
    expect(summary.ex).toMatchObject({ passed: 1, total: 4 });
    expect(summary.inventedIdentifiers).toBe(1);
    expect(events.filter(({ type }) => type === 'progress')).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ type: 'evaluation-end', set: 'test', metrics: { ex: 0.25 } });
  });

  it.each([
    [false, ['ham']],
    [true, []],
  ])('where "text" may be a string is %s, invents %j', async (doubleQuotedStrings, invented) => {
    const { items } = await evaluateSet({
      ...{ predictor: predictorOf([]), set: 'test', judge, schema, doubleQuotedStrings },
      examples: [{ ...example('x', 'SELECT id FROM item'), question: 'q quoted' }],
    });
    expect(items[0]!.inventedIdentifiers).toEqual(invented);
  });

  it('adds rewards where a reward function is given', async () => {
    const reward: RewardFunction = {
      name: 'fixed',
      score: async (items) => items.map((_, i) => ({ score: i === 0 ? 1 : 0, components: {}, details: {} })),
    };
    const { summary } = await evaluateSet({
      predictor: predictorOf([]),
      set: 't',
      examples,
      judge,
      schema,
      reward,
    });
    expect(summary.perfectRate).toMatchObject({ passed: 1, total: 4 });
  });

  it('refuses a predictor that leaves questions out, and stops when asked', async () => {
    const lazy: Predictor = { name: 'lazy', predict: async () => [], close: async () => {} };
    await expect(evaluateSet({ predictor: lazy, set: 't', examples, judge, schema })).rejects.toThrow(
      /lazy gave 0 predictions for 4 questions/,
    );
    const signal = AbortSignal.abort();
    await expect(
      evaluateSet({ predictor: predictorOf([]), set: 't', examples, judge, schema, signal }),
    ).rejects.toMatchObject({ code: 'evaluation/interrupted' });
  });
});

describe('sandboxJudge', () => {
  const side = {
    outcome: 'rows',
    rowCount: 2,
    columnCount: 1,
    isEmpty: false,
    truncated: false,
    elapsedMs: 1,
  } as const;
  it('turns verdicts of the sandbox into outcomes, and never runs an empty statement', async () => {
    const seen: string[] = [];
    const verdictOf = (predicted: string) => {
      if (predicted === 'same')
        return { match: true, reason: 'same-text', gold: side, predicted: side } as const;
      if (predicted === 'gold is broken') {
        const broken = { ...side, outcome: 'sql-error', message: 'no such table' } as const;
        return {
          match: null,
          reason: 'gold-broken',
          gold: broken,
          predicted: { ...side, outcome: 'not-run' },
        } as const;
      }
      if (predicted === 'slow') {
        const slow = { ...side, outcome: 'timeout', message: 'stopped after 5 ms' } as const;
        return { match: false, reason: 'predicted-failed', gold: side, predicted: slow } as const;
      }
      return { match: false, reason: 'row-count', gold: side, predicted: { ...side, rowCount: 3 } } as const;
    };
    const judgeIt = sandboxJudge(
      {
        judgeBatch: async (_path, pairs) => {
          seen.push(...pairs.map(({ predicted }) => predicted));
          return pairs.map(({ predicted }) => verdictOf(predicted));
        },
        execute: async () => {
          throw new Error('no rows were asked for');
        },
      },
      'db',
    );
    const verdicts = await judgeIt(
      ['same', '', 'gold is broken', 'slow', 'other'].map((predicted) => ({ gold: 'g', predicted })),
    );
    expect(verdicts.map(({ outcome }) => outcome)).toEqual([
      'match',
      'no-sql',
      'unscored',
      'timeout',
      'mismatch',
    ]);
    expect(verdicts[4]!.message).toBe('gold has 2 rows, got more');
    expect(seen).not.toContain('');
  });

  it('keeps the first rows of both sides where they are asked for, each text run once', async () => {
    const folder = await databaseFolder();
    const sandbox = createSandbox({ workers: 1 });
    try {
      const path = await folder.make(
        't.sqlite',
        "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, NULL), (2, x'0102'), (3, 'x')",
      );
      const judge = sandboxJudge(sandbox, path, { previewRows: 2 });
      const gold = 'SELECT a, b FROM t ORDER BY a';
      const [right, wrong, failed, silent] = await judge(
        [gold, 'SELECT a FROM t WHERE a = 3', 'SELECT z FROM t', ''].map((predicted) => ({
          gold,
          predicted,
        })),
      );
      const goldResult = {
        columns: ['a', 'b'],
        rows: [
          ['1', null],
          ['2', '(2 bytes)'],
        ],
        hasMore: true,
      };
      expect(right).toEqual({ outcome: 'match', goldResult, predictedResult: goldResult });
      expect(wrong!.predictedResult).toEqual({ columns: ['a'], rows: [['3']], hasMore: false });
      expect(failed).toMatchObject({ outcome: 'sql-error', errorClass: 'no-such-column', goldResult });
      expect(failed).not.toHaveProperty('predictedResult');
      expect(silent).toEqual({ outcome: 'no-sql', goldResult });
    } finally {
      await sandbox.close();
      await folder.remove();
    }
  });
});
