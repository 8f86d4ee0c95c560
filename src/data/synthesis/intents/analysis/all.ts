/**
 * The questions of analysts: windows, correlated subqueries, CTEs, CASE, dates, unions, self-joins, aggregates of
 * aggregates. How much of the mix they are is one number.
 */
import type { Intent } from '../intent.ts';
import { bandFigures, conditionLabels } from './cases.ts';
import { childrenVersusParent, grandparent, wholeChain } from './chains.ts';
import { mostFrequent, sideBySide, twoLevels } from './cross-tables.ts';
import { afterParent, ages, durations } from './durations.ts';
import { everyChild, hasAndHasNot, linkedConditions, severalKinds } from './existence.ts';
import { ratio, severalFigures, twoConditions } from './group-conditions.ts';
import { aboveAverageGroups, extremes, groupRanks, groupShare } from './group-figures.ts';
import { aboveIt, leaders } from './ladders.ts';
import { sharedWith, siblingPairs } from './pairs.ts';
import { change, movingAverage, running, sincePrevious, twoPeriods, wholeYear } from './periods.ts';
import { aboveOwnGroup, againstGroup } from './row-comparisons.ts';
import { groupLeaders, newestOfParent, nthOverall, rankColumns } from './row-ranks.ts';
import { branch, levels } from './trees.ts';
import { stacked, valueSets } from './unions.ts';

/** Their share of all weight; simple questions stay most of the mix. */
export const analysisShare = 0.25;

const families: readonly Intent[] = [
  rankColumns,
  groupLeaders,
  nthOverall,
  newestOfParent,
  againstGroup,
  aboveOwnGroup,
  groupRanks,
  groupShare,
  aboveAverageGroups,
  extremes,
  twoConditions,
  severalFigures,
  ratio,
  sideBySide,
  mostFrequent,
  twoLevels,
  running,
  change,
  movingAverage,
  wholeYear,
  twoPeriods,
  sincePrevious,
  durations,
  ages,
  afterParent,
  hasAndHasNot,
  everyChild,
  severalKinds,
  linkedConditions,
  siblingPairs,
  sharedWith,
  aboveIt,
  leaders,
  levels,
  branch,
  bandFigures,
  conditionLabels,
  stacked,
  valueSets,
  grandparent,
  wholeChain,
  childrenVersusParent,
];

function totalWeight(intents: readonly Intent[]): number {
  return intents.reduce((sum, { weight }) => sum + weight, 0);
}

/** The families, weighted so that they are `share` of the mix with the others. */
export function analysisBeside(others: readonly Intent[], share = analysisShare): readonly Intent[] {
  const factor = (share / (1 - share)) * (totalWeight(others) / totalWeight(families));
  return families.map((intent) => ({ ...intent, weight: intent.weight * factor }));
}
