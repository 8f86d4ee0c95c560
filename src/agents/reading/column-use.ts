/**
 * Which columns of the schema a statement uses, and for what: shown, filtered, joined, grouped, sorted. Names are resolved by
 * the scopes of the syntax tree, subqueries and common tables included; where there is no tree, from the tokens, and then
 * every column counts as used for everything. It judges nothing.
 */
import { identifiersOf } from '../../schema/identifiers.ts';
import type { Schema, Table } from '../../schema/schema.ts';
import { isObject, type Json } from '../../schema/syntax/parser.ts';
import {
  type Expression,
  listOf,
  objectOf,
  queriesIn,
  type ReadBody,
  type ReadQuery,
  type ReadSelect,
  readQuery,
} from './read-query.ts';

export const columnRoles = ['output', 'aggregate', 'filter', 'join', 'group', 'order'] as const;
/** `aggregate`: inside SUM, AVG, MIN, MAX, COUNT …; also `output` unless it is only counted. */
export type ColumnRole = (typeof columnRoles)[number];

export interface ColumnUses {
  /** Tables of the schema, in the order of first use. */
  readonly tables: readonly string[];
  /** `Table.Column` with its roles. */
  readonly columns: ReadonlyMap<string, ReadonlySet<ColumnRole>>;
  /** False where the statement could not be read as a tree. */
  readonly isExact: boolean;
}

interface ScopeEntry {
  readonly alias: string;
  /** A table of the schema; undefined for a subquery or a common table. */
  readonly table: Table | undefined;
}

interface Scope {
  readonly entries: readonly ScopeEntry[];
  readonly parent: Scope | undefined;
}

const AGGREGATES = /^(sum|avg|min|max|total|count|group_concat|string_agg|median)$/i;

class UseCollector {
  readonly tables = new Set<string>();
  readonly columns = new Map<string, Set<ColumnRole>>();
  readonly #byName: ReadonlyMap<string, Table>;

  constructor(schema: Schema) {
    this.#byName = new Map(schema.tables.map((table) => [table.name.toLowerCase(), table]));
  }

  query(query: ReadQuery, parent: Scope | undefined, commonBefore: ReadonlySet<string>): void {
    const common = new Set(commonBefore);
    for (const { name, query: inner } of query.commonTables) {
      common.add(name.toLowerCase());
      this.query(inner, parent, common);
    }
    this.#body(query.body, query, parent, common);
  }

  #body(body: ReadBody, query: ReadQuery, parent: Scope | undefined, common: ReadonlySet<string>): void {
    if (body.kind === 'select') this.#select(body, query, parent, common);
    else if (body.kind === 'query') this.query(body.query, parent, common);
    else if (body.kind === 'values')
      for (const expression of body.rows.flat()) this.#expression(expression, ['output'], undefined, common);
    else {
      this.#body(body.left, query, parent, common);
      this.#body(body.right, query, parent, common);
    }
  }

  #select(
    select: ReadSelect,
    { orderBy }: ReadQuery,
    parent: Scope | undefined,
    common: ReadonlySet<string>,
  ) {
    const entries = select.tables.map(({ name, alias, query }): ScopeEntry => {
      if (query !== undefined) this.query(query, parent, common);
      const isCommon = name !== undefined && common.has(name.toLowerCase());
      const table = name === undefined || isCommon ? undefined : this.#byName.get(name.toLowerCase());
      if (table !== undefined) this.tables.add(table.name);
      return { alias: alias.toLowerCase(), table };
    });
    const scope: Scope = { entries, parent };
    for (const { kind, expression, table } of select.outputs) {
      if (kind === 'expression') this.#expression(expression!, ['output'], scope, common);
      else this.#all(entries.filter(({ alias }) => table === undefined || alias === table.toLowerCase()));
    }
    for (const { on, using } of select.tables) {
      if (on !== undefined) this.#expression(on, ['join'], scope, common);
      for (const name of using) this.#resolve(undefined, name, ['join'], scope);
    }
    for (const part of select.where) this.#expression(part, ['filter'], scope, common);
    for (const part of select.having) this.#expression(part, ['filter'], scope, common);
    for (const part of select.groupBy) this.#expression(part, ['group'], scope, common);
    for (const { expression } of orderBy) this.#expression(expression, ['order'], scope, common);
  }

  #all(entries: readonly ScopeEntry[]): void {
    for (const { table } of entries)
      for (const column of table?.columns ?? []) this.#add(table!, column.name, ['output']);
  }

  #expression(
    node: Expression,
    roles: readonly ColumnRole[],
    scope: Scope | undefined,
    common: ReadonlySet<string>,
  ): void {
    if (Array.isArray(node)) {
      for (const child of node) this.#expression(child, roles, scope, common);
      return;
    }
    if (!isObject(node)) return;
    if (isObject(node.body)) {
      for (const query of queriesIn(node)) this.query(query, scope, common);
      return;
    }
    if (isObject(node.Exists)) {
      // What EXISTS selects is not looked at.
      for (const query of queriesIn(node.Exists)) this.query(withoutOutputs(query), scope, common);
      return;
    }
    if (isObject(node.Identifier) && typeof node.Identifier.value === 'string') {
      this.#resolve(undefined, node.Identifier.value, roles, scope);
      return;
    }
    if (Array.isArray(node.CompoundIdentifier)) {
      const names = node.CompoundIdentifier.map((part) => String(objectOf(part).value ?? ''));
      this.#resolve(names.at(-2), names.at(-1)!, roles, scope);
      return;
    }
    const inner = isObject(node.Function) ? rolesInside(node.Function, roles) : roles;
    for (const [key, child] of Object.entries(node)) {
      // The name of a function is an identifier in the tree and no column.
      if (key === 'Function') {
        const { name: _, ...rest } = objectOf(child);
        for (const part of Object.values(rest)) this.#expression(part, inner, scope, common);
      } else this.#expression(child, inner, scope, common);
    }
  }

  #resolve(
    qualifier: string | undefined,
    name: string,
    roles: readonly ColumnRole[],
    scope: Scope | undefined,
  ): void {
    const key = name.toLowerCase();
    for (let at = scope; at !== undefined; at = at.parent) {
      for (const { alias, table } of at.entries) {
        if (qualifier !== undefined && alias !== qualifier.toLowerCase()) continue;
        const column = table?.columns.find((candidate) => candidate.name.toLowerCase() === key);
        if (column === undefined) continue;
        this.#add(table!, column.name, roles);
        return;
      }
    }
  }

  #add(table: Table, column: string, roles: readonly ColumnRole[]): void {
    const name = `${table.name}.${column}`;
    const known = this.columns.get(name) ?? new Set();
    for (const role of roles) known.add(role);
    this.columns.set(name, known);
  }
}

function withoutOutputs(query: ReadQuery): ReadQuery {
  return query.body.kind === 'select' ? { ...query, body: { ...query.body, outputs: [] } } : query;
}

/** What is only counted is not shown. */
function rolesInside(
  call: { readonly [key: string]: Json },
  roles: readonly ColumnRole[],
): readonly ColumnRole[] {
  const name = String(objectOf(objectOf(listOf(call.name)[0]).Identifier).value ?? '');
  if (!AGGREGATES.test(name)) return roles;
  const outer = /^count$/i.test(name) ? roles.filter((role) => role !== 'output') : roles;
  return [...outer, 'aggregate'];
}

/** From tokens: whatever the statement names, for everything. */
function usesOfTokens(sql: string, schema: Schema): ColumnUses {
  const names = identifiersOf(sql);
  const named = new Set(names.tables.map((name) => name.toLowerCase()));
  const tables = schema.tables.filter(({ name }) => named.has(name.toLowerCase()));
  const columns = new Map<string, ReadonlySet<ColumnRole>>();
  const isAll = /(?:select|,|distinct)\s*(?:\w+\s*\.\s*)?\*/i.test(sql);
  const mentioned = new Set(names.columns.map(({ name }) => name.toLowerCase()));
  for (const table of tables)
    for (const { name } of table.columns)
      if (isAll || mentioned.has(name.toLowerCase()))
        columns.set(`${table.name}.${name}`, new Set(columnRoles));
  return { tables: tables.map(({ name }) => name), columns, isExact: false };
}

/** Needs `loadParser()` first. */
export function columnUses(
  sql: string,
  schema: Schema,
  read: ReadQuery | undefined = readQuery(sql),
): ColumnUses {
  if (read === undefined) return usesOfTokens(sql, schema);
  const collector = new UseCollector(schema);
  collector.query(read, undefined, new Set());
  return { tables: [...collector.tables], columns: collector.columns, isExact: true };
}
