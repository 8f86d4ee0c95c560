/**
 * A statement as the parts that a person would name: output, tables, joins, conditions, groups, order. Read from the syntax
 * tree; a statement that the parser does not know, or that is no query, has no reading. It explains nothing and checks
 * nothing. Needs `loadParser()` first.
 */
import { isObject, type Json, type JsonObject, parseSql } from '../../schema/syntax/parser.ts';

export type Expression = Json;

export interface ReadTable {
  /** Undefined for a subquery in FROM. */
  readonly name: string | undefined;
  /** How the statement calls it. */
  readonly alias: string;
  readonly query: ReadQuery | undefined;
  readonly join: 'first' | 'inner' | 'left' | 'right' | 'full' | 'cross' | 'comma';
  readonly on: Expression | undefined;
  /** USING (…): names that both sides have. */
  readonly using: readonly string[];
}

export interface ReadOutput {
  readonly kind: 'expression' | 'all' | 'all-of-table';
  readonly expression: Expression | undefined;
  readonly alias: string | undefined;
  /** For `all-of-table`. */
  readonly table: string | undefined;
}

export interface ReadSelect {
  readonly kind: 'select';
  readonly isDistinct: boolean;
  readonly outputs: readonly ReadOutput[];
  readonly tables: readonly ReadTable[];
  /** Parts joined by AND. */
  readonly where: readonly Expression[];
  readonly groupBy: readonly Expression[];
  readonly having: readonly Expression[];
}

export type ReadBody =
  | ReadSelect
  | { readonly kind: 'query'; readonly query: ReadQuery }
  | {
      readonly kind: 'union' | 'intersect' | 'except';
      readonly isAll: boolean;
      readonly left: ReadBody;
      readonly right: ReadBody;
    }
  | { readonly kind: 'values'; readonly rows: readonly (readonly Expression[])[] };

export interface ReadOrder {
  readonly expression: Expression;
  readonly isDescending: boolean;
}

export interface ReadQuery {
  readonly isRecursive: boolean;
  readonly commonTables: readonly { readonly name: string; readonly query: ReadQuery }[];
  readonly body: ReadBody;
  readonly orderBy: readonly ReadOrder[];
  readonly limit: Expression | undefined;
  readonly offset: Expression | undefined;
}

export const listOf = (node: Json | undefined): readonly Json[] => (Array.isArray(node) ? node : []);
export const objectOf = (node: Json | undefined): JsonObject => (isObject(node) ? node : {});
const isThere = (node: Json | undefined): node is Json => node !== undefined && node !== null;
const textOf = (node: Json | undefined): string => (typeof node === 'string' ? node : '');
const nameOf = (node: Json | undefined): string => textOf(objectOf(node).value);
/** The last part of `main.t`. */
const lastName = (names: Json | undefined): string => nameOf(objectOf(listOf(names).at(-1)).Identifier);

/** Operands of AND, parentheses around them taken off. */
export function conjunctsOf(condition: Json | undefined): Expression[] {
  if (!isThere(condition)) return [];
  const { Nested, BinaryOp } = objectOf(condition);
  if (isObject(BinaryOp) && BinaryOp.op === 'And')
    return [...conjunctsOf(BinaryOp.left), ...conjunctsOf(BinaryOp.right)];
  const inner = objectOf(Nested).BinaryOp;
  return isObject(inner) && inner.op === 'And' ? conjunctsOf(Nested) : [condition];
}

function readRelation(relation: JsonObject, join: ReadTable['join'], constraint: JsonObject): ReadTable {
  const { Table: table, Derived: derived } = relation;
  const holder = objectOf(table ?? derived);
  const name = isObject(table) ? lastName(table.name) : undefined;
  const alias = nameOf(objectOf(holder.alias).name) || (name ?? '');
  const using = listOf(constraint.Using).map(lastName);
  const query = isObject(derived) ? readQueryNode(objectOf(derived.subquery)) : undefined;
  return { name, alias, query, join, on: constraint.On, using };
}

function joinKind(operator: string): ReadTable['join'] {
  if (/^Left/.test(operator)) return 'left';
  if (/^Right/.test(operator)) return 'right';
  if (/^Full/.test(operator)) return 'full';
  return operator === 'CrossJoin' ? 'cross' : 'inner';
}

function readFrom(from: Json | undefined): ReadTable[] {
  return listOf(from).flatMap((item, at) => {
    const { relation, joins } = objectOf(item);
    const first = readRelation(objectOf(relation), at === 0 ? 'first' : 'comma', {});
    const others = listOf(joins).map((join) => {
      const { relation: joined, join_operator: operator } = objectOf(join);
      const [kind = '', constraint] = Object.entries(objectOf(operator))[0] ?? [textOf(operator), undefined];
      return readRelation(objectOf(joined), joinKind(kind), objectOf(constraint));
    });
    return [first, ...others];
  });
}

function readOutput(item: Json): ReadOutput {
  const { UnnamedExpr, ExprWithAlias, QualifiedWildcard } = objectOf(item);
  if (isThere(QualifiedWildcard)) {
    const table = lastName(objectOf(listOf(QualifiedWildcard)[0]).ObjectName);
    return { kind: 'all-of-table', expression: undefined, alias: undefined, table };
  }
  const expression = UnnamedExpr ?? objectOf(ExprWithAlias).expr;
  if (expression === undefined)
    return { kind: 'all', expression: undefined, alias: undefined, table: undefined };
  const alias = nameOf(objectOf(ExprWithAlias).alias) || undefined;
  return { kind: 'expression', expression, alias, table: undefined };
}

function readSelect(select: JsonObject): ReadSelect {
  return {
    kind: 'select',
    isDistinct: isThere(select.distinct),
    outputs: listOf(select.projection).map(readOutput),
    tables: readFrom(select.from),
    where: conjunctsOf(select.selection),
    groupBy: [...listOf(listOf(objectOf(select.group_by).Expressions)[0])],
    having: conjunctsOf(select.having),
  };
}

function readBody(body: JsonObject): ReadBody {
  if (isObject(body.Select)) return readSelect(body.Select);
  if (isObject(body.Query)) return { kind: 'query', query: readQueryNode(body.Query) };
  const operation = body.SetOperation;
  if (isObject(operation)) {
    const op = textOf(operation.op).toLowerCase();
    const kind = op === 'intersect' || op === 'except' ? op : 'union';
    const isAll = operation.set_quantifier === 'All';
    return {
      kind,
      isAll,
      left: readBody(objectOf(operation.left)),
      right: readBody(objectOf(operation.right)),
    };
  }
  const rows = listOf(objectOf(body.Values).rows).map((row) => listOf(objectOf(row).content));
  return { kind: 'values', rows };
}

/** A query inside an expression or a statement, from its node. */
export function readQueryNode(query: JsonObject): ReadQuery {
  const { LimitOffset } = objectOf(query.limit_clause);
  const { limit, offset } = objectOf(LimitOffset);
  return {
    isRecursive: objectOf(query.with).recursive === true,
    commonTables: listOf(objectOf(query.with).cte_tables).map((table) => ({
      name: nameOf(objectOf(objectOf(table).alias).name),
      query: readQueryNode(objectOf(objectOf(table).query)),
    })),
    body: readBody(objectOf(query.body)),
    orderBy: listOf(objectOf(objectOf(query.order_by).kind).Expressions).map((item) => ({
      expression: objectOf(item).expr ?? null,
      isDescending: objectOf(objectOf(item).options).asc === false,
    })),
    limit: isThere(limit) ? limit : undefined,
    offset: isThere(offset) ? objectOf(offset).value : undefined,
  };
}

/** Undefined unless the text is one query that the parser knows. */
export function readQuery(sql: string): ReadQuery | undefined {
  const statements = parseSql(sql);
  const query = statements?.length === 1 ? objectOf(statements[0]).Query : undefined;
  return isObject(query) ? readQueryNode(query) : undefined;
}

/** Every SELECT of a body, those of a UNION one after the other; not those inside its expressions. */
export function selectsOf(body: ReadBody): readonly ReadSelect[] {
  switch (body.kind) {
    case 'select':
      return [body];
    case 'query':
      return selectsOf(body.query.body);
    case 'values':
      return [];
    default:
      return [...selectsOf(body.left), ...selectsOf(body.right)];
  }
}

/** The queries that stand directly inside an expression: scalar, IN, EXISTS. */
export function queriesIn(expression: Expression): ReadQuery[] {
  if (Array.isArray(expression)) return expression.flatMap(queriesIn);
  if (!isObject(expression)) return [];
  const { body } = expression;
  const isQuery = isObject(body) && ['Select', 'SetOperation', 'Query', 'Values'].some((key) => key in body);
  if (isQuery) return [readQueryNode(expression)];
  return Object.values(expression).flatMap(queriesIn);
}
