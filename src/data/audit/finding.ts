/** What an audit can say of an example. */

export const findingKinds = [
  /** There is no database to run it on, or it cannot be opened. */
  'no-database',
  /** Fails, is refused, needs too much memory, or gives too many rows to compare. */
  'broken',
  'timeout',
  'slow',
  /** No rows, or one of nothing but NULL: whatever else finds nothing would match. */
  'empty',
  /** Gives something else each time, or as the rows happen to lie. */
  'non-deterministic',
  /** Leaves open which rows, or their order: equal keys at a LIMIT, or keys that are not among the output. */
  'order-ambiguous',
  /** Reads no table: a query that repeats the answer would match. */
  'constant',
  /** The same question again with an answer that is the same. */
  'duplicate',
  /** The same question with another answer. */
  'contradiction',
  /** Nothing is wrong today, but a LIMIT does not say which of several rows with equal keys it wants. */
  'tie-possible',
] as const;

export type FindingKind = (typeof findingKinds)[number];

/** What a set of training examples is better without. */
export const asideKinds: readonly FindingKind[] = findingKinds.filter((kind) => kind !== 'tie-possible');

export interface Finding {
  readonly row: number;
  readonly id: string;
  readonly databaseId: string;
  readonly kind: FindingKind;
  readonly message: string;
  /** A statement that mends it, run and found to give rows; or what to do, in words. */
  readonly fix?: { readonly sql: string } | { readonly words: string };
}
