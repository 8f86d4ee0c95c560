/**
 * The opposite question: "highest first" becomes "lowest first", "the total" "the average", in words and in SQL, where
 * one word of the question belongs to one place of the statement, as far as words alone can tell; comparisons are in comparisons.ts.
 * What a model learns from a long statement is then that the words decide, not that such statements end that way.
 *
 * Source of the idea: contrast sets (Gardner et al. 2020, "Evaluating Models' Local Decision Boundaries via Contrast Sets",
 * https://aclanthology.org/2020.findings-emnlp.117), here made by rule and for training.
 */
import { orderTerms } from '../../database/comparison/ordering.ts';
import { isKeyword, normalizeTokens, type SqlToken } from '../../database/sql-text.ts';
import { readStatement, type Statement } from './clauses.ts';
import { formsOf } from './column-words.ts';
import { type Operation, type Pair, tablesOf } from './operations.ts';
import { placesOf, reversed, type Said, said, type Turn } from './word-places.ts';

/** The statement with other texts in the places of some tokens. */
function withTexts(sql: string, tokens: readonly SqlToken[], textOf: (token: SqlToken) => string): string {
  return tokens.reduceRight(
    (text, token) => text.slice(0, token.start) + textOf(token) + text.slice(token.end),
    sql,
  );
}

// Order

const firstOnes: readonly Turn[] = [
  ['highest', 'lowest'],
  ['largest', 'smallest'],
  ['biggest', 'smallest'],
  ['greatest', 'smallest'],
  ['longest', 'shortest'],
  ['newest', 'oldest'],
  ['latest', 'earliest'],
  ['most recent', 'oldest'],
  ['most expensive', 'cheapest'],
  ['dearest', 'cheapest'],
];
const countedFirst: readonly Turn[] = [['most', 'fewest']];
const directions: readonly Turn[] = [
  ['descending', 'ascending'],
  ['from high to low', 'from low to high'],
  ['from most to least', 'from least to most'],
  ['from highest to lowest', 'from lowest to highest'],
  ['from largest to smallest', 'from smallest to largest'],
  ['from the highest to the lowest', 'from the lowest to the highest'],
  ['from the largest to the smallest', 'from the smallest to the largest'],
];
/** "highest first", "highest total budget first", "highest on top". */
const beforeFirst = String.raw`(?=(?:\s[\w'’-]+){0,3}?\s(?:first|on top|at the top)\b)`;

/** "most projects first", and not "most valuable first". */
const countedBeforeFirst = String.raw`(?=\s(?:[\w-]+s|people)\s(?:first|on top|at the top)\b)`;

/** What is missing has its own place, and stays there; another word says which end comes first. */
const otherwiseOrdered =
  /\b(?:unknown|unrated|missing|empty|blank|without|none|null)\b[^.;]*\b(?:last|first|end|bottom|top)\b|\b(?:at the head|leads?|leading|downwards?|upwards?)\b/i;

/** The answer the other way round; not of the first few rows, where order decides which ones they are. */
export const turnOrder: Operation = (_, { question, sql }) => {
  const { tokens } = readStatement(sql);
  const keys = orderTerms(tokens);
  if (keys === undefined || tokens.some((token) => token.depth === 0 && isKeyword(token, 'LIMIT')))
    return undefined;
  if (otherwiseOrdered.test(question)) return undefined;
  const places = (turn: (turns: readonly Turn[]) => readonly Turn[]): Said[] => [
    ...placesOf(question, turn(firstOnes), beforeFirst),
    ...placesOf(question, turn(countedFirst), countedBeforeFirst),
    ...placesOf(question, turn(directions)),
  ];
  const falling = places((turns) => turns);
  const rising = places(reversed);
  if (falling.length + rising.length !== 1) return undefined;
  const isFalling = (key: readonly SqlToken[]): boolean => isKeyword(key.at(-1), 'DESC');
  const fallingKeys = keys.filter(isFalling);
  if (falling.length === 1) {
    if (fallingKeys.length !== 1) return undefined;
    const key = fallingKeys[0]!;
    const { end } = key.at(-2)!;
    return { question: said(question, falling[0]!), sql: sql.slice(0, end) + sql.slice(key.at(-1)!.end) };
  }
  if (keys.length !== 1 || fallingKeys.length > 0) return undefined;
  const { end } = keys[0]!.at(-1)!;
  return { question: said(question, rising[0]!), sql: `${sql.slice(0, end)} DESC${sql.slice(end)}` };
};

// Aggregates

interface AggregateTurn {
  readonly from: string;
  readonly to: string;
  readonly words: readonly Turn[];
  /** Other words for the same: with one of them the question would go on asking for it. */
  readonly also: RegExp;
}

const totals: readonly Turn[] = [
  ['total', 'average'],
  ['totals', 'averages'],
  ['combined', 'average'],
];
const means: readonly Turn[] = [
  ['average', 'total'],
  ['averages', 'totals'],
  ['mean', 'total'],
];
const extremes: readonly Turn[] = [
  ['highest', 'lowest'],
  ['largest', 'smallest'],
  ['latest', 'earliest'],
];
const aggregates: readonly AggregateTurn[] = [
  {
    from: 'SUM',
    to: 'AVG',
    words: totals,
    also: /\b(?:sums?|altogether|in total|in all|together|adds?|overall|averages?|mean|volume|shares?|percent\w*|proportion|part|accumulat\w*|cumulative|running)\b|%/i,
  },
  {
    from: 'AVG',
    to: 'SUM',
    words: means,
    also: /\b(?:averaged|averaging|on average|per head|typical|usual|totals?|sums?|means|median|middle|shares?|percent\w*|proportion|running|moving)\b|%/i,
  },
  {
    from: 'MAX',
    to: 'MIN',
    words: [...extremes, ['biggest', 'smallest']],
    also: /\b(?:maximum|max|last|most|top|first|best|newest|greatest|lowest|smallest)\b/i,
  },
  {
    from: 'MIN',
    to: 'MAX',
    words: reversed(extremes),
    also: /\b(?:minimum|min|first|least|oldest|bottom|worst|highest|largest)\b/i,
  },
];

/** The aggregate's calls, where all of them are over the same plain column; undefined otherwise. */
function callsOf(
  { tokens }: Statement,
  name: string,
): { calls: readonly SqlToken[]; column: string } | undefined {
  const calls = tokens.filter(
    (token, at) => token.value.toUpperCase() === name && tokens[at + 1]?.text === '(',
  );
  const isWindow = (call: SqlToken): boolean => {
    const close = tokens.findIndex(
      (token) => token.text === ')' && token.start > call.end && token.depth === call.depth,
    );
    return isKeyword(tokens[close + 1], 'OVER');
  };
  if (calls.some(isWindow)) return undefined;
  const inside = calls.map((call) => {
    const start = tokens.indexOf(call) + 2;
    const end = tokens.findIndex((token, at) => at >= start && token.text === ')');
    return tokens.slice(start, end);
  });
  if (calls.length === 0 || new Set(inside.map(normalizeTokens)).size !== 1) return undefined;
  const [argument] = inside;
  const isColumn = argument!.length === 1 || (argument!.length === 3 && argument![1]!.text === '.');
  return isColumn && argument!.at(-1)!.kind === 'identifier'
    ? { calls, column: argument!.at(-1)!.value }
    : undefined;
}

/** Whether `AS total` names something else than one of the calls. */
function namesAnother({ tokens }: Statement, name: SqlToken, calls: readonly SqlToken[]): boolean {
  const at = tokens.indexOf(name);
  if (!isKeyword(tokens[at - 1], 'AS')) return false;
  const close = tokens[at - 2];
  const open = tokens.findLastIndex(
    (token, i) => i < at - 2 && token.text === '(' && token.depth === close?.depth,
  );
  return !calls.includes(tokens[open - 1]!);
}

/** "total budget", "highest total first": of another thing's total, or of a count, the word stays. */
function isOfColumn(question: string, { at, length }: Said, nouns: readonly string[]): boolean | undefined {
  const rest = question.slice(at + length).toLowerCase();
  const [, first = '', second = ''] =
    /^ (?:of (?:the |all |its |their )?)?([\w-]+)(?: ([\w-]+))?/.exec(rest) ?? [];
  const isNamed = nouns.some(
    (noun) => [first, second, `${first} ${second}`].includes(noun) || first === noun.split(' ')[0],
  );
  if (isNamed) return true;
  // Alone, it means what was named before.
  return /^(?:$|s?[,.;:)?]| first\b| on top\b| and\b| descending| ascending)/.test(rest) ? undefined : false;
}

/** "the total" as "the average", or "the highest" as "the lowest", of one column. */
export const turnAggregate: Operation = (context, { question, sql }) => {
  const statement = readStatement(sql);
  const tables = tablesOf(context, statement);
  const choices = aggregates.flatMap(({ from, to, words, also }): Pair[] => {
    const found = callsOf(statement, from);
    const places = placesOf(question, words);
    const hasBoth = statement.tokens.some(
      (token, at) => token.value.toUpperCase() === to && statement.tokens[at + 1]?.text === '(',
    );
    if (found === undefined || hasBoth || places.length === 0 || also.test(question)) return [];
    // Of extremes there are many in a question, of totals one.
    if (places.length > 1 && (from === 'MAX' || from === 'MIN')) return [];
    const owner = tables.find(({ table }) => table.columns.some(({ name }) => name === found.column));
    const column = owner?.table.columns.find(({ name }) => name === found.column);
    if (owner === undefined || column === undefined) return [];
    const measure = owner.measures.find((each) => each.column === column);
    const isSum = from === 'SUM' || to === 'SUM';
    if (isSum && measure?.canSum !== true) return [];
    const nouns = formsOf(context, owner, column).flat();
    const belongs = places.map((place) => isOfColumn(question, place, nouns));
    if (belongs.includes(false) || !belongs.includes(true)) return [];
    // Names that the statement gives its steps say what they hold.
    const declared = new Map(words);
    const named = statement.tokens.filter(
      (token) => token.kind === 'identifier' && declared.has(token.value),
    );
    const namesOther = named.some((token) => namesAnother(statement, token, found.calls));
    if (namesOther) return [];
    const edited = [...found.calls, ...named].sort((a, b) => a.start - b.start);
    return [
      {
        question: places.reduceRight(said, question),
        sql: withTexts(sql, edited, (token) => declared.get(token.value) ?? to),
      },
    ];
  });
  return choices.length === 0 ? undefined : context.random.pick(choices);
};
