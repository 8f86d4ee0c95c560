/** `Report`: what a run found out, as data. The pages are made from it elsewhere. */
import type { Chart } from '../../training/svg-chart.ts';
import type { NamedEvaluation, PairComparison } from '../compare.ts';

export interface Report {
  readonly title: string;
  /** Seed, code version, seconds, database …: shown in this order. */
  readonly facts: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
  /** In the order of the stages; a label appears once for each set. */
  readonly evaluations: readonly NamedEvaluation[];
  readonly comparisons: readonly PairComparison[];
  readonly charts: readonly Chart[];
}

/** The sets of a report in order of appearance, each with its evaluations. */
export function evaluationsBySet(
  evaluations: readonly NamedEvaluation[],
): ReadonlyMap<string, NamedEvaluation[]> {
  const bySet = new Map<string, NamedEvaluation[]>();
  for (const named of evaluations) {
    const { set } = named.evaluation;
    bySet.set(set, [...(bySet.get(set) ?? []), named]);
  }
  return bySet;
}

/** The JSON twin of the pages: summaries and every question. */
export function reportJson(report: Report): unknown {
  return {
    ...report,
    evaluations: report.evaluations.map(({ label, evaluation }) => ({
      label,
      set: evaluation.set,
      predictor: evaluation.predictor,
      summary: evaluation.summary,
      items: evaluation.items.map((item) => ({
        id: item.example.id,
        question: item.example.question,
        gold: item.example.sql,
        predicted: item.predictedSql,
        outcome: item.verdict.outcome,
        message: item.verdict.message,
        exactMatch: item.isExactMatch,
        valid: item.isValid,
        inventedIdentifiers: item.inventedIdentifiers,
        confidence: item.confidence,
        latencyMs: item.latencyMs,
        reward: item.reward,
        tags: item.example.tags,
      })),
    })),
  };
}
