/** Curves of a run: what came in merged with what is there, sorted and named for people. It draws nothing. */
import type { RunMetricsResponse } from '../../../src/serving/api/contract.ts';

export type Point = readonly [step: number, value: number];

function isMetrics(value: unknown): value is RunMetricsResponse {
  return typeof value === 'object' && value !== null && 'series' in value;
}

/** The live stream sends whole curves or only what is new; from its first step on, what comes replaces what was. */
export function mergeMetrics(
  earlier: RunMetricsResponse | undefined,
  next: unknown,
): RunMetricsResponse | undefined {
  if (!isMetrics(next)) return earlier;
  if (earlier === undefined || earlier.name !== next.name) return next;
  const series: Record<string, readonly Point[]> = { ...earlier.series };
  for (const [name, points] of Object.entries(next.series)) {
    const first = points[0]?.[0];
    const kept = first === undefined ? [] : (series[name] ?? []).filter(([step]) => step < first);
    if (first !== undefined) series[name] = [...kept, ...points];
  }
  const key = ({ step, set }: RunMetricsResponse['evaluations'][number]): string => `${step} ${set}`;
  const fresh = new Set((next.evaluations ?? []).map(key));
  const evaluations = [
    ...earlier.evaluations.filter((one) => !fresh.has(key(one))),
    ...(next.evaluations ?? []),
  ];
  return { name: next.name, series, evaluations: evaluations.sort((a, b) => a.step - b.step) };
}

/** What people look at first comes first; the rest by name. */
const first = [/^loss$/i, /reward/i, /accuracy|^ex$|execution/i, /kl/i, /entropy/i, /loss/i, /rate|^lr$/i];

export function orderedSeries(series: RunMetricsResponse['series']): (readonly [string, readonly Point[]])[] {
  const rank = (name: string): number => {
    const at = first.findIndex((pattern) => pattern.test(name));
    return at < 0 ? first.length : at;
  };
  return Object.entries(series)
    .filter(([, points]) => points.length > 0)
    .sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b, 'en'));
}

/** `lossMean`, `loss_mean` -> `loss mean`. */
export const metricTitle = (name: string): string =>
  name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/[_/]/g, ' ')
    .toLowerCase();

export function valueText(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 10_000 || size < 0.001) return value.toExponential(1);
  return size >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** The mean of the `span` values around each one: noise hides where a curve goes, and a mean of what came before lags. */
export function smoothed(values: readonly number[], span: number): number[] {
  const reach = Math.floor(span / 2);
  const sums = [0];
  for (const value of values) sums.push(sums.at(-1)! + value);
  return values.map((_, at) => {
    // As far to the left as to the right, so that the ends are not pulled inwards.
    const near = Math.min(reach, at, values.length - 1 - at);
    return (sums[at + near + 1]! - sums[at - near]!) / (2 * near + 1);
  });
}
