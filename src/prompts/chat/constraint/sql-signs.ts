/** What literals, operators and punctuation make of a context; undefined where they may not stand. */
import type { SchemaNames } from './schema-names.ts';
import {
  afterValue,
  type Context,
  type Expect,
  go,
  goWords,
  make,
  push,
  settle,
  topOf,
} from './sql-context.ts';
import { comparisons, typeNames } from './sql-language.ts';
import { afterStar, afterStatement } from './sql-names.ts';

export function afterNumber(context: Context): Context | undefined {
  return context.expect === 'operand' ? afterValue(context) : undefined;
}

/** Behind AS a string names the column. */
export function afterString(context: Context, text: string): Context | undefined {
  if (context.expect === 'alias') return text === '' ? undefined : go(make(context, text), 'after-alias');
  return context.expect === 'operand' ? afterValue(context) : undefined;
}

function open(context: Context): Context | undefined {
  switch (context.expect) {
    case 'operand':
      return push(context, 'group', 'operator', 'operand');
    case 'table':
      return push(context, 'join', 'after-table', 'table');
    case 'after-common-table':
      return push(context, 'names', 'after-common-table', 'made-name');
    case 'operator':
      return context.prev === 'type' ? push(context, 'call', 'operator', 'operand') : undefined;
    case 'words': {
      const after = context.only.find((word) => word.startsWith('('))?.slice(1) as Expect | undefined;
      if (after === undefined) return undefined;
      return push(context, context.opens, after, context.opens === 'query' ? 'start' : 'operand');
    }
    default:
      return undefined;
  }
}

const isWhole = ({ expect }: Context): boolean =>
  expect === 'operator' || expect === 'after-alias' || expect === 'after-table' || expect === 'joined';

function close(context: Context, schema: SchemaNames): Context | undefined {
  if (context.frames.length < 2) return undefined;
  const frame = topOf(context);
  const mayBeEmpty = (frame.kind === 'call' || frame.kind === 'over') && context.prev === '(';
  if (!mayBeEmpty && !isWhole(context)) return undefined;
  if (frame.kind === 'query' && (frame.phase === 'start' || frame.phase === 'with')) return undefined;
  const settled = settle(context, schema);
  if (settled === undefined) return undefined;
  const outer: Context = { ...settled, frames: settled.frames.slice(0, -1) };
  switch (frame.after) {
    case 'words':
      return goWords(outer, ['select', 'values'], 'common-table');
    case 'operator':
      if (frame.kind === 'call' || frame.kind === 'over') return go(outer, 'operator', 'called');
      return afterValue(outer);
    case 'after-table':
      return go(outer, 'after-table', 'subquery');
    default:
      return go(outer, frame.after);
  }
}

function comma(context: Context): Context | undefined {
  if (context.prev === 'common-table' && context.expect === 'words') return go(context, 'common-table');
  if (!isWhole(context)) return undefined;
  const { kind, phase } = topOf(context);
  if (kind === 'cast') return undefined;
  if (kind === 'names') return go(context, 'made-name');
  if (kind === 'join' || (kind === 'query' && phase === 'from')) return go(context, 'table');
  return go(context, 'operand', ',');
}

/** `-` and `+` in front of a number; the other operators stand between two values. */
const signs = new Set(['-', '+', '~']);

export function afterOperator(context: Context, schema: SchemaNames, sign: string): Context | undefined {
  switch (sign) {
    case '(':
      return open(context);
    case ')':
      return close(context, schema);
    case ',':
      return comma(context);
    case ';':
      return context.expect === 'end' ? undefined : afterStatement(context, schema);
    case '.':
      return undefined;
    case '*': {
      const star = afterStar(context);
      if (star !== undefined) return star;
      break;
    }
    case '::':
      if (schema.dialect === 'sqlite' || schema.dialect === 'mysql') return undefined;
      return context.expect === 'operator' ? goWords(context, typeNames, 'cast') : undefined;
    default:
  }
  if (signs.has(sign) && context.expect === 'operand') {
    return go(context, 'operand', context.prev === 'between' ? 'between' : 'sign');
  }
  if (context.expect !== 'operator' || context.prev === 'star') return undefined;
  return go(context, 'operand', comparisons.has(sign) ? 'compare' : 'sign');
}
