/** Every intent there is. */
import { aggregate, count, countChildren } from './aggregates.ts';
import { analysisBeside } from './analysis/all.ts';
import { buckets } from './buckets.ts';
import { childTotals } from './child-totals.ts';
import { hierarchy } from './hierarchy.ts';
import type { Intent } from './intent.ts';
import { distinctValues, listAttributes, listNames, sortedList, withParent } from './lists.ts';
import { lookup, parentLookup } from './lookups.ts';
import { aboveGroupAverage, nestedAggregate } from './nested.ts';
import { aggregatePerGroup, countPerGroup, having } from './per-group.ts';
import { setOperation } from './set-operations.ts';
import { conditionalCounts, share } from './shares.ts';
import { superlative, topN } from './superlatives.ts';
import { duration, timeSeries } from './time.ts';
import { childrenCounts, topGroup } from './top-groups.ts';
import { bestPerGroup, rankWindow } from './windows.ts';

const plain: readonly Intent[] = [
  listNames,
  listAttributes,
  lookup,
  parentLookup,
  withParent,
  distinctValues,
  sortedList,
  count,
  countChildren,
  aggregate,
  countPerGroup,
  aggregatePerGroup,
  having,
  share,
  conditionalCounts,
  superlative,
  topN,
  topGroup,
  childrenCounts,
  bestPerGroup,
  rankWindow,
  nestedAggregate,
  aboveGroupAverage,
  hierarchy,
  setOperation,
  buckets,
  timeSeries,
  duration,
  childTotals,
];

/** Every intent, those of analysts weighted so that they are `analysisShare` of all draws, in [0, 1). */
export function intentsWith(analysisShare?: number): readonly Intent[] {
  return [...plain, ...analysisBeside(plain, analysisShare)];
}

export const intents: readonly Intent[] = intentsWith();
