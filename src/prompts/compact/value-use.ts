/**
 * How well a completion uses the values of its question. A model that has learnt little drops a condition, compares a
 * value with a column that does not hold it, or uses one twice; all of this can be seen without running anything.
 * It knows completions in words and bindings; it does not know tokens or models.
 */
import type { LinkedValue } from '../../schema/link/linked-value.ts';

/** A value of the question and how it was mentioned. */
export interface BoundValue {
  readonly value: LinkedValue;
  readonly slot: number;
  readonly mentions: number;
  /** The words mean something else as well ("open", "high"): leaving the value out may be right. */
  readonly isWord: boolean;
}

interface Use {
  readonly slot: number;
  readonly facet: string | undefined;
  /** Column in front of the comparison that the value stands in, without its table. */
  readonly column: string | undefined;
}

const comparison = /^(?:=|<>|!=|<|>|<=|>=|IN|NOT|LIKE|BETWEEN|AND|,|\(|CASE|WHEN)$/;

/** Where each placeholder stands. The words are those of an unfused completion. */
function usesOf(words: readonly string[]): Use[] {
  const uses: Use[] = [];
  let column: string | undefined;
  words.forEach((word, i) => {
    const slot = /^<v(\d)>$/.exec(word)?.[1];
    if (slot !== undefined) {
      const next = words[i + 1] ?? '';
      uses.push({ slot: Number(slot), facet: next.startsWith(':') ? next : undefined, column });
    } else if (/^(?:\w+\.)?[A-Za-z_]\w*$/.test(word) && !/^[A-Z]+$/.test(word))
      column = word.slice(word.indexOf('.') + 1);
    else if (!comparison.test(word) && !word.startsWith('<v') && !word.startsWith(':')) column = undefined;
  });
  return uses;
}

function isForeignTo(value: LinkedValue, use: Use): boolean {
  if (value.kind !== 'text' || value.columns.length === 0) return false;
  if (use.facet !== undefined || use.column === undefined) return false;
  const held = value.columns.map((name) => name.slice(name.lastIndexOf('.') + 1).toLowerCase());
  return !held.includes(use.column.toLowerCase());
}

/** "At least one" and "1 contract" need no number in SQL. */
function saysOne(value: LinkedValue): boolean {
  return value.kind === 'number' && value.value === 1;
}

function isRepeated(bound: BoundValue, uses: readonly Use[]): boolean {
  if (bound.value.kind === 'number') return uses.length > bound.mentions;
  if (bound.value.kind !== 'text') return false;
  const columns = uses.filter((use) => use.facet === undefined).map((use) => use.column);
  return bound.value.columns.length > 1 ? false : columns.length > Math.max(2, bound.mentions);
}

/**
 * How many things speak against a completion (unfused words): a value left out, a value beside a column that
 * does not hold it, a number used more often than it was mentioned, the same thing twice in one list. 0 is unsuspicious.
 */
export function countMisuses(text: string, values: readonly BoundValue[]): number {
  const words = text.split(' ');
  const uses = usesOf(words);
  let count = /(?:^|[(,] )([^ (),]+) , (?:[^()]* , )?\1(?= [,)]| FROM|$)/.test(text) ? 1 : 0;
  for (const bound of values) {
    const own = uses.filter((use) => use.slot === bound.slot);
    if (own.length === 0 && !bound.isWord && !saysOne(bound.value)) count += 1;
    if (own.some((use) => isForeignTo(bound.value, use))) count += 1;
    if (isRepeated(bound, own)) count += 1;
  }
  return count;
}
