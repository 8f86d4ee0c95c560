/** What drawing the rows of a table works with, and what it gives. */
import type { SqlValue } from '../../database/execution.ts';
import type { Random } from '../../foundation/random.ts';
import type { Style } from './styles.ts';
import type { Wanted } from './witnesses.ts';

export type TableRows = readonly (readonly SqlValue[])[];

export interface Planted {
  /** The plans that the row belongs to, and which of the first one's rows for this table it is. */
  readonly plans: readonly number[];
  readonly at: number;
  readonly wanted: Wanted;
  /** The rows of the plan agree in whatever the query does not ask for. */
  readonly agree: boolean;
}

export interface DrawnTable {
  readonly rows: TableRows;
  /** The rows of each plan, in the order in which they were planned. */
  readonly planted: ReadonlyMap<number, TableRows>;
}

export interface DrawOptions {
  readonly style: Style;
  readonly random: Random;
  readonly rowsMin: number;
  readonly rowsMax: number;
  readonly planted: readonly Planted[];
  /** Tables drawn before this one. */
  readonly drawn: ReadonlyMap<string, DrawnTable>;
}

/** A row while it is drawn. */
export interface Entry {
  readonly row: SqlValue[];
  /** It was in the source. */
  readonly isKept: boolean;
  readonly planted: Planted | undefined;
}
