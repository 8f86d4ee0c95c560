/** The figures of `querent evaluate predictions` as tables, under the names that the official scripts print. */
import { COMPONENTS } from '../../evaluation/spider/components.ts';
import type {
  LevelSummary,
  NeighbourSummary,
  PartialScore,
} from '../../evaluation/spider/prediction-summary.ts';
import { textTable } from '../table.ts';

const threeDigits = (value: number): string => value.toFixed(3);

const shareText = (passed: number | null, count: number): string =>
  passed === null || count === 0 ? '' : threeDigits(passed / count);

function partialRows(levels: readonly LevelSummary[], part: keyof PartialScore): string[][] {
  return COMPONENTS.map((name) => [
    name,
    ...levels.map(({ count, partial }) =>
      partial === null || count === 0 ? '' : threeDigits(partial[name][part]),
    ),
  ]);
}

export const neighbourLine = ({ databaseMatches, differ, untold }: NeighbourSummary): string =>
  `right on the database alone: ${databaseMatches}; of these ${differ} differ on a neighbour, of ${untold} no neighbour tells`;

/** One table: totals, then the partial scores where there are any. */
export function predictionTables(levels: readonly LevelSummary[]): string {
  const header = (title: string): string[] => [title, ...levels.map(({ level }) => level)];
  const alignRight = [false, ...levels.map(() => true)];
  const totals = [
    ['count', ...levels.map(({ count }) => String(count))],
    ['execution', ...levels.map(({ executionMatches, count }) => shareText(executionMatches, count))],
    ['exact match', ...levels.map(({ exactMatches, count }) => shareText(exactMatches, count))],
  ];
  if (levels.some(({ softF1 }) => softF1 !== null))
    totals.push(['soft F1', ...levels.map(({ softF1 }) => (softF1 === null ? '' : threeDigits(softF1)))]);
  if (levels.some(({ rVes }) => rVes !== null))
    totals.push(['R-VES', ...levels.map(({ rVes }) => (rVes === null ? '' : rVes.toFixed(2)))]);
  const tables = [textTable(header(''), totals, { alignRight })];
  if (levels.some(({ partial }) => partial !== null)) {
    for (const part of ['accuracy', 'recall', 'f1'] as const)
      tables.push(textTable(header(`partial ${part}`), partialRows(levels, part), { alignRight }));
  }
  return tables.join('\n');
}
