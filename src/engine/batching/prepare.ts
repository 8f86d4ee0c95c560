/** From data to batches that are ready to run: cut, bundled, planned into micro-batches, laid out. */
import type { ModelConfig } from '../model/model-config.ts';
import type { Datum } from '../policy.ts';
import { type FlatBatch, flatBatch } from './batch-feeds.ts';
import { bundleLength, bundleSequences, singleBundle } from './bundles.ts';
import { readPositions } from './loss-feeds.ts';
import { type Budget, planMicroBatches } from './micro-batches.ts';

/** A datum cut after its last read position: what follows cannot change any result. */
export interface Member {
  /** Index of the datum. */
  readonly index: number;
  readonly datum: Datum;
  readonly tokens: Int32Array;
  /** Positions with weight != 0. */
  readonly reads: readonly number[];
  /** Flat token of its position 0. */
  readonly start: number;
}

export interface PreparedBatch {
  readonly members: readonly Member[];
  readonly data: readonly Datum[];
  readonly reads: readonly (readonly number[])[];
  readonly starts: readonly number[];
  readonly batch: FlatBatch;
}

export interface PrepareOptions {
  readonly config: ModelConfig;
  readonly budget: Budget;
  /** Compute common beginnings once; not with dropout, whose masks belong to one sequence. */
  readonly sharesPrefixes: boolean;
}

/** Data without a read position are left out. */
export function* prepareBatches(data: readonly Datum[], options: PrepareOptions): Generator<PreparedBatch> {
  const { config, budget, sharesPrefixes } = options;
  const cut = new Map<number, Omit<Member, 'start'>>();
  data.forEach((datum, index) => {
    const reads = readPositions(datum);
    if (reads.length === 0) return;
    cut.set(index, { index, datum, reads, tokens: datum.inputTokens_T.subarray(0, reads.at(-1)! + 1) });
  });
  const sequences = [...cut.values()].map(({ index, tokens, reads }) => ({
    index,
    tokens,
    firstRead: reads[0]!,
  }));
  // A token's matrix products are about 6 · hidden scores of attention, which run at a third of their speed.
  const bundles = sharesPrefixes
    ? bundleSequences(sequences, 2 * config.hiddenSize)
    : sequences.map(singleBundle);
  const sizes = bundles.map((bundle) => ({
    length: bundleLength(bundle),
    readCount: bundle.branches.reduce((sum, { index }) => sum + cut.get(index)!.reads.length, 0),
  }));
  for (const plan of planMicroBatches(sizes, budget)) {
    const chosen = plan.map((index) => bundles[index]!);
    const batch = flatBatch(chosen, config);
    const members = chosen.flatMap(({ branches }) =>
      branches.map(({ index }) => ({ ...cut.get(index)!, start: batch.starts.get(index)! })),
    );
    yield {
      members,
      data: members.map((member) => member.datum),
      reads: members.map((member) => member.reads),
      starts: members.map((member) => member.start),
      batch,
    };
  }
}
