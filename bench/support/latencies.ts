/** Latencies of a service under load as measurements, a percentile a line: each a median over the rounds. */
import { percentile } from '../../src/evaluation/statistics.ts';
import { type Measurement, measurementOf, median } from '../harness.ts';
import type { LoadReport } from './http-load.ts';

export interface Latencies {
  /** Without those of the warm-up, a report a round. */
  readonly ours: readonly LoadReport[];
  readonly baseline: readonly LoadReport[];
  /** `p50` measures the share 0.5. */
  readonly names: readonly `p${number}`[];
}

/** The name of each measurement is the one given and the percentile. */
export function latenciesOf(
  what: Pick<Measurement, 'suite' | 'name' | 'baselineName' | 'details'>,
  { ours, baseline, names }: Latencies,
): readonly Measurement[] {
  return names.map((name) => {
    const share = Number(name.slice(1)) / 100;
    const of = (reports: readonly LoadReport[]): number[] =>
      reports.map(({ latenciesMs }) => percentile(latenciesMs, share));
    const [a, b] = [of(ours), of(baseline)];
    return measurementOf(
      { ...what, name: `${what.name}, ${name}`, unit: 'ms', better: 'lower' },
      {
        ours: a,
        baseline: b,
        oursMedian: median(a),
        baselineMedian: b.length === 0 ? null : median(b),
      },
    );
  });
}
