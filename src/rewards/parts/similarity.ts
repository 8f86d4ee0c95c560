/**
 * How alike a query and its gold query are as texts: clause by clause from their syntax trees, by the keywords they use,
 * by how complex they are. None of them says whether the query is right.
 */
import { sqlFeatures } from '../../data/sql-features.ts';
import { codeTokens } from '../../database/sql-text.ts';
import { type ClauseName, clauseNames, clausesOfBoth } from '../../schema/syntax/clauses.ts';
import { loadParser } from '../../schema/syntax/parser.ts';
import { statementClassOf } from '../../schema/syntax/statement-class.ts';
import { type BoundedReward, type RewardItem, ruleReward, single } from '../reward.ts';
import { queryKey } from '../same-query.ts';

/** What a query is mostly about counts double. */
const CLAUSE_WEIGHTS: Readonly<Record<ClauseName, number>> = {
  select: 2,
  from: 2,
  where: 2,
  join: 1,
  distinct: 1,
  group: 1,
  having: 1,
  order: 1,
  limit: 1,
  set: 1,
};
/** Longer texts are not compared; reading them would take longer than running them. */
const CHARACTERS_MAX = 20_000;

/** 2 |A and B| / (|A| + |B|), repeated elements counted (Dice 1945); 1 if both are empty. */
export function diceOf(a: readonly string[], b: readonly string[]): number {
  if (a.length + b.length === 0) return 1;
  const counts = new Map<string, number>();
  for (const part of a) counts.set(part, (counts.get(part) ?? 0) + 1);
  let shared = 0;
  for (const part of b) {
    const left = counts.get(part) ?? 0;
    if (left > 0) shared += 1;
    counts.set(part, left - 1);
  }
  return (2 * shared) / (a.length + b.length);
}

export interface ClauseSimilarity {
  /** From 0, nothing in common, to 1: the weighted mean over the clauses that either query has. */
  readonly score: number;
  readonly clauses: Readonly<Partial<Record<ClauseName, number>>>;
}

/** Needs `loadParser()` first. */
export function clauseSimilarity(predicted: string, gold: string): ClauseSimilarity {
  if (Math.max(predicted.length, gold.length) > CHARACTERS_MAX) return { score: 0, clauses: {} };
  if (queryKey(predicted) === queryKey(gold)) return { score: 1, clauses: {} };
  const [a, b] = clausesOfBoth(predicted, gold);
  const clauses: Partial<Record<ClauseName, number>> = {};
  let [sum, weights] = [0, 0];
  for (const name of clauseNames) {
    if (a[name].length + b[name].length === 0) continue;
    const similarity = diceOf(a[name], b[name]);
    clauses[name] = similarity;
    sum += CLAUSE_WEIGHTS[name] * similarity;
    weights += CLAUSE_WEIGHTS[name];
  }
  return { score: weights === 0 ? 0 : sum / weights, clauses };
}

/** A statement that does not only read, or a second one behind it, is like no query at all. */
const hasNoQuery = ({ completion: { sql, isComplete } }: RewardItem): boolean =>
  !isComplete || sql.length > CHARACTERS_MAX || statementClassOf(sql) !== 'query';

/** Structural similarity, clause by clause. Gold gets 1. */
export function semanticReward(): BoundedReward {
  const rule = ruleReward('semantic', (item) => {
    if (hasNoQuery(item)) return single('semantic', 0);
    const { score, clauses } = clauseSimilarity(item.completion.sql, item.example.sql);
    return single('semantic', score, { clauses });
  });
  return {
    ...rule,
    score: async (items) => {
      await loadParser();
      return rule.score(items);
    },
  };
}

function keywordsOf(sql: string): string[] {
  return codeTokens(sql)
    .filter(({ kind }) => kind === 'keyword')
    .map(({ value }) => value);
}

/** How many words of the language the two have in common. Gold gets 1. */
export function keywordReward(): BoundedReward {
  return ruleReward('keywords', (item) => {
    const { sql } = item.completion;
    if (hasNoQuery(item)) return single('keywords', 0);
    return single('keywords', diceOf(keywordsOf(sql), keywordsOf(item.example.sql)));
  });
}

/**
 * How close the number of SQL features used is to the gold's: 1 - |a - b| / max(a, b). Complexity is not paid for as such,
 * or every answer would grow. Gold gets 1.
 */
export function complexityReward(): BoundedReward {
  return ruleReward('complexity', (item) => {
    const { sql } = item.completion;
    if (hasNoQuery(item)) return single('complexity', 0);
    // A query without any feature is still a query.
    const [its, golds] = [1 + sqlFeatures(sql).length, 1 + sqlFeatures(item.example.sql).length];
    const score = 1 - Math.abs(its - golds) / Math.max(its, golds);
    return single('complexity', score, { features: its - 1, goldFeatures: golds - 1 });
  });
}
