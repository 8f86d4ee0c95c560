/**
 * Chooses prefixes and suffixes that let unseen inflections of known words split sensibly ("reimburs" + "##ements").
 * Purely statistical: a piece is worth the word types that share it times the characters it saves.
 */

export const continuingPrefix = '##';

const pieceLengthMin = 2;
const prefixLengthMax = 12;
const suffixLengthMax = 7;
/** A piece that fewer word types share is chance, not morphology. */
const sharingTypesMin = 3;

interface Candidate {
  readonly token: string;
  readonly score: number;
}

/** Types by piece, where `extensions` are the different characters that follow (or precede) the piece. */
type PieceStatistics = Map<string, { types: number; readonly extensions: Set<string> }>;

function note(statistics: PieceStatistics, piece: string, extension: string): void {
  let entry = statistics.get(piece);
  if (entry === undefined) {
    entry = { types: 0, extensions: new Set() };
    statistics.set(piece, entry);
  }
  entry.types++;
  entry.extensions.add(extension);
}

/** Letters only: numbers fall back to digits, so that every number is spelled the same way. */
const isSplittable = (word: string): boolean => /^[\p{L}_]+$/u.test(word);

function collect(words: Iterable<string>): { prefixes: PieceStatistics; suffixes: PieceStatistics } {
  const prefixes: PieceStatistics = new Map();
  const suffixes: PieceStatistics = new Map();
  for (const word of words) {
    if (!isSplittable(word)) continue;
    const characters = [...word];
    const n = characters.length;
    for (let length = pieceLengthMin; length <= Math.min(prefixLengthMax, n - 1); length++) {
      note(prefixes, characters.slice(0, length).join(''), characters[length]!);
    }
    for (let length = pieceLengthMin; length <= Math.min(suffixLengthMax, n - 2); length++) {
      note(suffixes, characters.slice(n - length).join(''), characters[n - length - 1]!);
    }
  }
  return { prefixes, suffixes };
}

/** A piece always extended by the same character is only a part of a longer piece: it is left out. */
function candidates(statistics: PieceStatistics, tokenOf: (piece: string) => string): Candidate[] {
  const result: Candidate[] = [];
  for (const [piece, { types, extensions }] of statistics) {
    if (types < sharingTypesMin || extensions.size < 2) continue;
    result.push({ token: tokenOf(piece), score: types * ([...piece].length - 1) });
  }
  return result;
}

/** At most `budget` pieces, best first; words that are tokens already need no prefix of the same text. */
export function chooseWordPieces(
  words: readonly string[],
  counts: ReadonlyMap<string, number>,
  budget: number,
): string[] {
  const known = new Set(words);
  const { prefixes, suffixes } = collect(new Set([...words, ...counts.keys()]));
  return [
    ...candidates(prefixes, (piece) => piece).filter(({ token }) => !known.has(token)),
    ...candidates(suffixes, (piece) => continuingPrefix + piece),
  ]
    .sort((a, b) => b.score - a.score || (a.token < b.token ? -1 : 1))
    .slice(0, budget)
    .map(({ token }) => token);
}
