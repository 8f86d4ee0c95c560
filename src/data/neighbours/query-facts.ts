/**
 * What a query says of the values it looks for: which columns it compares with which constants, which tables it joins, and
 * which columns it takes for unique. A condition that it does not understand is left out, never guessed.
 */
import { isKeyword } from '../../database/sql-text.ts';
import {
  type ColumnPlace,
  type Constant,
  createReader,
  type Reader,
  readConstant,
  readList,
} from './query-reader.ts';
import type { SourceDatabase } from './source.ts';

export type ConditionOperator = '=' | '<>' | '<' | '<=' | '>' | '>=' | 'like' | 'between';

export interface Condition extends ColumnPlace {
  readonly operator: ConditionOperator;
  readonly values: readonly Constant[];
}

export interface QueryFacts {
  /** As the source spells them, each once. */
  readonly tables: readonly string[];
  readonly conditions: readonly Condition[];
  /** Columns that the query sets equal to each other. */
  readonly equalities: readonly (readonly [ColumnPlace, ColumnPlace])[];
  readonly hasSetOperation: boolean;
  /** It asks for groups of a column's values with so many rows, by HAVING count(…). */
  readonly largeGroup: (ColumnPlace & { readonly rows: number }) | undefined;
  /**
   * Columns whose repeated values would change what the query is about: it groups by them, or compares sets of them, or
   * refers to a row by them.
   */
  readonly assumedUnique: readonly ColumnPlace[];
}

const MIRRORED: Readonly<Record<string, ConditionOperator>> = {
  '=': '=',
  '==': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};
const OPERATORS: Readonly<Record<string, ConditionOperator>> = {
  '=': '=',
  '==': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};

/** What follows a column (or a function of one): operator and constants. */
function readComparison(
  reader: Reader,
  start: number,
): { operator: ConditionOperator; values: readonly Constant[] } | undefined {
  const { tokens } = reader;
  const isNegated = isKeyword(tokens[start], 'NOT');
  const at = isNegated ? start + 1 : start;
  const token = tokens[at];
  if (isKeyword(token, 'LIKE', 'GLOB', 'ILIKE')) {
    const pattern = readConstant(reader, at + 1);
    return pattern && { operator: 'like', values: [pattern.value] };
  }
  if (isKeyword(token, 'BETWEEN')) {
    const low = readConstant(reader, at + 1);
    const high = low && isKeyword(tokens[low.end], 'AND') ? readConstant(reader, low.end + 1) : undefined;
    return low && high && { operator: 'between', values: [low.value, high.value] };
  }
  if (isKeyword(token, 'IN') && tokens[at + 1]?.text === '(') {
    const values = readList(reader, at + 1);
    return values.length === 0 ? undefined : { operator: isNegated ? '<>' : '=', values };
  }
  const operator = isKeyword(token, 'IS') ? '=' : token && OPERATORS[token.text];
  const constant = operator && readConstant(reader, at + 1);
  return operator && constant ? { operator, values: [constant.value] } : undefined;
}

/** Behind `lower(name)`, `trim(t.name)`: the position after the closing parenthesis of a call with nothing else in it. */
function afterCall(reader: Reader, at: number, end: number): number | undefined {
  const { tokens } = reader;
  const isCall =
    tokens[at - 1]?.text === '(' && tokens[at - 2]?.kind === 'identifier' && tokens[end]?.text === ')';
  return isCall && /^(?:lower|upper|l?r?trim|cast)$/i.test(tokens[at - 2]!.text) ? end + 1 : undefined;
}

function readConditions(reader: Reader): Pick<QueryFacts, 'conditions' | 'equalities'> {
  const conditions: Condition[] = [];
  const equalities: (readonly [ColumnPlace, ColumnPlace])[] = [];
  reader.tokens.forEach((_, at) => {
    const reference = reader.refer(at);
    if (reference === undefined) return;
    const { places, end } = reference;
    const comparison = readComparison(reader, afterCall(reader, at, end) ?? end);
    if (comparison !== undefined) {
      conditions.push(...places.map((place) => ({ ...place, ...comparison })));
      return;
    }
    const operator = reader.tokens[end]?.text ?? '';
    const other = operator === '=' || operator === '==' ? reader.refer(end + 1) : undefined;
    if (other?.places.length === 1 && places.length === 1) equalities.push([places[0]!, other.places[0]!]);
    const before = reader.tokens[at - 1]?.text ?? '';
    const mirrored = MIRRORED[before];
    const start = reader.tokens[at - 3]?.text === '-' ? at - 3 : at - 2;
    const constant = mirrored === undefined ? undefined : readConstant(reader, Math.max(0, start));
    if (mirrored !== undefined && constant?.end === at - 1) {
      conditions.push(...places.map((place) => ({ ...place, operator: mirrored, values: [constant.value] })));
    }
  });
  return { conditions, equalities };
}

const CLAUSE_ENDS = [
  'HAVING',
  'ORDER',
  'LIMIT',
  'UNION',
  'INTERSECT',
  'EXCEPT',
  'WINDOW',
  'WHERE',
  'FROM',
  'GROUP',
];

/** The columns named from a position on, up to the end of the clause or of the parentheses around it. */
function placesInClause(reader: Reader, start: number): ColumnPlace[] {
  const depth = reader.tokens[start - 1]!.depth;
  const places: ColumnPlace[] = [];
  for (let at = start; at < reader.tokens.length; at++) {
    const token = reader.tokens[at]!;
    if (
      token.depth < depth ||
      (token.depth === depth && (isKeyword(token, ...CLAUSE_ENDS) || token.text === ')'))
    )
      break;
    places.push(...(reader.refer(at)?.places ?? []));
  }
  return places;
}

/** GROUP BY in a join, where it mostly stands for a key; the outputs of what is joined by a set operation; `x = (SELECT …)` and `x IN (SELECT y …)`. */
function readAssumedUnique(reader: Reader, isJoin: boolean): ColumnPlace[] {
  const { tokens } = reader;
  const hasSetOperation = (depth: number) =>
    tokens.some((token) => token.depth === depth && isKeyword(token, 'UNION', 'INTERSECT', 'EXCEPT'));
  return tokens.flatMap((token, at): ColumnPlace[] => {
    if (isKeyword(token, 'GROUP') && isKeyword(tokens[at + 1], 'BY'))
      return isJoin ? placesInClause(reader, at + 2) : [];
    if (!isKeyword(token, 'SELECT')) return [];
    const isSubquery = tokens[at - 1]?.text === '(';
    const isCompared =
      isSubquery && (isKeyword(tokens[at - 2], 'IN') || OPERATORS[tokens[at - 2]?.text ?? ''] !== undefined);
    return isCompared || hasSetOperation(token.depth) ? placesInClause(reader, at + 1) : [];
  });
}

const GROUP_ROWS_MAX = 60;

function readLargeGroup(reader: Reader): QueryFacts['largeGroup'] {
  const { tokens } = reader;
  const group = tokens.findIndex((token, at) => isKeyword(token, 'GROUP') && isKeyword(tokens[at + 1], 'BY'));
  const place = group < 0 ? undefined : placesInClause(reader, group + 2)[0];
  const having = tokens.findIndex((token, at) => at > group && isKeyword(token, 'HAVING'));
  if (place === undefined || having < 0) return undefined;
  const sizes = tokens.slice(having).flatMap((token, n) => {
    const isCompared =
      OPERATORS[tokens[having + n - 1]?.text ?? ''] !== undefined && tokens[having + n - 2]?.text === ')';
    return token.kind === 'number' && isCompared ? [Number(token.text) + 2] : [];
  });
  const rows = Math.max(0, ...sizes.filter((size) => Number.isInteger(size) && size <= GROUP_ROWS_MAX));
  return rows < 3 ? undefined : { ...place, rows };
}

/** Two values of one column cannot be had of one row: what is asked for must occur in several. */
function needsRepeats(conditions: readonly Condition[]): boolean {
  const isOther = (a: Condition, b: Condition) =>
    a.table === b.table &&
    a.column === b.column &&
    (a.operator !== b.operator || a.values[0] !== b.values[0]);
  return conditions.some((a) => conditions.some((b) => isOther(a, b)));
}

export function queryFactsOf(source: SourceDatabase, sql: string): QueryFacts {
  const { reader, tables } = createReader(source, sql);
  const isJoin = tables.length > 1;
  const { conditions, equalities } = readConditions(reader);
  return {
    tables: tables.map(({ name }) => name),
    conditions,
    equalities,
    hasSetOperation: reader.tokens.some((token) => isKeyword(token, 'INTERSECT', 'EXCEPT')),
    largeGroup: readLargeGroup(reader),
    assumedUnique: !isJoin && needsRepeats(conditions) ? [] : readAssumedUnique(reader, isJoin),
  };
}
