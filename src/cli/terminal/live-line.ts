/** How training metrics read in one line, and how long things take in words. Pure text; knows no terminal. */
import type { Metrics } from '../../foundation/events.ts';

/** Metric names of the training loops in the order in which they are shown. */
const shown: readonly (readonly [key: string, label: string, format: (value: number) => string])[] = [
  ['loss', 'loss', (v) => v.toFixed(3)],
  ['validationLoss', 'val loss', (v) => v.toFixed(3)],
  ['rewardMean', 'reward', (v) => v.toFixed(3)],
  ['component.match.mean', 'sampled EX', percent],
  ['ex', 'EX', percent],
  ['kl', 'KL', (v) => v.toFixed(4)],
  ['entropy', 'entropy', (v) => v.toFixed(3)],
  ['zeroVarianceShare', 'zero-var', percent],
  ['tokensPerSecond', 'tok/s', (v) => Math.round(v).toLocaleString('en-US')],
];

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

export function liveLine(metrics: Metrics): string {
  return shown
    .flatMap(([key, label, format]) => {
      const value = metrics[key];
      return value === undefined || !Number.isFinite(value) ? [] : [`${label} ${format(value)}`];
    })
    .join('  ');
}

/** `42s`, `3m05s`, `1h02m`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${String(seconds % 60).padStart(2, '0')}s`;
  return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}m`;
}

/** Time left at the pace so far; undefined before anything is done. */
export function timeLeftMs(elapsedMs: number, done: number, total: number): number | undefined {
  return done <= 0 ? undefined : (elapsedMs / done) * Math.max(0, total - done);
}
