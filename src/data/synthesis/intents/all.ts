/** Every intent there is. */
import {
  aggregate,
  aggregatePerGroup,
  conditionalCounts,
  count,
  countChildren,
  countPerGroup,
  having,
  share,
} from './aggregates.ts';
import {
  aboveGroupAverage,
  buckets,
  childTotals,
  duration,
  hierarchy,
  nestedAggregate,
  setOperation,
  timeSeries,
} from './compositions.ts';
import type { Intent } from './intent.ts';
import {
  distinctValues,
  listAttributes,
  listNames,
  lookup,
  parentLookup,
  sortedList,
  withParent,
} from './lists.ts';
import { bestPerGroup, childrenCounts, rankWindow, superlative, topGroup, topN } from './rankings.ts';

export const intents: readonly Intent[] = [
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
