/**
 * Long questions for any schema: reports with several columns, conditions, steps and an order, put together clause by clause
 * as people dictate them. The synthesiser's questions have one sentence frame each and 7 to 15 words; these mostly have 20 to 60.
 * They are for training alone: no test is made of them. Each is executed; broken, slow, empty and order-ambiguous ones are
 * dropped and counted.
 */
import { ignoreEvents, type Observe } from '../../foundation/events.ts';
import { createRandom } from '../../foundation/random.ts';
import { createLexicon, type Synonyms } from '../../schema/lexicon.ts';
import type { Schema } from '../../schema/schema.ts';
import type { Example } from '../example.ts';
import { createContext } from '../synthesis/context.ts';
import { createJudge, type JudgeOptions } from '../synthesis/judge.ts';
import { bandReport } from './bands.ts';
import type { ReportMaker } from './clauses.ts';
import { existReport, noneReport } from './existence.ts';
import { groupedReport } from './grouped.ts';
import { pivotReport, scoreReport } from './pivots.ts';
import { comparedReport, rankedReport, rowReport } from './rows.ts';
import { latestReport, seriesReport } from './series.ts';
import { besideReport, sidesReport } from './sides.ts';
import { aboveReport, leadersReport, nestedReport } from './steps.ts';
import { pairReport, treeReport } from './trees.ts';
import { unionReport } from './unions.ts';

export interface ReportOptions extends JudgeOptions {
  readonly schema: Schema;
  readonly synonyms?: Synonyms;
  readonly seed: number;
  /** Reports wanted; fewer where the schema has not so many. */
  readonly count: number;
  readonly observe?: Observe;
  readonly signal?: AbortSignal;
}

export interface ReportResult {
  readonly examples: readonly Example[];
  /** Why reports were dropped, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

export const reportKinds: Readonly<Record<string, readonly [ReportMaker, number]>> = {
  grouped: [groupedReport, 7],
  rows: [rowReport, 5],
  compared: [comparedReport, 2.5],
  ranked: [rankedReport, 3],
  above: [aboveReport, 3],
  leaders: [leadersReport, 2],
  nested: [nestedReport, 2],
  series: [seriesReport, 2.5],
  beside: [besideReport, 1.5],
  sides: [sidesReport, 2.5],
  latest: [latestReport, 1.2],
  bands: [bandReport, 2],
  pivots: [pivotReport, 3],
  scores: [scoreReport, 1.5],
  unions: [unionReport, 1.8],
  exists: [existReport, 2.5],
  none: [noneReport, 1.5],
  trees: [treeReport, 5],
  pairs: [pairReport, 1],
};

const kinds = Object.entries(reportKinds);
const roundSize = 1200;
/** Rounds without a new report before giving up. */
const idleRoundsMax = 8;

export async function makeReports(options: ReportOptions): Promise<ReportResult> {
  const { schema, synonyms, seed, count } = options;
  const observe = options.observe ?? ignoreEvents;
  const random = createRandom(seed).fork('reports');
  const context = createContext(createLexicon(schema, synonyms), random);
  const judge = createJudge(options);
  const asked = new Set<string>();
  const dropped: Record<string, number> = {};
  const drop = (reason: string): void => {
    dropped[reason] = (dropped[reason] ?? 0) + 1;
  };
  const kept: Example[] = [];
  let idleRounds = 0;
  while (kept.length < count && idleRounds < idleRoundsMax && context.tables.length > 0) {
    options.signal?.throwIfAborted();
    const drafts: { kind: string; question: string; sql: string }[] = [];
    for (let i = 0; i < roundSize; i++) {
      const [kind, [make]] = random.pickWeighted(kinds, ([, [, weight]]) => weight);
      const report = make(context);
      const key = report?.question.toLowerCase();
      if (report === undefined || key === undefined) continue;
      if (asked.has(key)) drop('duplicate');
      else {
        asked.add(key);
        drafts.push({ kind, ...report });
      }
    }
    const reasons = await judge(drafts.map(({ sql }) => sql));
    const before = kept.length;
    drafts.forEach(({ kind, question, sql }, i) => {
      const reason = reasons[i];
      if (reason !== undefined) drop(reason);
      else if (kept.length < count)
        kept.push({
          id: `report-${String(kept.length + 1).padStart(5, '0')}`,
          question: question.replace(/\s+/g, ' ').trim(),
          sql,
          databaseId: schema.databaseId,
          tags: [`intent:report-${kind}`, 'part:reports'],
        });
    });
    idleRounds = kept.length === before ? idleRounds + 1 : 0;
    observe({ type: 'progress', stage: 'reports', label: 'long questions', done: kept.length, total: count });
  }
  return { examples: kept, dropped };
}
