/**
 * The opposite question: "highest first" becomes "lowest first", "the total" "the average", "without an end date" "with an end
 * date", in words and in SQL, where one place of each belongs to the other beyond doubt; comparisons are in comparisons.ts.
 * What a model learns from a long statement is then that the words decide, not that such statements end that way.
 *
 * Source of the idea: contrast sets (Gardner et al. 2020, "Evaluating Models' Local Decision Boundaries via Contrast Sets",
 * https://aclanthology.org/2020.findings-emnlp.117), here made by rule and for training.
 */
import { orderTerms } from '../../database/comparison/ordering.ts';
import { isKeyword, normalizeTokens, type SqlToken } from '../../database/sql-text.ts';
import { withArticle } from '../../schema/words.ts';
import { hasWord, readStatement, type Statement } from './clauses.ts';
import { formsOf, wordPattern } from './column-words.ts';
import { type Operation, type Pair, tablesOf } from './operations.ts';
import { bothWays, capital, isCapital, placesOf, said, type Turn } from './word-places.ts';

/** The statement with other texts in the places of some tokens. */
function withTexts(sql: string, tokens: readonly SqlToken[], textOf: (token: SqlToken) => string): string {
  return tokens.reduceRight(
    (text, token) => text.slice(0, token.start) + textOf(token) + text.slice(token.end),
    sql,
  );
}

// Order

const firstOnes = bothWays([
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
]);
const countedFirst = bothWays([['most', 'fewest']]);
const directions = bothWays([
  ['descending', 'ascending'],
  ['from high to low', 'from low to high'],
  ['from most to least', 'from least to most'],
  ['from highest to lowest', 'from lowest to highest'],
  ['from largest to smallest', 'from smallest to largest'],
  ['from the highest to the lowest', 'from the lowest to the highest'],
  ['from the largest to the smallest', 'from the smallest to the largest'],
  ['downwards', 'upwards'],
]);
/** "highest first", "highest total budget first", "highest on top". */
const beforeFirst = String.raw`(?=(?:\s[\w'’-]+){0,3}?\s(?:first|on top|at the top)\b)`;

/** "most projects first", and not "most valuable first". */
const countedBeforeFirst = String.raw`(?=\s(?:[\w-]+s|people)\s(?:first|on top|at the top)\b)`;

/** The answer the other way round; not of the first few rows, where order decides which ones they are. */
export const turnOrder: Operation = (_, { question, sql }) => {
  const { tokens } = readStatement(sql);
  const keys = orderTerms(tokens);
  if (keys === undefined || tokens.some((token) => token.depth === 0 && isKeyword(token, 'LIMIT')))
    return undefined;
  const falling = [
    ...placesOf(question, firstOnes.there, beforeFirst),
    ...placesOf(question, countedFirst.there, countedBeforeFirst),
    ...placesOf(question, directions.there),
  ];
  const rising = [
    ...placesOf(question, firstOnes.back, beforeFirst),
    ...placesOf(question, countedFirst.back, countedBeforeFirst),
    ...placesOf(question, directions.back),
  ];
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
  { from: 'total', to: 'average' },
  { from: 'totals', to: 'averages' },
  { from: 'combined', to: 'average' },
];
const means: readonly Turn[] = [
  { from: 'average', to: 'total' },
  { from: 'averages', to: 'totals' },
  { from: 'mean', to: 'total' },
];
const aggregates: readonly AggregateTurn[] = [
  {
    from: 'SUM',
    to: 'AVG',
    words: totals,
    also: /\b(?:sums?|altogether|in total|in all|together|add|adds|overall|average|averages|mean|sum up|volume)\b/i,
  },
  {
    from: 'AVG',
    to: 'SUM',
    words: means,
    also: /\b(?:averaged|averaging|on average|per head|typical|total|totals|sum)\b/i,
  },
  {
    from: 'MAX',
    to: 'MIN',
    words: [
      { from: 'highest', to: 'lowest' },
      { from: 'largest', to: 'smallest' },
      { from: 'biggest', to: 'smallest' },
      { from: 'latest', to: 'earliest' },
    ],
    also: /\b(?:maximum|max|last|most|top|first|best|newest|greatest|lowest|smallest)\b/i,
  },
  {
    from: 'MIN',
    to: 'MAX',
    words: [
      { from: 'lowest', to: 'highest' },
      { from: 'smallest', to: 'largest' },
      { from: 'earliest', to: 'latest' },
    ],
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
    const column = tables
      .flatMap(({ measures }) => measures)
      .find((measure) => measure.column?.name === found.column);
    if (to === 'SUM' && column?.canSum !== true) return [];
    // Names that the statement gives its steps say what they hold.
    const declared = new Map(words.map((turn) => [turn.from, turn.to]));
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

// Missing values

/** "without an end date" as "with an end date", and the other way round. */
export const turnMissing: Operation = (context, { question, sql }) => {
  const statement = readStatement(sql);
  const { tokens } = statement;
  if (hasWord(tokens, 'EXISTS') || hasWord(tokens, 'LEFT')) return undefined;
  const choices = tablesOf(context, statement).flatMap((facts) =>
    facts.nullables.flatMap((column): Pair[] => {
      const tests = tokens.flatMap((token, at) =>
        token.value === column.name && isKeyword(tokens[at + 1], 'IS') ? [at + 1] : [],
      );
      if (tests.length !== 1 || tokens.filter(({ value }) => value === column.name).length > 1) return [];
      const is = tokens[tests[0]!]!;
      const not = tokens[tests[0]! + 1]!;
      const hasNot = isKeyword(not, 'NOT');
      const nouns = formsOf(context, facts, column).map(([noun]) => noun);
      const pattern = new RegExp(`\\b(with|without) (?:an?|any) (${wordPattern(nouns).source})`, 'gi');
      const found = [...question.matchAll(pattern)];
      const [all, word, noun] = found[0] ?? [];
      if (found.length !== 1 || (word!.toLowerCase() === 'with') !== hasNot) return [];
      const turned = `${hasNot ? 'without' : 'with'} ${withArticle(noun!)}`;
      return [
        {
          question: said(question, {
            at: found[0]!.index,
            length: all!.length,
            to: isCapital(all!) ? capital(turned) : turned,
          }),
          sql: hasNot
            ? `${sql.slice(0, is.end)}${sql.slice(not.end)}`
            : `${sql.slice(0, is.end)} NOT${sql.slice(is.end)}`,
        },
      ];
    }),
  );
  return choices.length === 0 ? undefined : context.random.pick(choices);
};
