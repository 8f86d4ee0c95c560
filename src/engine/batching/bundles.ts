/**
 * Sequences that begin alike – the samples of one prompt – run as one bundle: the common beginning once, then each
 * ending as a branch that sees the beginning and itself. The results are those of separate sequences; the prompt is
 * computed once instead of once a sample. It knows tokens and lengths only.
 */

export interface Branch {
  /** Index of the sequence. */
  readonly index: number;
  readonly tokens: Int32Array;
}

export interface Bundle {
  /** Tokens before every branch; no loss reads them. Empty for a sequence that shares nothing. */
  readonly prefix: Int32Array;
  readonly branches: readonly Branch[];
}

export interface Sequence {
  readonly index: number;
  readonly tokens: Int32Array;
  /** First position that a loss reads: only what lies before can be shared. */
  readonly firstRead: number;
}

/** Shorter beginnings are not worth a longer row of the attention grid. */
const PREFIX_MIN = 4;

export function bundleLength({ prefix, branches }: Bundle): number {
  return branches.reduce((sum, { tokens }) => sum + tokens.length, prefix.length);
}

export function singleBundle({ index, tokens }: Sequence): Bundle {
  return { prefix: tokens.subarray(0, 0), branches: [{ index, tokens }] };
}

/**
 * How many branches share one copy of a prefix: more copies cost tokens, longer rows cost attention. `tokenCost` is the
 * work of one token outside of attention, in units of one attention score.
 */
function branchesPerBundle(prefix: number, branch: number, count: number, tokenCost: number): number {
  let best = 1;
  let bestCost = Number.POSITIVE_INFINITY;
  for (let size = 1; size <= count; size++) {
    const length = prefix + size * branch;
    const bundles = Math.ceil(count / size);
    const cost = bundles * (length * length + prefix * tokenCost);
    if (cost < bestCost) [best, bestCost] = [size, cost];
  }
  return best;
}

function bundlesOfGroup(group: readonly Sequence[], tokenCost: number): Bundle[] {
  const prefixLength = group[0]!.firstRead;
  if (group.length === 1 || prefixLength < PREFIX_MIN) return group.map(singleBundle);
  const mean = group.reduce((sum, { tokens }) => sum + tokens.length - prefixLength, 0) / group.length;
  const size = branchesPerBundle(prefixLength, mean, group.length, tokenCost);
  const count = Math.ceil(group.length / size);
  const bundles: Bundle[] = [];
  for (let i = 0; i < count; i++) {
    const part = group.slice(
      Math.floor((i * group.length) / count),
      Math.floor(((i + 1) * group.length) / count),
    );
    if (part.length === 1) bundles.push(singleBundle(part[0]!));
    else {
      const branches = part.map(({ index, tokens }) => ({ index, tokens: tokens.subarray(prefixLength) }));
      bundles.push({ prefix: part[0]!.tokens.subarray(0, prefixLength), branches });
    }
  }
  return bundles;
}

/** Group sequences by what lies before their first read position. */
export function bundleSequences(sequences: readonly Sequence[], tokenCost: number): Bundle[] {
  const groups = new Map<string, Sequence[]>();
  for (const sequence of sequences) {
    const key = sequence.tokens.subarray(0, sequence.firstRead).join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [sequence]);
    else group.push(sequence);
  }
  return [...groups.values()].flatMap((group) => bundlesOfGroup(group, tokenCost));
}
