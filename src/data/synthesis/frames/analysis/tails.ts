/** Sentences that ask for further columns at their end. */

/** Each frame with one of the tails, in turn. */
export function withTails(frames: readonly string[], tails: readonly string[]): readonly string[] {
  return frames.map((frame, i) => `${frame}${tails[i % tails.length]}`);
}

/** Also the figure `{noun}` of each row. */
export const figureTails = [
  ', with the {noun}',
  ' and show the {noun} too',
  ', each with its {noun}',
  '; include the {noun}',
  ', together with the {noun}',
  '. show the {noun} as well',
  ', plus the {noun}',
] as const;

/** Also the aggregate `{fig}` of each group. */
export const groupFigureTails = [
  ', with that figure',
  '; show the figure too',
  ', together with the figure itself',
  ' and give the figure as well',
  ', plus the figure',
  '. include the figure',
  ', and how much it is',
] as const;
