/**
 * Numbers that stand for cells and rows, so that large results are compared without building a key for each row. Equal
 * cells have equal hashes (1, 1.0 and 1n among them); different ones rarely do, so whoever finds two equal hashes still
 * compares the cells. Hashing is MurmurHash3's (Austin Appleby): its 32-bit body step and finalizer.
 */
import type { SqlValue } from '../execution.ts';
import type { Row } from './values.ts';

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

function body(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  const mixed = hash ^ Math.imul(k, 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const NULL_HASH = finish(1);
/** Of every number, where near-equal ones must meet. */
export const ANY_NUMBER_HASH = finish(2);

/** Integers that a double cannot hold share the hash of their nearest double. */
function hashNumber(value: number): number {
  double[0] = value === 0 ? 0 : value;
  return finish(body(body(3, words[0]!), words[1]!));
}

function hashText(text: string): number {
  let hash = 4 ^ text.length;
  for (let at = 0; at < text.length; at++) hash = body(hash, text.charCodeAt(at));
  return finish(hash);
}

function hashBytes(bytes: Uint8Array): number {
  let hash = 5 ^ bytes.length;
  for (let at = 0; at < bytes.length; at++) hash = body(hash, bytes[at]!);
  return finish(hash);
}

/** 32 bits, unsigned. */
export function hashCell(value: SqlValue): number {
  if (typeof value === 'string') return hashText(value);
  if (typeof value === 'number') return hashNumber(value);
  if (value === null) return NULL_HASH;
  return typeof value === 'bigint' ? hashNumber(Number(value)) : hashBytes(value);
}

const isNumeric = (value: SqlValue): boolean => typeof value === 'number' || typeof value === 'bigint';

/** Like `hashCell`, but the same for every number. */
export function hashCellCoarsely(value: SqlValue): number {
  return isNumeric(value) ? ANY_NUMBER_HASH : hashCell(value);
}

/** Of cells in their order; start with 0. */
export function combine(hash: number, cellHash: number): number {
  return finish(body(hash, cellHash));
}

export function hashRow(row: Row, ofCell: (value: SqlValue) => number = hashCell): number {
  let hash = 0;
  for (let column = 0; column < row.length; column++) hash = combine(hash, ofCell(row[column]!));
  return hash;
}
