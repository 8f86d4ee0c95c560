/** A condition of a noun phrase: SQL with column marks, and the words for it. */
import type { Join } from './select.ts';

export interface Filter {
  readonly sql: string;
  readonly joins?: readonly Join[];
  /** "active" */
  readonly before?: string;
  /** "in Munich" */
  readonly after?: string;
  /** How to say it apart from the noun: "with Java skills" for "Java", "signed in 2024" for "in 2024". */
  readonly apart?: string;
  /** Replaces the noun: [singular, plural]. */
  readonly head?: readonly [string, string];
  /** Columns used, so that one noun phrase does not speak twice of the same. */
  readonly uses: readonly string[];
}
