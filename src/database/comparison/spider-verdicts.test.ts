/** The `spider` protocol against what the official test-suite script said of two published prediction files, row by row. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  hasSpider,
  type OfficialVerdict,
  officialVerdicts,
  spider,
} from '../../../test/support/official-verdicts.ts';
import { createSandbox, type Sandbox } from '../sandbox.ts';
import type { Verdict } from '../verdict.ts';

describe.skipIf(!hasSpider())(
  'official Spider verdicts (skipped: no shared data folder beside the checkout)',
  () => {
    let sandbox: Sandbox;
    beforeAll(() => {
      sandbox = createSandbox({ workers: 2, doubleQuotedStrings: true });
    });
    afterAll(() => sandbox.close());

    async function judgeAll(
      rows: readonly OfficialVerdict[],
      options: Parameters<Sandbox['judgeBatch']>[2],
    ): Promise<readonly (readonly [OfficialVerdict, Verdict])[]> {
      const judged: (readonly [OfficialVerdict, Verdict])[] = [];
      for (const database of new Set(rows.map(({ db_id }) => db_id))) {
        const its = rows.filter(({ db_id }) => db_id === database);
        const pairs = its.map(({ gold, pred }) => ({ gold, predicted: pred }));
        const path = join(spider, 'database', database, `${database}.sqlite`);
        const verdicts = await sandbox.judgeBatch(path, pairs, options);
        judged.push(...verdicts.map((verdict, at) => [its[at]!, verdict] as const));
      }
      return judged;
    }

    test.each(['graphix3b', 'spider_pred_example'])('%s: every verdict is the official one', async (name) => {
      const judged = await judgeAll(officialVerdicts(name), { protocol: 'spider' });
      expect(judged.length).toBe(420);
      const differing = judged.filter(([official, verdict]) => Number(verdict.match) !== official.exec_match);
      expect(differing).toEqual([]);
    });

    test.each(['graphix3b', 'spider_pred_example'])(
      '%s: `strict` differs only over DISTINCT and over empty results',
      async (name) => {
        const judged = await judgeAll(officialVerdicts(name), { columnOrder: 'any' });
        const unexplained = judged.filter(([official, verdict]) => {
          if (Number(verdict.match) === official.exec_match) return false;
          const hasDistinct = /distinct/i.test(official.gold + official.pred);
          return !hasDistinct && !(verdict.gold.isEmpty && verdict.predicted.isEmpty);
        });
        expect(unexplained).toEqual([]);
      },
    );
  },
);
