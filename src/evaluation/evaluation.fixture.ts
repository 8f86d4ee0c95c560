/** Evaluations by hand, for tests of what is made from them. */
import type { NamedEvaluation } from './compare.ts';
import { summarize } from './summary.ts';
import type { ItemResult, Outcome } from './verdict.ts';

export function itemOf(id: string, outcome: Outcome, extra: Partial<ItemResult> = {}): ItemResult {
  return {
    example: {
      id,
      question: `question ${id}`,
      sql: 'SELECT a FROM t',
      databaseId: 'd',
      tags: [`difficulty:${id.startsWith('h') ? 'hard' : 'easy'}`, 'category:join'],
    },
    predictedSql: outcome === 'no-sql' ? '' : 'SELECT b FROM t',
    verdict: { outcome },
    isExactMatch: false,
    isValid: outcome === 'match' || outcome === 'mismatch',
    tables: ['t'],
    inventedIdentifiers: [],
    confidence: 0.5,
    latencyMs: 10,
    features: ['aggregate'],
    ...extra,
  };
}

export function evaluationOf(label: string, items: readonly ItemResult[], set = 'natural'): NamedEvaluation {
  return { label, evaluation: { set, predictor: label, items, summary: summarize(items) } };
}
