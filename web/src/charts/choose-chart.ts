/** Which picture suits a result, if any: one figure, bars, or a line over time. It draws nothing. */
import type { PipelineRows } from '../../../src/agents/pipeline.ts';
import { type ColumnKind, compareCells, kindOf } from './values.ts';

export interface ChartSeries {
  readonly name: string;
  /** One a label; null where the database had none. */
  readonly values: readonly (number | null)[];
}

export type ResultChart =
  | { readonly kind: 'figure'; readonly name: string; readonly value: number }
  | {
      readonly kind: 'bars' | 'line';
      readonly labelName: string;
      readonly labels: readonly string[];
      readonly series: readonly ChartSeries[];
    };

const barsMax = 30;
const pointsMax = 400;
const seriesMax = 3;
/** Series on one axis whose sizes differ by more would hide each other. */
const spreadMax = 50;

export function columnKinds({ columns, rows }: Pick<PipelineRows, 'columns' | 'rows'>): ColumnKind[] {
  return columns.map((name, at) =>
    kindOf(
      name,
      rows.map((row) => row[at] ?? null),
    ),
  );
}

const largest = ({ values }: ChartSeries): number => Math.max(...values.map((value) => Math.abs(value ?? 0)));

/** Only series of the first one's order of magnitude share its axis. */
function comparable(series: readonly ChartSeries[]): ChartSeries[] {
  const first = series[0] === undefined ? 0 : largest(series[0]);
  return series
    .filter((one) => {
      const ratio = largest(one) / first;
      return first === 0 || (ratio < spreadMax && ratio > 1 / spreadMax);
    })
    .slice(0, seriesMax);
}

export function chooseChart(result: Pick<PipelineRows, 'columns' | 'rows'>): ResultChart | undefined {
  const { columns, rows } = result;
  const kinds = columnKinds(result);
  const numbers = kinds.flatMap((kind, at) => (kind === 'number' ? [at] : []));
  if (rows.length === 1 && columns.length === 1) {
    const value = rows[0]![0];
    return typeof value === 'number' ? { kind: 'figure', name: columns[0]!, value } : undefined;
  }
  if (rows.length < 2 || numbers.length === 0) return undefined;

  const time = kinds.indexOf('time');
  const label = time >= 0 ? time : kinds.indexOf('text');
  if (label < 0) return undefined;
  // Two columns of words need two axes of words: a table says it better.
  if (kinds.filter((kind) => kind === 'text').length > (time >= 0 ? 0 : 2)) return undefined;
  const isLine = time >= 0 && rows.length >= 3;
  if (rows.length > (isLine ? pointsMax : barsMax)) return undefined;
  const ordered = isLine
    ? [...rows].sort((left, right) => compareCells(left[label] ?? null, right[label] ?? null))
    : rows;
  const labels = ordered.map((row) => String(row[label] ?? '–'));
  // The same label twice: something else tells the rows apart, and a bar could not say what.
  if (new Set(labels).size < labels.length) return undefined;
  const series = numbers.map((at) => ({
    name: columns[at]!,
    values: ordered.map((row) => (typeof row[at] === 'number' ? row[at] : null)),
  }));
  return { kind: isLine ? 'line' : 'bars', labelName: columns[label]!, labels, series: comparable(series) };
}

/** Round numbers that cover the range, zero among them. */
export function ticksOf(values: readonly number[], wanted = 4): number[] {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  if (high === low) return [0, 1];
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const first = Math.floor(low / step);
  const count = Math.ceil(high / step) - first;
  return Array.from({ length: count + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}
