/** The values of the graph inputs that describe what a loss reads in a batch. Axes: L positions read, S sequences. */
import type { Datum, LossSpec } from '../policy.ts';
import { type Feeds, float32Feed, int32Feed } from './batch-feeds.ts';

/** Positions with weight != 0 of one datum. */
export function readPositions(datum: Datum): number[] {
  const positions: number[] = [];
  datum.weights_T.forEach((weight, position) => {
    if (weight !== 0) positions.push(position);
  });
  return positions;
}

/** The values of one per-token array at the read positions of all data, in order. */
export function collect(
  data: readonly Datum[],
  reads: readonly (readonly number[])[],
  values: (datum: Datum) => ArrayLike<number>,
): Float32Array {
  const collected: number[] = [];
  data.forEach((datum, index) => {
    const source = values(datum);
    for (const position of reads[index]!) collected.push(source[position]!);
  });
  return Float32Array.from(collected);
}

/** Where the read positions lie among the flat tokens, and what their targets are; `starts[i]` belongs to datum i. */
export function readFeeds(
  data: readonly Datum[],
  reads: readonly (readonly number[])[],
  starts: readonly number[],
  tokenCount: number,
  inverseTemperature: number,
): Feeds {
  const count = reads.reduce((sum, read) => sum + read.length, 0);
  const rows = new Int32Array(count);
  const targets = new Int32Array(count);
  const places = new Int32Array(tokenCount).fill(count);
  let next = 0;
  reads.forEach((read, index) => {
    for (const position of read) {
      const token = starts[index]! + position;
      rows[next] = token;
      targets[next] = data[index]!.targetTokens_T[position]!;
      places[token] = next++;
    }
  });
  return {
    read_rows: int32Feed(rows, [count]),
    read_places: int32Feed(places, [tokenCount]),
    targets: int32Feed(targets, [count]),
    inverse_temperature: float32Feed(Float32Array.of(inverseTemperature), []),
  };
}

/** The per-token arrays that a loss reads besides weights. */
export function fieldsOf(
  loss: LossSpec,
): readonly ('advantages_T' | 'oldLogprobs_T' | 'referenceLogprobs_T')[] {
  if (loss.name === 'cross_entropy') return [];
  const fields = ['advantages_T', 'oldLogprobs_T'] as const;
  return loss.klBeta === 0 ? fields : [...fields, 'referenceLogprobs_T'];
}

const scalar = (value: number) => float32Feed(Float32Array.of(value), []);

/** One row a sequence: 1 at its positions; and one over their number (0 for a sequence that is not read). */
function membershipFeeds(reads: readonly (readonly number[])[], count: number): Feeds {
  const membership_SL = new Float32Array(reads.length * count);
  const inverseLengths = new Float32Array(reads.length);
  let next = 0;
  reads.forEach((read, sequence) => {
    membership_SL.fill(1, sequence * count + next, sequence * count + next + read.length);
    next += read.length;
    inverseLengths[sequence] = read.length === 0 ? 0 : 1 / read.length;
  });
  return {
    membership: float32Feed(membership_SL, [reads.length, count]),
    inverse_lengths: float32Feed(inverseLengths, [reads.length, 1]),
  };
}

/** Weights, advantages and the like at the read positions, and the loss's own numbers. */
export function lossFeeds(
  data: readonly Datum[],
  reads: readonly (readonly number[])[],
  loss: LossSpec,
): Feeds {
  const vector = (values: (datum: Datum) => Float32Array) => {
    const collected = collect(data, reads, values);
    return float32Feed(collected, [collected.length]);
  };
  const weights = vector((datum) => datum.weights_T);
  if (loss.name === 'cross_entropy') {
    const smoothing = loss.labelSmoothing ?? 0;
    return { weights, ...(smoothing > 0 ? { label_smoothing: scalar(smoothing) } : {}) };
  }
  const feeds: Feeds = {
    weights,
    advantages: vector((datum) => datum.advantages_T!),
    old_logprobs: vector((datum) => datum.oldLogprobs_T!),
    clip_low: scalar(loss.clipLow),
    clip_high: scalar(loss.clipHigh),
  };
  if (loss.klBeta !== 0) {
    feeds.kl_beta = scalar(loss.klBeta);
    feeds.reference_logprobs = vector((datum) => datum.referenceLogprobs_T!);
  }
  const isSequence = loss.name === 'ppo' && loss.ratioLevel === 'sequence';
  return isSequence ? { ...feeds, ...membershipFeeds(reads, weights.data.length) } : feeds;
}
