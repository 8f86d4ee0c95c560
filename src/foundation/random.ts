/**
 * Seeded random numbers. Every source of randomness in Querent is one of these, passed in.
 * Generator: sfc32 (Chris Doty-Humphrey's PractRand), seeded through splitmix32; 128 bits of state, saved as four integers.
 */

/** The four 32-bit words of the generator; JSON-safe, so a checkpoint can hold it. */
export type RandomState = readonly [number, number, number, number];

export interface Random {
  /** Uniform in [0, 1) with 32 random bits. */
  next(): number;
  /** Uniform integer in [0, bound). */
  int(bound: number): number;
  /** Standard normal (Box-Muller, one draw a call). */
  normal(): number;
  /** True with probability p. */
  chance(p: number): boolean;
  /** One element; throws on an empty list. */
  pick<T>(items: readonly T[]): T;
  /** One element, with probability proportional to its weight. */
  pickWeighted<T>(items: readonly T[], weightOf: (item: T) => number): T;
  /** A shuffled copy. */
  shuffle<T>(items: readonly T[]): T[];
  /** An independent generator that depends on this one's seed and the label, not on how many numbers were drawn. */
  fork(label: string | number): Random;
  state(): RandomState;
}

function splitmix32(seed: number): () => number {
  let a = seed | 0;
  return () => {
    a = (a + 0x9e3779b9) | 0;
    let t = a ^ (a >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return (t ^ (t >>> 15)) >>> 0;
  };
}

/** FNV-1a, 32 bits: a stable hash of a short text. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h ^= text.charCodeAt(i);
    h = Math.imul(h, 0x01000193);
  }
  return h >>> 0;
}

function stateFromSeed(seed: number): RandomState {
  const mix = splitmix32(seed);
  return [mix(), mix(), mix(), mix()];
}

/** From a seed (a 32-bit integer) or from a saved state. */
export function createRandom(source: number | RandomState): Random {
  const initial = typeof source === 'number' ? stateFromSeed(source) : source;
  let [a, b, c, d] = initial;

  const next32 = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };

  const random: Random = {
    next: () => next32() / 4294967296,
    int: (bound) => Math.floor((next32() / 4294967296) * bound),
    normal: () => {
      const u = 1 - random.next();
      return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * random.next());
    },
    chance: (p) => random.next() < p,
    pick: (items) => {
      if (items.length === 0) throw new RangeError('pick: the list is empty');
      return items[random.int(items.length)]!;
    },
    pickWeighted: (items, weightOf) => {
      let total = 0;
      for (const item of items) total += weightOf(item);
      let left = random.next() * total;
      for (const item of items) {
        left -= weightOf(item);
        if (left < 0) return item;
      }
      return random.pick(items);
    },
    shuffle: (items) => {
      const copy = [...items];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = random.int(i + 1);
        [copy[i], copy[j]] = [copy[j]!, copy[i]!];
      }
      return copy;
    },
    fork: (label) => createRandom(hash32(`${initial.join(',')}/${label}`)),
    state: () => [a >>> 0, b >>> 0, c >>> 0, d >>> 0],
  };
  return random;
}
