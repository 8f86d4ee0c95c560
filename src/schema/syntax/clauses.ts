/**
 * A statement as what stands in each of its clauses: output columns, tables, joins, conditions, … as canonical texts. From
 * the syntax tree, subqueries and common tables included level by level; from tokens where the parser does not know the
 * syntax. It compares nothing.
 */
import { codeTokens, isKeyword, normalizeTokens, type SqlToken } from '../../database/sql-text.ts';
import { canonical, noScope, type Scope, scopeOf } from './canonical.ts';
import { isObject, type Json, type JsonObject, parseSql } from './parser.ts';

export const clauseNames = [
  'select',
  'distinct',
  'from',
  'join',
  'where',
  'group',
  'having',
  'order',
  'limit',
  'set',
] as const;
export type ClauseName = (typeof clauseNames)[number];

/** The parts of each clause; those of a query inside are marked with how deep it lies. */
export type Clauses = Readonly<Record<ClauseName, readonly string[]>>;
type Collected = Record<ClauseName, string[]>;

const emptyClauses = (): Collected =>
  Object.fromEntries(clauseNames.map((name) => [name, [] as string[]])) as unknown as Collected;

/** What stands for a subquery, a derived table or a common table: its own parts are listed a level deeper. */
const QUERY = '(query)';

const arrayOf = (node: Json | undefined): Json[] => (Array.isArray(node) ? node : []);
const objectOf = (node: Json | undefined): JsonObject => (isObject(node) ? node : {});

function isQuery(node: JsonObject): boolean {
  const { body } = node;
  return isObject(body) && ['Select', 'SetOperation', 'Values', 'Query'].some((key) => key in body);
}

class Collector {
  readonly clauses = emptyClauses();

  query(query: JsonObject, outer: Scope, depth: number): void {
    let scope = outer;
    for (const table of arrayOf(objectOf(query.with).cte_tables)) {
      const { alias, query: inner } = objectOf(table);
      const name = String(objectOf(objectOf(alias).name).value ?? '').toLowerCase();
      scope = { ...scope, aliases: new Map(scope.aliases).set(name, QUERY) };
      this.query(objectOf(inner), scope, depth + 1);
    }
    const selected = this.body(objectOf(query.body), scope, depth);
    for (const item of arrayOf(objectOf(objectOf(query.order_by).kind).Expressions)) {
      const { expr, options } = objectOf(item);
      const direction = objectOf(options).asc === false ? ' desc' : '';
      this.#add('order', depth, `${this.#output(expr, selected, depth)}${direction}`);
    }
    const limit = objectOf(objectOf(query.limit_clause).LimitOffset);
    if ('limit' in limit) this.#expression('limit', limit.limit, selected.scope, depth);
    if ('offset' in limit) this.#expression('limit', limit.offset, selected.scope, depth);
  }

  /** The leftmost SELECT of a body names the output, which ORDER BY may refer to. */
  body(body: JsonObject, scope: Scope, depth: number): Selected {
    if (isObject(body.Select)) return this.#select(body.Select, scope, depth);
    if (isObject(body.Query)) {
      this.query(body.Query, scope, depth);
      return { scope, projection: [] };
    }
    const operation = objectOf(body.SetOperation);
    if ('op' in operation) {
      const quantifier = operation.set_quantifier === 'All' ? ' all' : '';
      this.#add('set', depth, `${String(operation.op).toLowerCase()}${quantifier}`);
      const left = this.body(objectOf(operation.left), scope, depth);
      this.body(objectOf(operation.right), scope, depth);
      return left;
    }
    for (const row of arrayOf(objectOf(body.Values).rows))
      this.#expression('select', objectOf(row).content, scope, depth);
    return { scope, projection: [] };
  }

  #select(select: JsonObject, outer: Scope, depth: number): Selected {
    const scope = scopeOf(select, this.#withDerived(select, outer));
    const projection = arrayOf(select.projection);
    const selected = { scope, projection };
    for (const item of projection) this.#expression('select', expressionOf(item), scope, depth);
    if (select.distinct !== undefined && select.distinct !== null) this.#add('distinct', depth, 'distinct');
    for (const item of arrayOf(select.from)) {
      const { relation, joins } = objectOf(item);
      this.#relation(relation, scope, depth);
      for (const join of arrayOf(joins)) this.#join(objectOf(join), scope, depth);
    }
    for (const condition of conjunctsOf(select.selection)) this.#expression('where', condition, scope, depth);
    for (const expression of arrayOf(arrayOf(objectOf(select.group_by).Expressions)[0]))
      this.#add('group', depth, this.#output(expression, selected, depth));
    for (const condition of conjunctsOf(select.having)) this.#expression('having', condition, scope, depth);
    return selected;
  }

  /** The alias of a derived table stands for a query, whatever it is called. */
  #withDerived(select: JsonObject, outer: Scope): Scope {
    const aliases = new Map(outer.aliases);
    for (const relation of relationsOf(select)) {
      const alias = objectOf(objectOf(relation.Derived).alias);
      const name = objectOf(alias.name).value;
      if (typeof name === 'string') aliases.set(name.toLowerCase(), QUERY);
    }
    return { aliases, onlyTable: outer.onlyTable };
  }

  #relation(relation: Json | undefined, scope: Scope, depth: number): void {
    const { Table: table, Derived: derived } = objectOf(relation);
    if (isObject(derived)) {
      this.query(objectOf(derived.subquery), scope, depth + 1);
      this.#add('from', depth, QUERY);
      return;
    }
    if (!isObject(table)) {
      this.#expression('from', relation, scope, depth);
      return;
    }
    const name = String(objectOf(objectOf(arrayOf(table.name).at(-1)).Identifier).value ?? '').toLowerCase();
    this.#add('from', depth, scope.aliases.get(name) === QUERY ? QUERY : name);
  }

  #join(join: JsonObject, scope: Scope, depth: number): void {
    this.#relation(join.relation, scope, depth);
    const operator = objectOf(join.join_operator);
    const [kind = String(join.join_operator ?? 'Join'), constraint] = Object.entries(operator)[0] ?? [];
    if (!['Join', 'Inner'].includes(kind)) this.#add('join', depth, kind.toLowerCase());
    const { On, ...rest } = objectOf(constraint);
    for (const condition of conjunctsOf(On)) this.#expression('join', condition, scope, depth);
    if (Object.keys(rest).length > 0) this.#expression('join', rest, scope, depth);
  }

  /** ORDER BY and GROUP BY may name an output column by its number or its alias. */
  #output(expression: Json | undefined, { scope, projection }: Selected, depth: number): string {
    const identifier = objectOf(objectOf(expression).Identifier).value;
    const number = arrayOf(objectOf(objectOf(objectOf(expression).Value).value).Number)[0];
    const named = projection.find((item) => {
      const alias = objectOf(objectOf(objectOf(item).ExprWithAlias).alias).value;
      return typeof identifier === 'string' && String(alias).toLowerCase() === identifier.toLowerCase();
    });
    const meant = named ?? (typeof number === 'string' ? projection[Number(number) - 1] : undefined);
    return this.#text(
      meant === undefined ? expression : expressionOf(meant),
      scope,
      depth,
      meant === undefined,
    );
  }

  #expression(clause: ClauseName, node: Json | undefined, scope: Scope, depth: number): void {
    this.#add(clause, depth, this.#text(node, scope, depth, true));
  }

  /** The canonical text, queries inside replaced; they are collected themselves unless they have been before. */
  #text(node: Json | undefined, scope: Scope, depth: number, isNew: boolean): string {
    const withoutQueries = (inner: Json): Json => {
      if (Array.isArray(inner)) return inner.map(withoutQueries);
      if (!isObject(inner)) return inner;
      if (isQuery(inner)) {
        if (isNew) this.query(inner, scope, depth + 1);
        return QUERY;
      }
      return Object.fromEntries(Object.entries(inner).map(([key, child]) => [key, withoutQueries(child)]));
    };
    return JSON.stringify(canonical(withoutQueries(node ?? null), scope));
  }

  #add(clause: ClauseName, depth: number, text: string): void {
    this.clauses[clause].push(depth === 0 ? text : `${depth}:${text}`);
  }
}

interface Selected {
  readonly scope: Scope;
  readonly projection: readonly Json[];
}

function relationsOf(select: JsonObject): JsonObject[] {
  return arrayOf(select.from).flatMap((item) => {
    const { relation, joins } = objectOf(item);
    return [relation, ...arrayOf(joins).map((join) => objectOf(join).relation)].map(objectOf);
  });
}

/** Without the alias: what a column is called says nothing about what it holds. */
function expressionOf(item: Json): Json {
  const { UnnamedExpr, ExprWithAlias } = objectOf(item);
  return UnnamedExpr ?? objectOf(ExprWithAlias).expr ?? item;
}

function conjunctsOf(condition: Json | undefined): Json[] {
  if (condition === undefined || condition === null) return [];
  const { Nested, BinaryOp } = objectOf(condition);
  if (isObject(Nested)) return conjunctsOf(Nested);
  if (isObject(BinaryOp) && BinaryOp.op === 'And')
    return [...conjunctsOf(BinaryOp.left), ...conjunctsOf(BinaryOp.right)];
  return [condition];
}

/** From the syntax tree; undefined unless the text is one query that the parser knows. Needs `loadParser()` first. */
export function clausesOfTree(sql: string): Clauses | undefined {
  const statements = parseSql(sql);
  const query = statements?.length === 1 ? objectOf(statements[0]).Query : undefined;
  if (!isObject(query)) return undefined;
  const collector = new Collector();
  collector.query(query, noScope, 0);
  return collector.clauses;
}

const CLAUSE_OF_KEYWORD: Readonly<Record<string, ClauseName>> = {
  SELECT: 'select',
  FROM: 'from',
  JOIN: 'from',
  ON: 'join',
  USING: 'join',
  WHERE: 'where',
  GROUP: 'group',
  HAVING: 'having',
  ORDER: 'order',
  LIMIT: 'limit',
  OFFSET: 'limit',
};

/** From tokens, for any text: the outermost level only, parts as they are written but for case and spacing. */
export function clausesOfTokens(tokens: readonly SqlToken[]): Clauses {
  const clauses = emptyClauses();
  let clause: ClauseName = 'select';
  let part: SqlToken[] = [];
  const end = () => {
    if (part.length > 0) clauses[clause].push(normalizeTokens(part));
    part = [];
  };
  for (const token of tokens) {
    const next = token.depth === 0 && token.kind === 'keyword' ? CLAUSE_OF_KEYWORD[token.value] : undefined;
    if (next !== undefined) {
      end();
      clause = next;
    } else if (token.depth === 0 && isKeyword(token, 'DISTINCT')) {
      clauses.distinct.push('distinct');
    } else if (token.depth === 0 && isKeyword(token, 'UNION', 'INTERSECT', 'EXCEPT')) {
      end();
      clauses.set.push(token.value.toLowerCase());
    } else if (token.depth === 0 && (token.text === ',' || isKeyword(token, 'AND'))) end();
    else if (token.text !== ';' && !(part.length === 0 && isKeyword(token, 'BY'))) part.push(token);
  }
  end();
  return clauses;
}

/** The two sides in the same way: from trees if both have one. */
export function clausesOfBoth(a: string, b: string): readonly [Clauses, Clauses] {
  const trees = [clausesOfTree(a), clausesOfTree(b)] as const;
  if (trees[0] !== undefined && trees[1] !== undefined) return [trees[0], trees[1]];
  return [clausesOfTokens(codeTokens(a)), clausesOfTokens(codeTokens(b))];
}
