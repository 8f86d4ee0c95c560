/** What a keyword does to a context; undefined where it may not stand. */
import type { SchemaNames } from './schema-names.ts';
import { type Context, go, goOpen, goWords, settle, topOf, withTop } from './sql-context.ts';
import { collations, typeNames } from './sql-language.ts';

type Step = (context: Context, schema: SchemaNames, word: string) => Context | undefined;

const behindTable = new Set(['after-table', 'joined']);
const isOperator = ({ expect }: Context): boolean => expect === 'operator' || expect === 'words';
const isOperand = ({ expect }: Context): boolean => expect === 'operand' || expect === 'words';
/** Behind something whole: a value, an alias, a table. */
const isWhole = ({ expect }: Context): boolean =>
  expect === 'operator' || expect === 'after-alias' || behindTable.has(expect);

const setOperations = new Set(['union', 'intersect', 'except']);
const queryOpeners = new Set(['group', 'in', 'join', 'query']);

function mayBeginQuery(context: Context): boolean {
  const { expect, prev } = context;
  if (expect === 'start' || prev === 'common-table') return true;
  const top = topOf(context);
  const isFirst = prev === '(' && top.phase === 'start' && queryOpeners.has(top.kind);
  return isFirst && (expect === 'operand' || expect === 'table');
}

const begin =
  (phase: 'with' | 'select' | 'rest'): Step =>
  (context, _, word) => {
    if (!mayBeginQuery(context)) return undefined;
    const isContinued =
      setOperations.has(context.prev) || context.prev === 'all' || context.prev === 'common-table';
    if (phase === 'with' && isContinued) return undefined;
    const query = withTop(context, { kind: 'query', phase });
    return go(query, phase === 'with' ? 'common-table' : 'operand', word);
  };

const operand =
  (isAllowed: (context: Context) => boolean): Step =>
  (context, _, word) =>
    isAllowed(context) ? go(context, 'operand', word) : undefined;

const value: Step = (context) =>
  isOperand(context)
    ? go(context, 'operator', context.prev === 'between' ? 'between-value' : 'constant')
    : undefined;

const suffix: Step = (context, _, word) => (isOperator(context) ? go(context, 'operator', word) : undefined);

/** WHERE and its like: ends the FROM clause of a query. */
const clause =
  (next: (context: Context, word: string) => Context): Step =>
  (context, schema, word) => {
    const { kind, phase } = topOf(context);
    if (!isWhole(context) || kind !== 'query' || phase === 'start' || phase === 'with') return undefined;
    const settled = settle(context, schema);
    return settled === undefined ? undefined : next(withTop(settled, { phase: 'rest' }), word);
  };

const setOperation: Step = (context, schema, word) => {
  const { kind, phase } = topOf(context);
  if (!isWhole(context) || kind !== 'query' || phase === 'start' || phase === 'with') return undefined;
  const settled = settle(context, schema);
  return settled === undefined
    ? undefined
    : go(withTop(settled, { phase: 'start', tables: [] }), 'start', word);
};

const inFrom = (context: Context): boolean => {
  const { kind, phase } = topOf(context);
  return (kind === 'query' && phase === 'from') || kind === 'join';
};
const joinWords = ['join', 'inner', 'left', 'right', 'full', 'outer', 'cross', 'natural'];
const mayJoin = (context: Context): boolean =>
  context.expect === 'words' ||
  ((behindTable.has(context.expect) || context.expect === 'operator') && inFrom(context));

const joining: Step = (context) => (mayJoin(context) ? goWords(context, joinWords) : undefined);

const from: Step = (context) => {
  if (context.prev === 'is distinct') return go(context, 'operand', 'compare');
  const { kind, phase } = topOf(context);
  if (context.expect === 'operator' && kind === 'call') return go(context, 'operand');
  const isEnd = context.expect === 'operator' || context.expect === 'after-alias';
  return isEnd && kind === 'query' && phase === 'select'
    ? go(withTop(context, { phase: 'from' }), 'table', 'from')
    : undefined;
};

const as: Step = (context) => {
  const { kind, phase } = topOf(context);
  switch (context.expect) {
    case 'after-table':
      return go(context, 'table-alias', context.prev);
    case 'after-common-table':
      return { ...goOpen(context, 'query', 'after-common-table'), only: ['(words', 'materialized', 'not'] };
    case 'operator':
      if (kind === 'cast') return goWords(context, typeNames, 'cast');
      return kind === 'query' && phase === 'select' ? go(context, 'alias') : undefined;
    default:
      return undefined;
  }
};

const negatable = ['in', 'like', 'ilike', 'glob', 'regexp', 'match', 'between', 'null'];
const not: Step = (context) => {
  if (context.expect === 'operand') return go(context, 'operand', context.prev === 'is' ? 'is' : 'not');
  if (context.opens === 'query') return { ...context, only: ['(words', 'materialized'] };
  return isOperator(context) ? goWords(context, negatable) : undefined;
};

const distinct: Step = (context) => {
  if (context.expect === 'start') return undefined;
  if (context.expect !== 'operand') return undefined;
  if (context.prev === 'is') return goWords(context, ['from'], 'is distinct');
  return context.prev === 'select' || context.prev === '(' ? go(context, 'operand', 'distinct') : undefined;
};

const all: Step = (context) => {
  if (context.expect === 'start')
    return setOperations.has(context.prev) ? go(context, 'start', 'all') : undefined;
  return context.expect === 'operand' && context.prev === 'select'
    ? go(context, 'operand', 'distinct')
    : undefined;
};

const isOver = (context: Context): boolean => topOf(context).kind === 'over';
const order: Step = (context, schema, word) => {
  const { kind } = topOf(context);
  const isFirst = kind === 'over' && context.prev === '(';
  if (isFirst || ((kind === 'over' || kind === 'call') && context.expect === 'operator'))
    return goWords(context, ['by']);
  return clause((settled) => goWords(settled, ['by']))(context, schema, word);
};
const where: Step = (context, schema, word) =>
  isOver(context) && context.prev === '('
    ? go(context, 'operand', word)
    : clause((settled) => go(settled, 'operand', word))(context, schema, word);
const group: Step = (context, schema, word) =>
  context.prev === 'within'
    ? goOpen(context, 'over', 'operator')
    : clause((settled) => goWords(settled, ['by']))(context, schema, word);
const frameUnit: Step = (context, _, word) =>
  isOver(context) && (context.prev === '(' || context.expect === 'operator')
    ? go(context, 'operand', word)
    : undefined;

const bound: Step = (context) =>
  isOver(context) && isOperator(context) ? go(context, 'operator', 'bound') : undefined;

const isTyped = ({ prev }: Context): boolean => prev === 'type';
const onlyListed: Step = () => undefined;

const steps: Readonly<Record<string, Step>> = {
  select: begin('select'),
  with: begin('with'),
  values: begin('rest'),
  from,
  as,
  not,
  distinct,
  all,
  order,
  where,
  group,
  union: setOperation,
  intersect: setOperation,
  except: setOperation,
  having: clause((context) => go(context, 'operand')),
  limit: clause((context) => go(context, 'operand')),
  offset: clause((context) => go(context, 'operand')),
  join: (context) => (mayJoin(context) ? go(context, 'table', 'join') : undefined),
  ...Object.fromEntries(joinWords.slice(1).map((word) => [word, joining])),
  on: operand(({ expect }) => behindTable.has(expect)),
  using: (context) => (behindTable.has(context.expect) ? goOpen(context, 'group', 'joined') : undefined),
  and: (context) =>
    isOperator(context)
      ? go(context, 'operand', context.prev === 'between-value' ? 'between' : 'and')
      : undefined,
  or: operand(isOperator),
  case: operand(isOperand),
  when: operand((context) => context.expect === 'operator' || context.prev === 'case'),
  // biome-ignore lint/suspicious/noThenProperty: a word of SQL
  then: operand(isOperator),
  else: operand(isOperator),
  end: suffix,
  asc: suffix,
  desc: suffix,
  isnull: suffix,
  notnull: suffix,
  null: value,
  true: value,
  false: value,
  current_date: value,
  current_time: value,
  current_timestamp: value,
  is: operand(isOperator),
  in: (context) => (isOperator(context) ? goOpen(context, 'in', 'operator') : undefined),
  like: operand(isOperator),
  ilike: operand(isOperator),
  glob: operand(isOperator),
  regexp: operand(isOperator),
  match: operand(isOperator),
  escape: operand(isOperator),
  between: operand((context) => isOperator(context) || (isOver(context) && context.prev !== '(')),
  exists: (context) => (isOperand(context) ? goOpen(context, 'group', 'operator') : undefined),
  cast: (context) => (isOperand(context) ? goOpen(context, 'cast', 'operator') : undefined),
  collate: (context) => (isOperator(context) ? goWords(context, collations, 'collate') : undefined),
  nulls: (context) => (isOperator(context) ? goWords(context, ['first', 'last'], 'nulls') : undefined),
  over: (context) => (context.prev === 'called' ? goOpen(context, 'over', 'operator') : undefined),
  filter: (context) =>
    context.prev === 'called' ? goOpen(context, 'over', 'operator', 'called') : undefined,
  within: (context) => (context.prev === 'called' ? goWords(context, ['group'], 'within') : undefined),
  partition: (context) => (isOver(context) && context.prev === '(' ? goWords(context, ['by']) : undefined),
  rows: frameUnit,
  range: frameUnit,
  groups: frameUnit,
  unbounded: (context) =>
    isOver(context) && context.expect === 'operand'
      ? goWords(context, ['preceding', 'following'])
      : undefined,
  current: (context) =>
    isOver(context) && context.expect === 'operand' ? goWords(context, ['row']) : undefined,
  preceding: bound,
  following: bound,
  recursive: (context) => (context.prev === 'with' ? go(context, 'common-table', 'recursive') : undefined),
  precision: (context) => (isTyped(context) ? go(context, 'operator', 'type') : undefined),
  varying: (context) => (isTyped(context) ? go(context, 'operator', 'type') : undefined),
  interval: (context, { dialect }) =>
    dialect !== 'sqlite' && context.expect === 'operand' ? go(context, 'operand', 'interval') : undefined,
};

const listed: Readonly<Record<string, Step>> = {
  by: (context) => go(context, 'operand', 'by'),
  first: (context) => go(context, 'operator', 'nulls'),
  last: (context) => go(context, 'operator', 'nulls'),
  row: (context) => go(context, 'operator', 'bound'),
  materialized: (context) => ({ ...context, only: ['(words'] }),
};

function listedStep(word: string, { prev }: Context): Step {
  if (prev === 'cast') return (context) => go(context, 'operator', 'type');
  if (prev === 'collate') return (context) => go(context, 'operator', 'collate');
  return listed[word] ?? steps[word] ?? onlyListed;
}

export function afterKeyword(context: Context, schema: SchemaNames, word: string): Context | undefined {
  if (context.expect === 'words') {
    return context.only.includes(word) ? listedStep(word, context)(context, schema, word) : undefined;
  }
  return Object.hasOwn(steps, word) ? steps[word]!(context, schema, word) : undefined;
}
