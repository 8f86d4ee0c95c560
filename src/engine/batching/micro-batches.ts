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

/** Indices into `sizes` a micro-batch, longest first; what exceeds the budget runs alone, the rest is cut evenly. */
export function planMicroBatches(sizes: readonly SequenceSize[], budget: Budget): number[][] {
  const load = ({ length, readCount }: SequenceSize): number =>
    Math.max(length / budget.tokens, readCount / budget.positions);
  const loads = sizes.map(load);
  const order = sizes.map((_, index) => index);
  order.sort((a, b) => sizes[b]!.length - sizes[a]!.length || a - b);
  const alone = order.filter((index) => loads[index]! >= 1);
  const rest = order.filter((index) => loads[index]! < 1);
  const total = rest.reduce((sum, index) => sum + loads[index]!, 0);
  const share = total / Math.max(1, Math.ceil(total - ROUNDING));

  const batches: number[][] = [];
  let filled = 0;
  let done = 0;
  for (const index of rest) {
    // A batch ends at its share of the whole, so that the last one is not a small rest.
    const isFull = filled + loads[index]! > 1 + ROUNDING || done >= share * batches.length - ROUNDING;
    if (isFull) {
      batches.push([]);
      filled = 0;
    }
    batches.at(-1)!.push(index);
    filled += loads[index]!;
    done += loads[index]!;
  }
  return [...alone.map((index) => [index]), ...batches];
}

const ROUNDING = 1e-9;
