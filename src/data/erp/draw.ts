/** The few shapes of randomness that the tables are drawn from, over an injected generator. */
import type { Random } from '../../foundation/random.ts';

export type Weighted<T> = readonly (readonly [T, number])[];

export function weighted<T>(random: Random, choices: Weighted<T>): T {
  return random.pickWeighted(choices, (choice) => choice[1])[0];
}

/** A uniform integer in [low, high]. */
export function between(random: Random, low: number, high: number): number {
  return high <= low ? low : low + random.int(high - low + 1);
}

/** Log-normal: most values near the median, a long tail above. */
export function skewed(random: Random, median: number, spread: number): number {
  return median * Math.exp(spread * random.normal());
}

/** Two or three leading digits, as people write money: 84,500 or 1,250,000. */
export function roundMoney(amount: number, digits = 3): number {
  const magnitude = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, amount))) - digits + 1);
  const rounded = Math.round(amount / magnitude) * magnitude;
  return Math.max(magnitude, rounded);
}

export function roundTo(value: number, step: number): number {
  return Math.round(value / step) * step;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** Draw until `accept` or until `attempts` are used up. */
export function drawUntil<T>(draw: () => T, accept: (value: T) => boolean, attempts: number): T | undefined {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const value = draw();
    if (accept(value)) return value;
  }
  return undefined;
}

/** Picks by weight in logarithmic time; for pools that are drawn from thousands of times. */
export function weightedPool<T>(items: readonly T[], weightOf: (item: T) => number): (random: Random) => T {
  const cumulative: number[] = [];
  let total = 0;
  for (const item of items) {
    total += weightOf(item);
    cumulative.push(total);
  }
  return (random) => {
    const target = random.next() * total;
    let low = 0;
    let high = cumulative.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! > target) high = middle;
      else low = middle + 1;
    }
    return items[low]!;
  };
}
