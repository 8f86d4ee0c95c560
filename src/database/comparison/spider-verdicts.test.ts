/** The strict comparison against what the official test-suite script said of two published prediction files. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../foundation/files.ts';
import { createSandbox, type Sandbox } from '../sandbox.ts';

interface OfficialVerdict {
  readonly row: number;
  readonly db_id: string;
  readonly gold: string;
  readonly pred: string;
  readonly exec_match: 0 | 1;
}

const spider = join(packageRoot(), '..', 'shared', 'data', 'spider');

describe.skipIf(!existsSync(spider))(
  'official Spider verdicts (skipped: no shared data folder beside the checkout)',
  () => {
    let sandbox: Sandbox;
    beforeAll(() => {
      sandbox = createSandbox({ workers: 2, doubleQuotedStrings: true });
    });
    afterAll(() => sandbox.close());

    test.each(['graphix3b', 'spider_pred_example'])('%s', async (name) => {
      const text = readFileSync(join(spider, 'verdicts', `${name}.test_suite.jsonl`), 'utf8');
      const rows = text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as OfficialVerdict);
      const disagreements: unknown[] = [];
      for (const database of new Set(rows.map(({ db_id }) => db_id))) {
        const its = rows.filter(({ db_id }) => db_id === database);
        const pairs = its.map(({ gold, pred }) => ({ gold, predicted: pred }));
        const path = join(spider, 'database', database, `${database}.sqlite`);
        const verdicts = await sandbox.judgeBatch(path, pairs, { columnOrder: 'any' });
        verdicts.forEach((verdict, i) => {
          if (Number(verdict.match) === its[i]!.exec_match) return;
          // Two known differences: the official script takes every DISTINCT out of both queries, and calls two empty
          // results equal whatever their columns.
          const hasDistinct = /distinct/i.test(its[i]!.gold + its[i]!.pred);
          const areEmpty = verdict.gold.isEmpty && verdict.predicted.isEmpty;
          if (!hasDistinct && !areEmpty) disagreements.push({ ...its[i], verdict });
        });
      }
      expect(rows.length).toBe(420);
      expect(disagreements).toEqual([]);
    });
  },
);
