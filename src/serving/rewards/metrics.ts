/** What the service counts: requests, rewards by outcome, items. It knows names and labels; others say when something happened. */
import { outcomeOf } from '../../rewards/execution-scale.ts';
import type { Reward } from '../../rewards/reward.ts';
import { reasonOf } from '../../rewards/wire/wire-format.ts';
import { createMeters, type Meters } from '../http/metrics.ts';

export interface MetricSources {
  readonly itemsWaiting: () => number;
  readonly itemsRunning: () => number;
  readonly requestsActive: () => number;
  readonly workersLost: () => number;
}

export interface ServiceMetrics extends Pick<Meters, 'requestEnded' | 'text' | 'contentType'> {
  scored(format: string, rewards: readonly Reward[]): void;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];
const ITEMS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 4_096];

/** A word for each kind of end: the outcome of the query, or why there is no reward. */
function wordOf(reward: Reward): string {
  const outcome = outcomeOf(reward);
  if (reward.score === null) return `unscored:${reasonOf(reward) ?? 'unknown'}`;
  return outcome ?? 'scored';
}

export function createMetrics(sources: MetricSources): ServiceMetrics {
  const { requestEnded, counter, histogram, watch, watchTotal, text, contentType } = createMeters({
    prefix: 'querent',
    label: 'path',
    help: 'From the head of a request to its answer',
    seconds: SECONDS,
  });
  const rewards = counter(
    'querent_rewards_total',
    'Rewards by outcome; unscored: those that are null, with the reason',
    ['format', 'outcome'],
  );
  const sizes = histogram('querent_request_items', 'Items of a request', ITEMS, ['format']);
  watch('querent_items_waiting', 'Items that have not begun', sources.itemsWaiting);
  watch('querent_items_running', 'Items in the sandbox', sources.itemsRunning);
  watch('querent_requests_active', 'Requests that are being read or answered', sources.requestsActive);
  watchTotal(
    'querent_workers_lost_total',
    'Workers of the sandbox that had to be stopped, or crashed',
    sources.workersLost,
  );
  return {
    requestEnded,
    text,
    contentType,
    scored: (format, its) => {
      sizes.observe({ format }, its.length);
      const counts = new Map<string, number>();
      for (const reward of its) {
        const outcome = wordOf(reward);
        counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      }
      for (const [outcome, count] of counts) rewards.inc({ format, outcome }, count);
    },
  };
}
