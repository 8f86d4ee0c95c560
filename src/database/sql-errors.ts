/** Sorts SQLite's error messages into classes that a reward or a correction prompt can use. */
import type { SqlErrorClass } from './execution.ts';

const CLASSES: readonly (readonly [RegExp, SqlErrorClass])[] = [
  [/^no such table\b|^no such view\b|^unknown database/i, 'no-such-table'],
  [/^no such column\b|has no column named|^cannot join using column|no such collation/i, 'no-such-column'],
  [/^no such function\b/i, 'no-such-function'],
  [/^ambiguous column name\b/i, 'ambiguous-column'],
  [
    /wrong number of arguments|^misuse of|may not be used as a window function|window functions? .* arguments?|too many arguments|must be used with|aggregate functions? .* not allowed/i,
    'wrong-arguments',
  ],
  [/syntax error|incomplete input|unrecognized token|^near "|unterminated|parser stack overflow/i, 'syntax'],
  [/datatype mismatch|row value misused|cannot store|malformed JSON|bad JSON path/i, 'type'],
];

export function classifySqlError(message: string): SqlErrorClass {
  return CLASSES.find(([pattern]) => pattern.test(message))?.[1] ?? 'other';
}
