/** `Reward`: how good one completion is. Pure: execution + example -> score with details. */

export interface Reward {
  /** `null` = could not be scored (broken gold, infrastructure) and is left out of every average. */
  readonly score: number | null;
  readonly components: Readonly<Record<string, number>>;
  readonly details: Readonly<Record<string, unknown>>;
}
