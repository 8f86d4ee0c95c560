/**
 * Where a statement stands between two of its tokens: what may come next, which tables and aliases are in reach, and which names
 * it has used that it must still declare. Immutable. As much grammar as names need and no more: whether the statement parses
 * is for the database to say.
 *
 * Names are strings of bytes (one character a byte), folded to lower case.
 */
import type { SchemaNames } from './schema-names.ts';
import { rowIds } from './sql-language.ts';

export type Expect =
  | 'start'
  | 'operand'
  | 'operator'
  /** Behind a column's alias: no operator, no second alias. */
  | 'after-alias'
  | 'table'
  | 'after-table'
  /** Behind a table's alias. */
  | 'joined'
  | 'column-of'
  | 'alias'
  | 'table-alias'
  | 'common-table'
  | 'after-common-table'
  /** In `WITH t(a, b)`. */
  | 'made-name'
  /** One of `only`, or a parenthesis where `opens` is set. */
  | 'words'
  | 'end';

export type FrameKind = 'query' | 'join' | 'group' | 'call' | 'in' | 'cast' | 'over' | 'names';

/** A statement, or what stands between two parentheses. */
export interface Frame {
  readonly kind: FrameKind;
  readonly phase: 'start' | 'with' | 'select' | 'from' | 'rest';
  /** Alias or name -> the table, null where it is a subquery, a common table or a function. */
  readonly tables: readonly (readonly [alias: string, table: string | null])[];
  /** Aliases that the SELECT list uses and FROM must declare, with the columns that they must have. */
  readonly needs: readonly (readonly [alias: string, columns: readonly string[]])[];
  /** Bare names that the SELECT list uses and a subquery of FROM must make. */
  readonly loose: readonly string[];
  readonly after: Expect;
}

export interface Context {
  readonly frames: readonly Frame[];
  readonly expect: Expect;
  /** The keyword or sign before, where it matters. */
  readonly prev: string;
  readonly only: readonly string[];
  readonly opens: FrameKind;
  /** Column aliases and the like, of the whole statement. */
  readonly made: readonly string[];
  readonly commonTables: readonly string[];
  /** In front of the dot. */
  readonly qualifier: Qualifier | undefined;
}

export interface Qualifier {
  readonly name: string;
  /** The tables it stands for; undefined: any column that is known. */
  readonly tables: readonly string[] | undefined;
  /** The frame whose FROM clause must declare it. */
  readonly owner: number | undefined;
}

const emptyFrame: Frame = {
  kind: 'query',
  phase: 'start',
  tables: [],
  needs: [],
  loose: [],
  after: 'operator',
};

export const startContext: Context = {
  frames: [emptyFrame],
  expect: 'start',
  prev: '',
  only: [],
  opens: 'group',
  made: [],
  commonTables: [],
  qualifier: undefined,
};

export const topOf = (context: Context): Frame => context.frames.at(-1)!;

/** To a place where `expect` may come; what was only about the last place is forgotten. */
export function go(context: Context, expect: Expect, prev = '', change: Partial<Context> = {}): Context {
  return { ...context, only: [], opens: 'group', qualifier: undefined, ...change, expect, prev };
}

export const goWords = (context: Context, only: readonly string[], prev = ''): Context =>
  go(context, 'words', prev, { only });

/** Only a parenthesis may come. */
export const goOpen = (context: Context, opens: FrameKind, after: Expect, prev = ''): Context =>
  go(context, 'words', prev, { opens, only: [`(${after}`] });

export const afterValue = (context: Context): Context =>
  go(context, 'operator', context.prev === 'between' ? 'between-value' : 'value');

export function withTop(context: Context, change: Partial<Frame>): Context {
  return { ...context, frames: [...context.frames.slice(0, -1), { ...topOf(context), ...change }] };
}

export function withFrame(context: Context, at: number, change: Partial<Frame>): Context {
  return {
    ...context,
    frames: context.frames.map((frame, i) => (i === at ? { ...frame, ...change } : frame)),
  };
}

export function push(context: Context, kind: FrameKind, after: Expect, expect: Expect): Context {
  const frames = [...context.frames, { ...emptyFrame, kind, after }];
  return go({ ...context, frames }, expect, '(');
}

/** The innermost query whose SELECT list may use what its FROM clause will declare. */
export function forwardFrame(context: Context, below = context.frames.length): number | undefined {
  for (let i = below - 1; i >= 0; i--) {
    const { kind, phase } = context.frames[i]!;
    if (kind === 'query' && phase === 'select') return i;
  }
  return undefined;
}

export const make = (context: Context, name: string): Context =>
  context.made.includes(name) ? context : { ...context, made: [...context.made, name].sort() };

const isMade = (context: Context, schema: SchemaNames, column: string): boolean =>
  schema.columns.has(column) || context.made.includes(column) || rowIds.includes(column);

export function hasColumns(
  context: Context,
  schema: SchemaNames,
  table: string | null,
  columns: readonly string[],
): boolean {
  const own = table === null ? undefined : schema.tables.get(table);
  return columns.every((column) =>
    own === undefined ? isMade(context, schema, column) : own.has(column) || rowIds.includes(column),
  );
}

/** A table in the FROM clause of the query that stands around. Undefined where the SELECT list needs other columns of it. */
export function declareTable(
  context: Context,
  schema: SchemaNames,
  alias: string,
  table: string | null,
): Context | undefined {
  const at = context.frames.findLastIndex(({ kind }) => kind === 'query');
  const frame = context.frames[at]!;
  const needed = frame.needs.find(([name]) => name === alias)?.[1] ?? [];
  if (!hasColumns(context, schema, table, needed)) return undefined;
  return withFrame(context, at, { tables: [...frame.tables, [alias, table]] });
}

/** What the last table or subquery in FROM was; null for a subquery. */
export function lastTable(context: Context): string | null {
  const frame = context.frames.findLast(({ kind }) => kind === 'query')!;
  return context.prev === 'subquery' ? null : (frame.tables.at(-1)?.[1] ?? null);
}

export function findQualifier(context: Context, schema: SchemaNames, name: string): Qualifier | undefined {
  let owner: number | undefined;
  for (let i = context.frames.length - 1; i >= 0; i--) {
    const frame = context.frames[i]!;
    if (owner === undefined && frame.kind === 'query' && frame.phase === 'select') owner = i;
    const tables = frame.tables.filter(([alias]) => alias === name).map(([, table]) => table);
    if (tables.length === 0) continue;
    if (owner !== undefined) return { name, tables: undefined, owner };
    const known = tables.filter((table) => table !== null);
    return { name, tables: known.length === tables.length ? known : undefined, owner: undefined };
  }
  if (context.commonTables.includes(name)) return { name, tables: undefined, owner: undefined };
  if (schema.tables.has(name)) return { name, tables: [name], owner: undefined };
  return owner === undefined ? undefined : { name, tables: undefined, owner };
}

export function need(context: Context, owner: number, alias: string, column: string | undefined): Context {
  const { needs } = context.frames[owner]!;
  const before = needs.find(([name]) => name === alias)?.[1] ?? [];
  const columns = column === undefined ? before : [...new Set([...before, column])].sort();
  const others = needs.filter(([name]) => name !== alias);
  return withFrame(context, owner, { needs: [...others, [alias, columns]] });
}

export function addLoose(context: Context, owner: number, name: string): Context {
  const { loose } = context.frames[owner]!;
  return loose.includes(name) ? context : withFrame(context, owner, { loose: [...loose, name].sort() });
}

/**
 * Ends the FROM clause of the top frame: everything that its SELECT list used must be there by now, or be of a query around it.
 * Undefined where something is missing.
 */
export function settle(context: Context, schema: SchemaNames): Context | undefined {
  const frame = topOf(context);
  if (frame.needs.length === 0 && frame.loose.length === 0) return context;
  const outer = forwardFrame(context, context.frames.length - 1);
  let settled = withTop(context, { needs: [], loose: [] });
  for (const [alias, columns] of frame.needs) {
    const isThere = context.frames.some(({ tables }) =>
      tables.some(([name, table]) => name === alias && hasColumns(context, schema, table, columns)),
    );
    if (isThere) continue;
    if (outer === undefined) return undefined;
    settled = need(settled, outer, alias, undefined);
    for (const column of columns) settled = need(settled, outer, alias, column);
  }
  for (const name of frame.loose) {
    if (isMade(context, schema, name)) continue;
    if (outer === undefined) return undefined;
    settled = addLoose(settled, outer, name);
  }
  return settled;
}

const keys = new WeakMap<Context, string>();

/** Contexts that allow the same have the same key. */
export function contextKey(context: Context): string {
  let key = keys.get(context);
  if (key === undefined) {
    key = JSON.stringify(context);
    keys.set(context, key);
  }
  return key;
}
