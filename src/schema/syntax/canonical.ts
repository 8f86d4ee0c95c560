/**
 * Syntax trees with the differences taken out that say nothing about the meaning: table aliases replaced by the table where
 * it occurs once, column qualifiers dropped in a SELECT over one table, operands of AND, OR, =, <>, + and * in one order,
 * `a > b` as `b < a`, IN lists and GROUP BY as sets. The order of result columns, ORDER BY and joins stays.
 */
import { isObject, type Json, type JsonObject, parseSql } from './parser.ts';

/** Notes of the parser about the text, not about the meaning. */
const textKeys = new Set([
  'span',
  'select_token',
  'quote_style',
  'explicit',
  'closing_bracket',
  'attached_token',
]);
const commutative = new Set(['Eq', 'NotEq', 'Plus', 'Multiply']);
const mirrored: Readonly<Record<string, string>> = { Gt: 'Lt', GtEq: 'LtEq' };

const byText = (a: Json, b: Json): number => {
  const [x, y] = [JSON.stringify(a), JSON.stringify(b)];
  return x < y ? -1 : x > y ? 1 : 0;
};

function operandsOf(node: Json | undefined, operator: string): Json[] {
  const inner = isObject(node) && isObject(node.Nested) ? node.Nested : node;
  const binary = isObject(inner) ? inner.BinaryOp : undefined;
  if (!isObject(binary) || binary.op !== operator) return [node ?? null];
  return [...operandsOf(binary.left, operator), ...operandsOf(binary.right, operator)];
}

function canonicalBinary(binary: JsonObject, recur: (node: Json) => Json): Json {
  const operator = String(binary.op);
  if (operator === 'And' || operator === 'Or') {
    const operands = operandsOf({ BinaryOp: binary }, operator).map(recur).sort(byText);
    return { [operator]: operands };
  }
  const left = recur(binary.left ?? null);
  const right = recur(binary.right ?? null);
  if (commutative.has(operator)) return { [operator]: [left, right].sort(byText) };
  const mirror = mirrored[operator];
  return mirror === undefined ? { [operator]: [left, right] } : { [mirror]: [right, left] };
}

const identifierText = (node: Json | undefined): string | undefined => {
  if (!isObject(node)) return undefined;
  const value = isObject(node.Identifier) ? node.Identifier.value : node.value;
  return typeof value === 'string' ? value.toLowerCase() : undefined;
};

/** Name and alias of every table in the FROM of one SELECT. */
function tablesOf(select: JsonObject): { name: string; alias: string | undefined }[] {
  const from = Array.isArray(select.from) ? select.from : [];
  const relations = from.flatMap((item) => {
    if (!isObject(item)) return [];
    const joins = Array.isArray(item.joins) ? item.joins : [];
    return [item.relation, ...joins.map((join) => (isObject(join) ? join.relation : undefined))];
  });
  return relations.map((relation) => {
    const table = isObject(relation) && isObject(relation.Table) ? relation.Table : undefined;
    const names = Array.isArray(table?.name) ? table.name : [];
    const alias = isObject(table?.alias) ? identifierText(table.alias.name) : undefined;
    return { name: identifierText(names.at(-1)) ?? '', alias };
  });
}

export interface Scope {
  /** Alias -> table, for tables that occur once. */
  readonly aliases: ReadonlyMap<string, string>;
  /** The only table of the SELECT: its qualifier says nothing. */
  readonly onlyTable: string | undefined;
}

/** What a SELECT names, on top of what the queries around it do. */
export function scopeOf(select: JsonObject, outer: Scope): Scope {
  const tables = tablesOf(select);
  const aliases = new Map(outer.aliases);
  for (const { name, alias } of tables) {
    const isUnique = tables.filter((other) => other.name === name).length === 1;
    if (alias !== undefined && name !== '' && isUnique) aliases.set(alias, name);
  }
  return { aliases, onlyTable: tables.length === 1 ? tables[0]?.name : undefined };
}

export const noScope: Scope = { aliases: new Map(), onlyTable: undefined };

function canonicalColumn(parts: readonly Json[], scope: Scope): Json {
  const names = parts.map((part) => identifierText(part) ?? '');
  const [qualifier, ...rest] = names;
  const table = scope.aliases.get(qualifier ?? '') ?? qualifier ?? '';
  return { Column: table === scope.onlyTable ? rest : [table, ...rest] };
}

/** `scope`: what the queries around the node name; `noScope` for a whole statement. */
export function canonical(node: Json, scope: Scope): Json {
  const recur = (child: Json): Json => canonical(child, scope);
  if (Array.isArray(node)) return node.map(recur);
  if (!isObject(node)) return node;
  if (isObject(node.Nested) && !('Select' in node.Nested)) return recur(node.Nested);
  if (isObject(node.BinaryOp)) return canonicalBinary(node.BinaryOp, recur);
  if (Array.isArray(node.CompoundIdentifier)) return canonicalColumn(node.CompoundIdentifier, scope);
  if (isObject(node.Select)) {
    return { Select: canonicalObject(node.Select, scopeOf(node.Select, scope)) };
  }
  if (isObject(node.Identifier)) return { Column: [identifierText(node) ?? ''] };
  return canonicalObject(node, scope);
}

function canonicalObject(node: JsonObject, scope: Scope): JsonObject {
  const result: JsonObject = {};
  for (const [key, child] of Object.entries(node)) {
    if (textKeys.has(key)) continue;
    if (key === 'Table' && isObject(child)) {
      const alias = isObject(child.alias) ? identifierText(child.alias.name) : undefined;
      const { alias: _, ...rest } = child;
      result[key] = canonicalObject(alias !== undefined && scope.aliases.has(alias) ? rest : child, scope);
      continue;
    }
    let value = canonical(child, scope);
    if (key === 'list' && Array.isArray(value)) value = [...value].sort(byText);
    if (key === 'group_by' && isObject(value) && Array.isArray(value.Expressions)) {
      const [expressions] = value.Expressions;
      value = { Expressions: Array.isArray(expressions) ? [...expressions].sort(byText) : [] };
    }
    result[key] =
      key === 'value' && typeof value === 'string' && !('Number' in node) ? value.toLowerCase() : value;
  }
  return result;
}

/** The canonical tree as text; undefined where the parser does not know the syntax. Needs `loadParser()` first. */
export function canonicalTree(sql: string): string | undefined {
  const statements = parseSql(sql);
  return statements === undefined ? undefined : JSON.stringify(canonical(statements, noScope));
}
