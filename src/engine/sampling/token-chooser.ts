/**
 * Chooses one token from a row of probabilities: greedy, or drawn after the mask, top-k, top-p and floor. Knows nothing
 * of models. Filters apply in that order, each to what the one before has left; the rest is renormalised.
 * Top-p is nucleus sampling (arXiv 1904.09751).
 */
import { QuerentError } from '../../foundation/errors.ts';
import type { Random } from '../../foundation/random.ts';

export interface ChooserOptions {
  /** 0 = greedy. */
  readonly temperature: number;
  readonly topK?: number | undefined;
  readonly topP?: number | undefined;
  readonly minProbability?: number | undefined;
}

export interface Choice {
  token: number;
  /** Under the distribution it was drawn from; greedy choices are certain: 0. */
  logprob: number;
  /** Under the given row, before mask and filters. */
  policyLogprob: number;
}

/** Only with a mask: which tokens may come, and the logits the row was made from (for rows that underflow). */
export interface Masked {
  readonly allowed_V: Uint8Array;
  readonly logits_V: Float32Array;
}

export type TokenChooser = (row_V: Float32Array, random: Random, masked?: Masked) => Choice;

function argMax(row_V: Float32Array): number {
  let best = 0;
  let bestValue = row_V[0]!;
  for (let v = 1; v < row_V.length; v++) {
    if (row_V[v]! > bestValue) {
      bestValue = row_V[v]!;
      best = v;
    }
  }
  return best;
}

/** The token where the running sum passes u · total; the last possible one where rounding never lets it pass. */
function drawFrom(row_V: Float32Array, total: number, random: Random): number {
  let left = random.next() * total;
  let last = 0;
  for (let v = 0; v < row_V.length; v++) {
    const p = row_V[v]!;
    if (p === 0) continue;
    left -= p;
    if (left < 0) return v;
    last = v;
  }
  return last;
}

function sumOf(row_V: Float32Array): number {
  let total = 0;
  for (let v = 0; v < row_V.length; v++) total += row_V[v]!;
  return total;
}

/** log softmax(logits)[token], for a probability too small for a Float32. */
function exactLogprob(logits_V: Float32Array, token: number): number {
  const top = logits_V[argMax(logits_V)]!;
  let sum = 0;
  for (let v = 0; v < logits_V.length; v++) sum += Math.exp(logits_V[v]! - top);
  return logits_V[token]! - top - Math.log(sum);
}

/**
 * The most probable tokens, best first: enough of them that `isEnough(count, mass)` holds, or all. Collects above a
 * falling threshold, because sorting a whole vocabulary for a handful of tokens is slow.
 */
function bestTokens(row_V: Float32Array, isEnough: (count: number, mass: number) => boolean): number[] {
  for (let threshold = 1e-3; ; threshold = threshold < 1e-30 ? 0 : threshold / 32) {
    const tokens: number[] = [];
    let mass = 0;
    for (let v = 0; v < row_V.length; v++) {
      const p = row_V[v]!;
      if (p > threshold) {
        tokens.push(v);
        mass += p;
      }
    }
    if (threshold === 0 || isEnough(tokens.length, mass)) {
      return tokens.sort((a, b) => row_V[b]! - row_V[a]! || a - b);
    }
  }
}

/** Zeroes what top-k and top-p leave out of a row. */
function keepBest(row_V: Float32Array, topK: number | undefined, topP: number | undefined): void {
  const k = topK ?? Number.POSITIVE_INFINITY;
  if (k >= row_V.length && (topP === undefined || topP >= 1)) return;
  const goal = (topP ?? 1) * sumOf(row_V);
  // With both, the share is of what top-k leaves: collect k tokens first.
  const best = bestTokens(row_V, (count, mass) => count >= k || (topK === undefined && mass >= goal));
  const candidates = best.slice(0, k);
  const share = (topP ?? 1) * candidates.reduce((sum, v) => sum + row_V[v]!, 0);
  const kept: [number, number][] = [];
  let mass = 0;
  for (const v of candidates) {
    if (kept.length > 0 && mass >= (topK === undefined ? goal : share)) break;
    kept.push([v, row_V[v]!]);
    mass += row_V[v]!;
  }
  row_V.fill(0);
  for (const [v, p] of kept) row_V[v] = p;
}

/** Drops everything below the floor, unless nothing would be left. `floor` is compared with the unmasked row. */
function dropBelow(row_V: Float32Array, original_V: Float32Array, floor: number): void {
  const best = argMax(row_V);
  const bestValue = row_V[best]!;
  for (let v = 0; v < row_V.length; v++) if (original_V[v]! < floor) row_V[v] = 0;
  if (row_V[best] === 0) row_V[best] = bestValue;
}

function applyMask(row_V: Float32Array, original_V: Float32Array, masked: Masked): void {
  const { allowed_V, logits_V } = masked;
  let best = -1;
  let isPositive = false;
  for (let v = 0; v < row_V.length; v++) {
    row_V[v] = allowed_V[v] === 0 ? 0 : original_V[v]!;
    if (allowed_V[v] === 0) continue;
    if (best < 0 || logits_V[v]! > logits_V[best]!) best = v;
    if (row_V[v]! > 0) isPositive = true;
  }
  if (best < 0) {
    throw new QuerentError('engine/constraint-dead-end', 'the token constraint allows no token at all', {
      next: 'Correct the constraint: it must always leave at least a stop token.',
    });
  }
  if (isPositive) return;
  // All allowed tokens underflow: their softmax among themselves.
  for (let v = 0; v < row_V.length; v++) {
    if (allowed_V[v] !== 0) row_V[v] = Math.exp(logits_V[v]! - logits_V[best]!);
  }
}

function notFinite(): QuerentError {
  return new QuerentError('engine/not-finite', "the model's probabilities are not numbers", {
    next: 'Training has diverged: go back to an earlier checkpoint and lower the learning rate.',
  });
}

/** The most probable allowed token; undefined where all allowed ones underflow. */
function bestAllowed(row_V: Float32Array, allowed_V: Uint8Array): number | undefined {
  let best = -1;
  let bestValue = 0;
  for (let v = 0; v < row_V.length; v++) {
    const p = row_V[v]!;
    if (p > bestValue && allowed_V[v] !== 0) {
      bestValue = p;
      best = v;
    }
  }
  return best < 0 ? undefined : best;
}

/** Few tokens pass a floor: they are collected in one pass, and drawn from without copying the row. */
interface Survivors {
  readonly tokens: Int32Array;
  readonly values: Float32Array;
  count: number;
  total: number;
}

function collectAbove(survivors: Survivors, row_V: Float32Array, floor: number, masked?: Masked): void {
  survivors.count = 0;
  survivors.total = 0;
  for (let v = 0; v < row_V.length; v++) {
    const p = row_V[v]!;
    if (p < floor || (masked !== undefined && masked.allowed_V[v] === 0)) continue;
    survivors.tokens[survivors.count] = v;
    survivors.values[survivors.count++] = p;
    survivors.total += p;
  }
}

/** Each call returns the same object, overwritten: one choice a token is too many to allocate. */
export function createTokenChooser(options: ChooserOptions, vocabSize: number): TokenChooser {
  const { temperature, topK, topP, minProbability = 0 } = options;
  const keepsAll = (topK ?? vocabSize) >= vocabSize && (topP ?? 1) >= 1;
  const isPlain = keepsAll && minProbability <= 0;
  const scratch_V = new Float32Array(vocabSize);
  const choice: Choice = { token: 0, logprob: 0, policyLogprob: 0 };
  const survivors: Survivors = {
    tokens: new Int32Array(vocabSize),
    values: new Float32Array(vocabSize),
    count: 0,
    total: 0,
  };

  /** What nearly every choice comes to; false where the filters have to be gone through one by one. */
  const chooseFast = (row_V: Float32Array, random: Random, masked: Masked | undefined): boolean => {
    if (temperature === 0) {
      const best = masked === undefined ? undefined : bestAllowed(row_V, masked.allowed_V);
      if (best === undefined) return false;
      choice.token = best;
      choice.logprob = 0;
    } else {
      if (!keepsAll || minProbability <= 0) return false;
      collectAbove(survivors, row_V, minProbability, masked);
      if (survivors.count === 0) return false;
      const at = drawFrom(survivors.values.subarray(0, survivors.count), survivors.total, random);
      choice.token = survivors.tokens[at]!;
      choice.logprob = Math.log(survivors.values[at]! / survivors.total);
    }
    choice.policyLogprob = Math.log(row_V[choice.token]!);
    if (Number.isNaN(choice.policyLogprob)) throw notFinite();
    return true;
  };

  return (row_V, random, masked) => {
    if (chooseFast(row_V, random, masked)) return choice;
    let source_V = row_V;
    if (masked !== undefined || (!isPlain && temperature > 0)) {
      source_V = scratch_V;
      if (masked === undefined) scratch_V.set(row_V);
      else applyMask(scratch_V, row_V, masked);
    }
    if (temperature === 0) {
      choice.token = argMax(source_V);
      choice.logprob = 0;
    } else {
      if (!isPlain) {
        keepBest(source_V, topK, topP);
        if (minProbability > 0) dropBelow(source_V, row_V, minProbability);
      }
      const total = source_V === row_V ? 1 : sumOf(source_V);
      choice.token = drawFrom(source_V, total, random);
      choice.logprob = Math.log(source_V[choice.token]! / total);
    }
    const p = row_V[choice.token]!;
    if (Number.isNaN(p)) throw notFinite();
    choice.policyLogprob =
      p > 0 || masked === undefined ? Math.log(p) : exactLogprob(masked.logits_V, choice.token);
    return choice;
  };
}
