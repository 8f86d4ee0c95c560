/** What the values of one column are: counts, extremes, frequent values, and the kind judged from them. */
import type { SqlValue } from '../database/execution.ts';
import { quoteName } from '../database/sql-text.ts';
import type { Column, ColumnKind } from './schema.ts';

/** Runs a trusted query of ours and gives its rows. */
export type Query = (sql: string) => readonly (readonly SqlValue[])[];

/** What the catalogue says of a column, before its values are looked at. */
export interface DeclaredColumn {
  readonly name: string;
  readonly declaredType: string;
  readonly nullable: boolean;
  readonly isPrimaryKey: boolean;
  readonly isUnique: boolean;
  readonly isForeignKey: boolean;
  readonly comment: string | undefined;
}

export interface ProfileOptions {
  readonly maxIndexedValues: number;
  readonly maxSampleValues: number;
}

type StorageCounts = Readonly<Record<'integer' | 'real' | 'text' | 'blob' | 'null', number>>;

interface Facts {
  readonly storage: StorageCounts;
  readonly distinctCount: number;
  readonly sampleValues: readonly SqlValue[];
  readonly min: SqlValue;
  readonly max: SqlValue;
}

const DATE = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/;
const DATETIME =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?$/;
/** Names that say "identifier" whatever the values are, and names that say it for unique values only. */
const ID_NAME = /(?:^|_|(?<=[a-z]))(?:id|ID|Id|uuid|guid)$|^(?:id|uuid|guid)$/i;
const CODE_NAME = /(?:code|number|no|key|ref|sku|isbn|iban)$/i;
const POSTAL_NAME = /zip|postal/i;
/** Is_Primary, hasChildren, ACTIVE_FLAG, Discontinued. */
const FLAG_NAME =
  /^(?:[Ii]s|[Hh]as|[Cc]an|[Ww]as)(?:_|[A-Z])|^(?:IS|HAS)_|(?:[Ff]lag|FLAG|[Aa]ctive|[^e]ed|able)$/;

function storageCounts(query: Query, table: string, column: string): StorageCounts {
  const counts = { integer: 0, real: 0, text: 0, blob: 0, null: 0 };
  for (const [type, count] of query(`SELECT typeof(${column}), COUNT(*) FROM ${table} GROUP BY 1`)) {
    counts[type as keyof StorageCounts] = Number(count);
  }
  return counts;
}

function gatherFacts(query: Query, table: string, column: string, maxSampleValues: number): Facts {
  const storage = storageCounts(query, table, column);
  const values = storage.integer + storage.real + storage.text;
  if (values === 0) return { storage, distinctCount: 0, sampleValues: [], min: null, max: null };
  const [[distinct, min, max] = []] = query(
    `SELECT COUNT(DISTINCT ${column}), MIN(${column}), MAX(${column}) FROM ${table} WHERE typeof(${column}) <> 'blob'`,
  );
  const frequent = query(
    `SELECT ${column} FROM ${table} WHERE ${column} IS NOT NULL AND typeof(${column}) <> 'blob' ` +
      `GROUP BY ${column} ORDER BY COUNT(*) DESC, ${column} LIMIT ${maxSampleValues}`,
  );
  return {
    storage,
    distinctCount: Number(distinct),
    sampleValues: frequent.map(([value]) => value ?? null),
    min: min ?? null,
    max: max ?? null,
  };
}

function kindOfEmpty(declaredType: string): ColumnKind {
  const type = declaredType.toUpperCase();
  if (/BOOL/.test(type)) return 'boolean';
  if (/DATETIME|TIMESTAMP/.test(type)) return 'datetime';
  if (/DATE/.test(type)) return 'date';
  if (/INT/.test(type)) return 'integer';
  if (/BLOB|BINARY|BYTEA/.test(type)) return 'blob';
  if (/REAL|FLOA|DOUB|NUMERIC|DECIMAL|MONEY/.test(type)) return 'real';
  return 'text';
}

function kindOfText({ sampleValues }: Facts): ColumnKind {
  const texts = sampleValues.filter((value): value is string => typeof value === 'string');
  if (texts.every((text) => DATE.test(text))) return 'date';
  return texts.every((text) => DATETIME.test(text) || DATE.test(text)) ? 'datetime' : 'text';
}

function isFlag(declared: DeclaredColumn, { sampleValues, storage }: Facts): boolean {
  const isZeroOrOne = sampleValues.every((value) => value === 0 || value === 1);
  const isDeclared = /BOOL|^BIT/i.test(declared.declaredType);
  return storage.text === 0 && isZeroOrOne && (isDeclared || FLAG_NAME.test(declared.name));
}

function isIdentifier(declared: DeclaredColumn, facts: Facts, kind: ColumnKind): boolean {
  if (kind === 'real' || kind === 'date' || kind === 'datetime') return false;
  if (declared.isForeignKey || ID_NAME.test(declared.name)) return true;
  const values = facts.storage.integer + facts.storage.text;
  const areUnique = facts.distinctCount === values && values > 1;
  if (POSTAL_NAME.test(declared.name)) return false;
  if (CODE_NAME.test(declared.name) && (declared.isUnique || areUnique)) return true;
  return declared.isPrimaryKey && kind === 'integer' && areUnique;
}

/** The kind that most values have; identifiers and flags are told by their names as well. */
export function judgeKind(declared: DeclaredColumn, facts: Facts): ColumnKind {
  const { integer, real, text, blob } = facts.storage;
  const filled = integer + real + text;
  if (filled + blob === 0) {
    const kind = kindOfEmpty(declared.declaredType);
    return declared.isForeignKey || ID_NAME.test(declared.name) ? 'identifier' : kind;
  }
  if (blob > filled) return 'blob';
  if (isFlag(declared, facts)) return 'boolean';
  const isFractional = real > 0 || /REAL|FLOA|DOUB|NUMERIC|DECIMAL|MONEY/i.test(declared.declaredType);
  const kind: ColumnKind = text > filled / 2 ? kindOfText(facts) : isFractional ? 'real' : 'integer';
  return isIdentifier(declared, facts, kind) ? 'identifier' : kind;
}

function indexedTexts(query: Query, table: string, column: string, facts: Facts, limit: number): string[] {
  if (facts.storage.text === 0 || facts.distinctCount > limit) return [];
  const rows = query(`SELECT DISTINCT ${column} FROM ${table} WHERE typeof(${column}) = 'text' ORDER BY 1`);
  return rows.map(([value]) => String(value));
}

export function profileColumn(
  query: Query,
  tableName: string,
  declared: DeclaredColumn,
  options: ProfileOptions,
): Column {
  const [table, column] = [quoteName(tableName), quoteName(declared.name)];
  const facts = gatherFacts(query, table, column, options.maxSampleValues);
  const kind = judgeKind(declared, facts);
  const hasTexts = kind === 'text' || (kind === 'identifier' && facts.storage.text > 0);
  return {
    name: declared.name,
    declaredType: declared.declaredType,
    kind,
    nullable: declared.nullable,
    isPrimaryKey: declared.isPrimaryKey,
    isUnique: declared.isUnique,
    comment: declared.comment,
    distinctCount: facts.distinctCount,
    nullCount: facts.storage.null,
    sampleValues: facts.sampleValues,
    textValues: hasTexts ? indexedTexts(query, table, column, facts, options.maxIndexedValues) : [],
    min: facts.min,
    max: facts.max,
  };
}
