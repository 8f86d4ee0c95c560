/** The names of a schema as the constraint compares them: bytes, one character each, in lower case. */
import { reservedWords } from './sql-language.ts';

/** Plain data, as it is sent to the worker. */
export interface SchemaNameList {
  readonly dialect: string;
  readonly tables: readonly (readonly [table: string, columns: readonly string[]])[];
}

/** Words with all that they begin with. */
export interface WordSet {
  readonly words: ReadonlySet<string>;
  readonly prefixes: ReadonlySet<string>;
}

export interface SchemaNames {
  readonly dialect: string;
  readonly tables: ReadonlyMap<string, ReadonlySet<string>>;
  readonly columns: ReadonlySet<string>;
  /** Those that can be written without quotes. */
  readonly bareTables: WordSet;
  readonly bareColumns: WordSet;
  readonly bareColumnsOf: ReadonlyMap<string, WordSet>;
}

export function toBytes(name: string): string {
  return foldCase(Buffer.from(name, 'utf8').toString('latin1'));
}

/** Of ASCII alone, as SQLite does. */
export function foldCase(bytes: string): string {
  return bytes.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

export function wordSet(words: Iterable<string>): WordSet {
  const all = new Set(words);
  const prefixes = new Set<string>();
  for (const word of all) for (let i = 1; i <= word.length; i++) prefixes.add(word.slice(0, i));
  return { words: all, prefixes };
}

const isBare = (name: string): boolean =>
  /^[a-z_\x80-\xff][a-z0-9_$\x80-\xff]*$/.test(name) && !reservedWords.has(name);

export function createSchemaNames({ dialect, tables }: SchemaNameList): SchemaNames {
  const byName = new Map(tables.map(([table, columns]) => [toBytes(table), new Set(columns.map(toBytes))]));
  const columns = new Set([...byName.values()].flatMap((own) => [...own]));
  const bare = (names: Iterable<string>): WordSet => wordSet([...names].filter(isBare));
  return {
    dialect,
    tables: byName,
    columns,
    bareTables: bare(byName.keys()),
    bareColumns: bare(columns),
    bareColumnsOf: new Map([...byName].map(([table, own]) => [table, bare(own)])),
  };
}
