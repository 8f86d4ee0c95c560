/**
 * A vocabulary as a trie over the bytes of its tokens, laid out so that a state of the lexer visits only the bytes that it
 * allows. Knows no SQL.
 *
 * Nodes are numbered in the order of a depth-first walk over the sorted tokens: the nodes below node n are n+1 … end[n]-1,
 * and the tokens at or below it are `tokens[first[n]] … tokens[last[n]-1]`.
 */

/** The bytes of every token, one after the other, in memory that workers share. A token without bytes is never walked to. */
export interface PackedVocabulary {
  readonly bytes: Uint8Array;
  /** `bytes.subarray(starts[id], starts[id + 1])` belongs to token `id`. */
  readonly starts: Uint32Array;
}

export interface VocabularyTrie {
  readonly size: number;
  /** Node -> the byte that leads to it; node 0 is the root. */
  readonly byte: Uint8Array;
  readonly depth: Uint16Array;
  readonly parent: Int32Array;
  readonly end: Int32Array;
  readonly first: Int32Array;
  readonly last: Int32Array;
  /** Tokens sorted by their bytes. */
  readonly tokens: Int32Array;
  /** Length in bytes of `tokens[i]`. */
  readonly lengths: Uint16Array;
}

/** A set of bytes that does not change a lexer's state: inside a string, a word, a comment. */
export interface ByteRun {
  /** Of `tokens[i]`: how many bytes it has up to its last byte outside of the set. */
  readonly lastBreak: Uint16Array;
  /** Nodes whose byte is outside, in order, with the depth of the nearest such node above (0: none). */
  readonly breaks: Int32Array;
  readonly breakAbove: Uint16Array;
}

export function packVocabulary(tokens: readonly (Uint8Array | undefined)[]): PackedVocabulary {
  const total = tokens.reduce((sum, token) => sum + (token?.length ?? 0), 0);
  const bytes = new Uint8Array(new SharedArrayBuffer(total));
  const starts = new Uint32Array(new SharedArrayBuffer(4 * (tokens.length + 1)));
  tokens.forEach((token, id) => {
    bytes.set(token ?? [], starts[id]!);
    starts[id + 1] = starts[id]! + (token?.length ?? 0);
  });
  return { bytes, starts };
}

function commonPrefix(a: Uint8Array, b: Uint8Array): number {
  const most = Math.min(a.length, b.length);
  for (let i = 0; i < most; i++) if (a[i] !== b[i]) return i;
  return most;
}

export function buildTrie({ bytes, starts }: PackedVocabulary): VocabularyTrie {
  const size = starts.length - 1;
  const at = (id: number): Uint8Array => bytes.subarray(starts[id]!, starts[id + 1]!);
  const sorted = Array.from({ length: size }, (_, id) => id)
    .filter((id) => starts[id + 1]! > starts[id]!)
    .map((id) => ({ id, own: Buffer.from(at(id)) }))
    .sort((a, b) => Buffer.compare(a.own, b.own));
  const most = bytes.length + 1;
  const byte = new Uint8Array(most);
  const depth = new Uint16Array(most);
  const [parent, end, first, last] = Array.from({ length: 4 }, () => new Int32Array(most)) as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  const path: number[] = [0];
  let count = 1;
  const close = (to: number, token: number): void => {
    while (path.length > to) {
      const node = path.pop()!;
      end[node] = count;
      last[node] = token;
    }
  };
  let before = new Uint8Array(0);
  sorted.forEach(({ own }, i) => {
    const shared = commonPrefix(before, own);
    close(shared + 1, i);
    for (let d = shared; d < own.length; d++) {
      byte[count] = own[d]!;
      depth[count] = d + 1;
      parent[count] = path.at(-1)!;
      first[count] = i;
      path.push(count++);
    }
    before = own;
  });
  close(0, sorted.length);
  return {
    size,
    byte: byte.slice(0, count),
    depth: depth.slice(0, count),
    parent: parent.slice(0, count),
    end: end.slice(0, count),
    first: first.slice(0, count),
    last: last.slice(0, count),
    tokens: Int32Array.from(sorted, ({ id }) => id),
    lengths: Uint16Array.from(sorted, ({ own }) => own.length),
  };
}

export function byteRun(trie: VocabularyTrie, isInside: (byte: number) => boolean): ByteRun {
  const inside = Array.from({ length: 256 }, (_, byte) => isInside(byte));
  const { byte, depth, parent, first, last, tokens, lengths } = trie;
  /** Node -> depth of the nearest node outside at or above it. */
  const nearest = new Uint16Array(byte.length);
  const lastBreak = new Uint16Array(tokens.length);
  const breaks: number[] = [];
  const breakAbove: number[] = [];
  for (let node = 1; node < byte.length; node++) {
    const above = nearest[parent[node]!]!;
    const isBreak = !inside[byte[node]!];
    nearest[node] = isBreak ? depth[node]! : above;
    if (isBreak) {
      breaks.push(node);
      breakAbove.push(above);
    }
    for (let i = first[node]!; i < last[node]! && lengths[i] === depth[node]; i++)
      lastBreak[i] = nearest[node]!;
  }
  return { lastBreak, breaks: Int32Array.from(breaks), breakAbove: Uint16Array.from(breakAbove) };
}

/** The first place in sorted `values` that is not below `wanted`. */
function lowerBound(values: Int32Array, wanted: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface Automaton<State> {
  /** The state after one more byte; undefined where it may not come. */
  step(state: State, byte: number): State | undefined;
  /** The bytes that may come in any number without a change that matters to what is inside, if there is such a set. */
  runOf(state: State): ByteRun | undefined;
}

/** Tokens of which every byte may come, from this state on. */
export function allowedTokens<State>(
  trie: VocabularyTrie,
  automaton: Automaton<State>,
  start: State,
  allow: (token: number) => void,
): void {
  const { byte, depth, parent, end, first, last, tokens, lengths } = trie;
  const enter = (node: number, state: State): void => {
    for (let i = first[node]!; i < last[node]! && lengths[i] === depth[node]; i++) allow(tokens[i]!);
    below(node, state);
  };
  /** Along the bytes between two nodes, both left out. */
  const along = (from: number, to: number, state: State): State | undefined => {
    const above = parent[to]!;
    if (above === from) return state;
    const before = along(from, above, state);
    return before === undefined ? undefined : automaton.step(before, byte[above]!);
  };
  const below = (node: number, state: State): void => {
    if (end[node] === node + 1) return;
    const run = automaton.runOf(state);
    if (run === undefined) {
      for (let child = node + 1; child < end[node]!; child = end[child]!) {
        const next = automaton.step(state, byte[child]!);
        if (next !== undefined) enter(child, next);
      }
      return;
    }
    const base = depth[node]!;
    for (let i = first[node]!; i < last[node]!; i++) {
      if (lengths[i]! > base && run.lastBreak[i]! <= base) allow(tokens[i]!);
    }
    const { breaks, breakAbove } = run;
    for (let at = lowerBound(breaks, node + 1); at < breaks.length && breaks[at]! < end[node]!; at++) {
      if (breakAbove[at]! > base) continue;
      const exit = breaks[at]!;
      const before = along(node, exit, state);
      const next = before === undefined ? undefined : automaton.step(before, byte[exit]!);
      if (next !== undefined) enter(exit, next);
    }
  };
  below(0, start);
}
