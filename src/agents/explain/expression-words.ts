/** Expressions of SQL in plain words, from their syntax trees. Knows names through a function that says them; no schema. */
import { isObject, type JsonObject } from '../../schema/syntax/parser.ts';
import { type Expression, listOf, objectOf, queriesIn, type ReadQuery } from '../reading/read-query.ts';

export interface Speaker {
  /** A column in words: `p.Project_Name` -> "project name". */
  column(qualifier: string | undefined, name: string): string;
  /** A query inside the statement. */
  query(query: ReadQuery): string;
}

const comparisons: Readonly<Record<string, string>> = {
  Eq: 'is',
  NotEq: 'is not',
  Gt: 'is more than',
  GtEq: 'is at least',
  Lt: 'is less than',
  LtEq: 'is at most',
};
const arithmetic: Readonly<Record<string, string>> = {
  Plus: 'plus',
  Minus: 'minus',
  Multiply: 'times',
  Divide: 'divided by',
  Modulo: 'modulo',
  StringConcat: 'followed by',
};
const calls: Readonly<Record<string, string>> = {
  sum: 'the total of',
  avg: 'the average of',
  min: 'the lowest',
  max: 'the highest',
  total: 'the total of',
  group_concat: 'the list of',
  round: 'rounded',
  abs: 'the absolute value of',
  lower: 'in small letters',
  upper: 'in capitals',
  length: 'the length of',
  date: 'the date of',
};

const nameOf = (call: JsonObject): string =>
  String(objectOf(objectOf(listOf(call.name).at(-1)).Identifier).value ?? '').toLowerCase();

function literal(value: JsonObject): string {
  if (Array.isArray(value.Number)) return String(value.Number[0]);
  const text = value.SingleQuotedString ?? value.DoubleQuotedString;
  if (typeof text === 'string') return `“${text}”`;
  return typeof value.Boolean === 'boolean' ? String(value.Boolean) : 'nothing';
}

export const textLiteral = (node: Expression | undefined): string | undefined => {
  const text = objectOf(objectOf(objectOf(node).Value).value).SingleQuotedString;
  return typeof text === 'string' ? text : undefined;
};

function argumentsOf(call: JsonObject): Expression[] {
  return listOf(objectOf(objectOf(call.args).List).args).map((item) => {
    const { Unnamed } = objectOf(item);
    return Unnamed === 'Wildcard' ? 'Wildcard' : (objectOf(Unnamed).Expr ?? null);
  });
}

const dateParts: Readonly<Record<string, string>> = {
  '%Y': 'the year of',
  '%m': 'the month of',
  '%d': 'the day of',
  '%Y-%m': 'the year and month of',
  '%w': 'the weekday of',
};

function callWords(call: JsonObject, speak: (node: Expression) => string): string {
  const name = nameOf(call);
  const parts = argumentsOf(call);
  const isDistinct = objectOf(objectOf(call.args).List).duplicate_treatment === 'Distinct';
  const [first] = parts;
  let words: string;
  if (name === 'count') {
    const what =
      first === undefined || first === 'Wildcard'
        ? 'rows'
        : `${isDistinct ? 'different ' : ''}${speak(first)} values`;
    words = `the number of ${what}`;
  } else if (name === 'strftime' && dateParts[textLiteral(first) ?? ''] !== undefined)
    words = `${dateParts[textLiteral(first)!]} ${speak(parts[1] ?? null)}`;
  else if (name === 'coalesce' || name === 'ifnull')
    words = `${speak(first ?? null)} (or ${parts.slice(1).map(speak).join(' or ')} where there is none)`;
  else if (name === 'round') words = `${speak(first ?? null)}, rounded`;
  else if (name === 'julianday') words = `the day number of ${speak(first ?? null)}`;
  else if (name === 'date' && textLiteral(first) === 'now') words = 'today';
  else if (calls[name] !== undefined && parts.length > 0)
    words = `${calls[name]} ${isDistinct ? 'different ' : ''}${speak(first!)}`;
  else words = parts.length === 0 ? windowName(name) : `${name}(${parts.map(speak).join(', ')})`;
  if (isObject(call.filter)) words += ` where ${speak(call.filter)}`;
  return isObject(call.over) ? `${words}${overWords(call.over, speak)}` : words;
}

function windowName(name: string): string {
  const names: Readonly<Record<string, string>> = {
    row_number: 'the row number',
    rank: 'the rank',
    dense_rank: 'the rank without gaps',
  };
  return names[name] ?? `${name}()`;
}

function overWords(over: JsonObject, speak: (node: Expression) => string): string {
  const { partition_by: partition, order_by: order } = objectOf(over.WindowSpec);
  const within = listOf(partition).map(speak);
  const sorted = listOf(order).map((item) => {
    const { expr, options } = objectOf(item);
    return `${speak(expr ?? null)}${objectOf(options).asc === false ? ' (highest first)' : ''}`;
  });
  const parts = [
    within.length === 0 ? '' : ` within each ${within.join(' and ')}`,
    sorted.length === 0 ? '' : ` by ${sorted.join(', ')}`,
  ];
  return parts.join('');
}

function binaryWords(binary: JsonObject, speak: (node: Expression) => string): string {
  const operator = String(binary.op);
  const [left, right] = [binary.left ?? null, binary.right ?? null];
  if (operator === 'And' || operator === 'Or')
    return `${speak(left)} ${operator.toLowerCase()} ${speak(right)}`;
  const words = comparisons[operator] ?? arithmetic[operator] ?? operator.toLowerCase();
  return `${speak(left)} ${words} ${speak(right)}`;
}

function likeWords(like: JsonObject, speak: (node: Expression) => string): string {
  const pattern = textLiteral(like.pattern);
  const not = like.negated === true ? 'does not ' : '';
  const left = speak(like.expr ?? null);
  const inner = pattern?.replace(/^%|%$/g, '');
  if (pattern === undefined || inner === undefined || /[%_]/.test(inner))
    return `${left} ${not === '' ? 'matches' : 'does not match'} ${speak(like.pattern ?? null)}`;
  const verb = (one: string, many: string): string => (not === '' ? one : `${not}${many}`);
  if (pattern.startsWith('%') && pattern.endsWith('%'))
    return `${left} ${verb('contains', 'contain')} “${inner}”`;
  if (pattern.endsWith('%')) return `${left} ${verb('starts', 'start')} with “${inner}”`;
  if (pattern.startsWith('%')) return `${left} ${verb('ends', 'end')} with “${inner}”`;
  return `${left} ${verb('is', 'match')} “${inner}”`;
}

function caseWords(node: JsonObject, speak: (node: Expression) => string): string {
  const operand = isObject(node.operand) ? `${speak(node.operand)} is ` : '';
  const parts = listOf(node.conditions).map((part) => {
    const { condition, result } = objectOf(part);
    return `${speak(result ?? null)} where ${operand}${speak(condition ?? null)}`;
  });
  const otherwise =
    node.else_result === undefined || node.else_result === null
      ? ''
      : `, otherwise ${speak(node.else_result)}`;
  return `${parts.join(', ')}${otherwise}`;
}

/** Words for an expression; a syntax without words is named by its kind, never left out silently. */
export function expressionWords(node: Expression, speaker: Speaker): string {
  const speak = (inner: Expression): string => expressionWords(inner, speaker);
  if (!isObject(node)) return String(node);
  const [[kind = '', content] = []] = Object.entries(node) as [string, Expression][];
  const inside = objectOf(content);
  const not = inside.negated === true ? 'not ' : '';
  switch (kind) {
    case 'Identifier':
      return speaker.column(undefined, String(inside.value));
    case 'CompoundIdentifier': {
      const names = listOf(content).map((part) => String(objectOf(part).value));
      return speaker.column(names.at(-2), names.at(-1)!);
    }
    case 'Value':
      return literal(objectOf(inside.value));
    case 'TypedString':
      return literal(objectOf(objectOf(inside.value).value ?? inside.value));
    case 'Function':
      return callWords(inside, speak);
    case 'BinaryOp':
      return binaryWords(inside, speak);
    case 'UnaryOp':
      return inside.op === 'Not' ? `not ${speak(inside.expr ?? null)}` : `-${speak(inside.expr ?? null)}`;
    case 'Nested':
      return `(${speak(content ?? null)})`;
    case 'Between':
      return `${speak(inside.expr ?? null)} is ${not}between ${speak(inside.low ?? null)} and ${speak(inside.high ?? null)}`;
    case 'InList':
      return `${speak(inside.expr ?? null)} is ${not}one of ${listOf(inside.list).map(speak).join(', ')}`;
    case 'InSubquery':
    case 'Exists':
    case 'Subquery':
      return subqueryWords(kind, node, inside, speaker);
    case 'IsNull':
      return `${speak(content ?? null)} is missing`;
    case 'IsNotNull':
      return `${speak(content ?? null)} is known`;
    case 'Like':
      return likeWords(inside, speak);
    case 'Case':
      return caseWords(inside, speak);
    case 'Cast':
    case 'Floor':
    case 'Ceil':
    case 'Trim':
    case 'Collate':
      return speak(inside.expr ?? null);
    case 'Substring':
      return `part of ${speak(inside.expr ?? null)}`;
    case 'Extract':
      return `the ${String(inside.field).toLowerCase()} of ${speak(inside.expr ?? null)}`;
    case 'Tuple':
      return listOf(content).map(speak).join(' and ');
    default:
      return `a ${kind} expression`;
  }
}

function subqueryWords(kind: string, node: JsonObject, inside: JsonObject, speaker: Speaker): string {
  const [query] = queriesIn(node);
  const inner = query === undefined ? 'a query' : speaker.query(query);
  const not = inside.negated === true;
  if (kind === 'Exists') return `there is ${not ? 'none' : 'one'} among ${inner}`;
  if (kind === 'Subquery') return inner;
  return `${expressionWords(inside.expr ?? null, speaker)} is ${not ? 'not ' : ''}among ${inner}`;
}
