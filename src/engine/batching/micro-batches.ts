/**
 * Which sequences run together. Sorted by length, so that the attention grid of each micro-batch has few empty cells;
 * cut where the tokens or the logits would take too much memory. It knows lengths only.
 */

export interface SequenceSize {
  readonly length: number;
  /** Positions whose logits a loss reads. */
  readonly readCount: number;
}

export interface Budget {
  /** Tokens of one micro-batch; a single longer sequence still runs alone. */
  readonly tokens: number;
  /** Positions with logits in one micro-batch. */
  readonly positions: number;
}

/** Indices into `sizes` a micro-batch, longest first; micro-batches are of about equal size. */
export function planMicroBatches(sizes: readonly SequenceSize[], budget: Budget): number[][] {
  const order = sizes.map((_, index) => index);
  order.sort((a, b) => sizes[b]!.length - sizes[a]!.length || a - b);
  const load = (index: number): number =>
    Math.max(sizes[index]!.length / budget.tokens, sizes[index]!.readCount / budget.positions);
  const total = order.reduce((sum, index) => sum + load(index), 0);
  const share = total / Math.max(1, Math.ceil(total - 1e-9));

  const batches: number[][] = [];
  let filled = Number.POSITIVE_INFINITY;
  let done = 0;
  for (const index of order) {
    // A batch ends at its share of the whole, so that the last one is not a small rest.
    const isFull = filled + load(index) > 1 + 1e-9 || done >= share * batches.length - 1e-9;
    if (isFull) {
      batches.push([]);
      filled = 0;
    }
    batches.at(-1)!.push(index);
    filled += load(index);
    done += load(index);
  }
  return batches;
}
