/**
 * The figures of an evaluation by class of hardness, or of BIRD's difficulty where that is known, counted as the official
 * scripts count them. Knows verdicts, not how
 * they came about.
 */
import { DIFFICULTIES, type Difficulty } from '../suites/bird.ts';
import { COMPONENTS, type ComponentName, isSame } from './components.ts';
import type { PredictionVerdict } from './evaluate-predictions.ts';
import { HARDNESS_LEVELS, type Hardness } from './hardness.ts';

export interface PartialScore {
  /** Of the predictions that have the component. */
  readonly accuracy: number;
  /** Of the golds that have it. */
  readonly recall: number;
  readonly f1: number;
}

export type Level = Hardness | Difficulty | 'all';

export interface LevelSummary {
  readonly level: Level;
  readonly count: number;
  readonly executionMatches: number;
  /** The mean of the rows, from 0 to 1; null but for `bird`. */
  readonly softF1: number | null;
  /** The mean of the rows, from 0 to 111.8; null where nothing was timed. */
  readonly rVes: number | null;
  /** Null without schemas; so are the partial scores. */
  readonly exactMatches: number | null;
  readonly partial: Readonly<Record<ComponentName, PartialScore>> | null;
}

const shareOf = (passed: number, total: number): number => (total === 0 ? 0 : passed / total);

/** Where nothing has the component, or nothing that has it is right, the official F1 is 1. */
function partialScore(verdicts: readonly PredictionVerdict[], name: ComponentName): PartialScore {
  const counts = verdicts.flatMap(({ components }) => (components === undefined ? [] : [components[name]]));
  const inPredicted = counts.filter(({ predicted }) => predicted > 0);
  const inGold = counts.filter(({ gold }) => gold > 0);
  // A component that neither has is right, but in no denominator.
  const accuracy = shareOf(inPredicted.filter(isSame).length, inPredicted.length);
  const recall = shareOf(inGold.filter(isSame).length, inGold.length);
  const f1 = accuracy === 0 && recall === 0 ? 1 : (2 * accuracy * recall) / (accuracy + recall);
  return { accuracy, recall, f1 };
}

/** Null where there are no rows, or their figure is not known. */
function meanOf(figures: readonly (number | null)[]): number | null {
  const known = figures.filter((figure) => figure !== null);
  return known.length === 0 ? null : known.reduce((sum, figure) => sum + figure, 0) / known.length;
}

function summarizeLevel(
  level: Level,
  verdicts: readonly PredictionVerdict[],
  hasSchemas: boolean,
): LevelSummary {
  const partial = (): Record<ComponentName, PartialScore> =>
    Object.fromEntries(COMPONENTS.map((name) => [name, partialScore(verdicts, name)])) as Record<
      ComponentName,
      PartialScore
    >;
  return {
    level,
    count: verdicts.length,
    executionMatches: verdicts.filter(({ isExecutionMatch }) => isExecutionMatch).length,
    softF1: meanOf(verdicts.map(({ softF1 }) => softF1)),
    rVes: meanOf(verdicts.map(({ efficiency }) => efficiency?.rVes ?? null)),
    exactMatches: hasSchemas ? verdicts.filter(({ isExactMatch }) => isExactMatch === true).length : null,
    partial: hasSchemas ? partial() : null,
  };
}

export interface NeighbourSummary {
  /** Of how many rows the database alone says that they are right. */
  readonly databaseMatches: number;
  /** Of these: another answer than the gold's on a neighbour. */
  readonly differ: number;
  /** Of these: no neighbour tells, so that the database's word stands. */
  readonly untold: number;
}

/** Of the rows of which neighbours were asked. */
export function summarizeNeighbours(verdicts: readonly PredictionVerdict[]): NeighbourSummary {
  const asked = verdicts.flatMap(({ agreement }) => (agreement === null ? [] : [agreement.match]));
  return {
    databaseMatches: asked.length,
    differ: asked.filter((match) => match === false).length,
    untold: asked.filter((match) => match === null).length,
  };
}

/** Easy to extra, or simple to challenging; then all. Rows of no class are in `all` alone. */
export function summarizePredictions(verdicts: readonly PredictionVerdict[]): LevelSummary[] {
  const hasSchemas = verdicts.some(({ isExactMatch }) => isExactMatch !== null);
  const hasDifficulties = verdicts.some(({ difficulty }) => difficulty !== null);
  const classes: readonly Level[] = hasDifficulties ? DIFFICULTIES : HARDNESS_LEVELS;
  const levels = classes.map((level) => {
    const its = verdicts.filter((verdict) =>
      hasDifficulties ? verdict.difficulty === level : verdict.hardness === level,
    );
    return summarizeLevel(level, its, hasSchemas);
  });
  return [...levels, summarizeLevel('all', verdicts, hasSchemas)];
}
