/** What neighbours say of two published prediction files: everything that they turn away was read by hand. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasSpider, officialVerdicts, spider } from '../../../test/support/official-verdicts.ts';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { createAgreementJudge } from './agreement.ts';
import { buildNeighbours } from './neighbours.ts';
import { inspected } from './spider-inspected.fixture.ts';

describe.skipIf(!hasSpider())(
  'published predictions on neighbours (skipped: no shared data folder beside the checkout)',
  () => {
    let sandbox: Sandbox;
    let directory: string;
    beforeAll(async () => {
      sandbox = createSandbox({ workers: 2, doubleQuotedStrings: true });
      directory = await mkdtemp(join(tmpdir(), 'spider-neighbours-'));
    });
    afterAll(async () => {
      await sandbox.close();
      await rm(directory, { recursive: true, force: true });
    });

    test.each(['graphix3b', 'spider_pred_example'] as const)(
      '%s',
      async (file) => {
        const rows = officialVerdicts(file);
        const turnedAway: number[] = [];
        let passedAlthoughWrong = 0;
        for (const database of new Set(rows.map(({ db_id }) => db_id))) {
          const its = rows.filter(({ db_id }) => db_id === database);
          const neighbours = await buildNeighbours({
            databasePath: join(spider, 'database', database, `${database}.sqlite`),
            queries: its.map(({ gold }) => gold),
            directory,
          });
          const judge = createAgreementJudge({ sandbox, neighbours, columnOrder: 'any' });
          const agreements = await judge.judge(its.map(({ gold, pred }) => ({ gold, predicted: pred })));
          its.forEach(({ row, exec_match }, at) => {
            const { match } = agreements[at]!;
            if (exec_match === 1 && match === false) turnedAway.push(row);
            if (exec_match === 0 && match === true) passedAlthoughWrong += 1;
          });
        }
        const expected = inspected.filter((entry) => entry.file === file).flatMap((entry) => entry.rows);
        expect(turnedAway.sort((a, b) => a - b)).toEqual([...expected].sort((a, b) => a - b));
        expect(passedAlthoughWrong).toBe(0);
      },
      120_000,
    );
  },
);
