/** How near two spellings are, and the one known word that a misspelt one must mean. Knows letters, not meanings. */

/** Damerau-Levenshtein distance (adjacent swaps count one), given up beyond `limit`. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, before[j - 2]! + 1);
      row.push(best);
    }
    if (Math.min(...row) > limit) return limit + 1;
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}

/** The only candidate within 1 edit (2 from eight letters on); words under five letters are never guessed. */
export function nearestOf(key: string, candidates: Iterable<string>): string | undefined {
  if (key.length < 5 || /\d/.test(key)) return undefined;
  const limit = key.length >= 8 ? 2 : 1;
  let best: string | undefined;
  let bestDistance = limit + 1;
  let ties = 0;
  for (const candidate of candidates) {
    if (candidate.length < 4 || candidate[0] !== key[0]) continue;
    const distance = editDistance(key, candidate, limit);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
      ties = 0;
    } else if (distance === bestDistance && distance <= limit) ties++;
  }
  return bestDistance <= limit && ties === 0 ? best : undefined;
}
