/** `Schema`: what Querent knows of a database. Frozen, dialect-tagged, hashable. */
import type { SqlValue } from '../database/execution.ts';

export type Dialect = 'sqlite' | 'postgres' | 'mysql' | 'duckdb';

/** What the values of a column are, judged from the declared type, the name and the values themselves. */
export type ColumnKind =
  | 'identifier'
  | 'text'
  | 'integer'
  | 'real'
  | 'boolean'
  | 'date'
  | 'datetime'
  | 'blob';

export interface Column {
  readonly name: string;
  /** As declared, for example `VARCHAR(40)`. */
  readonly declaredType: string;
  readonly kind: ColumnKind;
  readonly nullable: boolean;
  readonly isPrimaryKey: boolean;
  readonly isUnique: boolean;
  readonly comment: string | undefined;
  readonly distinctCount: number;
  readonly nullCount: number;
  /** Up to 20 of the most frequent non-null values. */
  readonly sampleValues: readonly SqlValue[];
  /** Every distinct value of a text column with at most `maxIndexedValues` of them (default 20,000); else empty. */
  readonly textValues: readonly string[];
  readonly min: SqlValue;
  readonly max: SqlValue;
}

export interface ForeignKey {
  readonly columns: readonly string[];
  readonly referencedTable: string;
  readonly referencedColumns: readonly string[];
  /** Present on a key that the database does not declare: guessed from the names, and every value is contained. */
  readonly isInferred?: true;
}

export interface Table {
  readonly name: string;
  readonly comment: string | undefined;
  readonly columns: readonly Column[];
  readonly primaryKey: readonly string[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly rowCount: number;
}

export interface Schema {
  readonly dialect: Dialect;
  /** A short name, for example `erp`; the file's stem where nothing better is known. */
  readonly databaseId: string;
  readonly tables: readonly Table[];
  /** Hex digest over names, types and keys (not over the data). */
  readonly hash: string;
}
