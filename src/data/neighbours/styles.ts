/**
 * In what ways a neighbour differs from its source. Several styles, because no single one can tell everything apart: ties
 * make superlatives ambiguous where only a tie tells `LIMIT 1` from a minimum; a name that occurs twice tells a name from
 * a key, where a gold query that groups by names has no other reading.
 */
export interface Style {
  readonly name: string;
  /** Of the source's rows, how many are kept. */
  readonly keptShare: number;
  /** Rows of the neighbour for each row of the source. */
  readonly growth: number;
  /** How probable it is that a cell of a kept row is another. */
  readonly changedShare: number;
  /** How probable a changed cell holds a constant of the queries, or a value next to one. */
  readonly constantShare: number;
  /** Whether quantities are all different, as far as they can be. */
  readonly isSpread: boolean;
  /** Whether texts that were unique by chance may repeat. */
  readonly repeatsTexts: boolean;
  /**
   * Whether each value, and each parent, occurs one time more than the one before: then no two groups are of one size.
   */
  readonly isTiered: boolean;
  /** Which of several categories or codes no row has: what lists or counts them gives something else then. */
  readonly omits: 'none' | 'most-frequent' | 'greatest';
  /** Of the parent rows, how many are referred to at all. */
  readonly usedParentShare: number;
  /**
   * Whether rows are planted for the queries. Those bring ties; where a query asks for the first of something, a neighbour
   * without them tells more.
   */
  readonly plants: boolean;
}

export const styles: readonly Style[] = [
  {
    name: 'redrawn',
    keptShare: 0.8,
    growth: 1.5,
    changedShare: 0.6,
    constantShare: 0.1,
    isSpread: true,
    repeatsTexts: false,
    isTiered: false,
    omits: 'none',
    usedParentShare: 0.75,
    plants: true,
  },
  {
    name: 'crowded',
    keptShare: 0.7,
    growth: 2,
    changedShare: 0.8,
    constantShare: 0.35,
    isSpread: false,
    repeatsTexts: true,
    isTiered: false,
    omits: 'greatest',
    usedParentShare: 0.6,
    plants: true,
  },
  {
    name: 'sparse',
    keptShare: 0.35,
    growth: 0.6,
    changedShare: 1,
    constantShare: 0,
    isSpread: true,
    repeatsTexts: false,
    isTiered: true,
    omits: 'most-frequent',
    usedParentShare: 0.4,
    plants: false,
  },
  {
    name: 'boundary',
    keptShare: 0.6,
    growth: 1.2,
    changedShare: 0.8,
    constantShare: 0.6,
    isSpread: false,
    repeatsTexts: false,
    isTiered: false,
    omits: 'none',
    usedParentShare: 0.9,
    plants: true,
  },
];
