/**
 * The columns of an answer in another order, or one of them left out, in words and in SQL: where the question lists them one
 * behind the other, as many as the statement has, and each item fits its column.
 */
import { orderTerms } from '../../database/comparison/ordering.ts';
import { isKeyword, type SqlToken, splitAtCommas } from '../../database/sql-text.ts';
import type { SynthesisContext, TableFacts } from '../synthesis/context.ts';
import {
  answerSelect,
  outputsOf,
  readStatement,
  type SelectPart,
  type Statement,
  withOutputs,
} from './clauses.ts';
import { formsOf, says } from './column-words.ts';
import { type Operation, type Pair, tablesOf } from './operations.ts';

/** An item of the list in the question: where it stands, without the article and the words that join it. */
interface Item {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

interface OutputList {
  readonly statement: Statement;
  readonly select: SelectPart;
  readonly outputs: readonly string[];
  readonly items: readonly Item[];
}

const wordsMax = 8;
/** Of a sentence that goes on behind the list, or of an item that means another one. */
const isBound =
  /\b(?:are|is|was|were|will|should|please|these|those|that|of them|former|latter|first|second|last|both|same|if any|respectively|rest|others?)\b|[()]/i;
const joints = /(?:, and |, plus |, then |, | and | plus | as well as )/g;
const article = /^(?:the|its|their|his or her|also) /i;
/** Where sentences and parts of them end. */
const parts = /[^:;.?!()–—]+(?:\.\d[^:;.?!()–—]*)*/g;

const anyOf = (words: string): string => words.trim().split(/\s+/).join('|');
const askingWords =
  anyOf(`show showing give giving list listing report reporting return returning display with want need
  see print provide state stating put name`);
const behindAsking = 'me|us|to see|to know|for each|there|out|please|the|its|their|each';
/** Up to the first column that is asked for. */
const upToList = new RegExp(String.raw`^.*?\b(?:${askingWords})\b(?: (?:${behindAsking}))*\s`, 'i');

const orderWords =
  anyOf(`sort sorted sorting order ordered ordering rank ranked by from in at ties equal alphabetically
  alphabetical descending ascending highest lowest largest smallest biggest longest shortest newest oldest latest earliest
  most fewest least best worst dearest cheapest only where who which limited keep but zero if for`);
/** An item that says the order already, or which rows. */
const endsList = new RegExp(String.raw`^(?:(?:${orderWords})\b|names?\s(?:for|on|break|decid))`, 'i');

function listIn(question: string, count: number): readonly Item[] | undefined {
  for (const { 0: part, index } of question.matchAll(parts)) {
    const lead = upToList.exec(part);
    for (const from of lead === null ? [0] : [lead[0].length, 0]) {
      const items = itemsOf(part, from, index).slice(0, count + 1);
      const end = items.findIndex(({ text }) => endsList.test(text.replace(article, '')));
      const list = end < 0 ? items : items.slice(0, end);
      const areItems = list.every(({ text }) => text.split(' ').length <= wordsMax && !isBound.test(text));
      if (list.length === count && areItems) return list;
    }
  }
  return undefined;
}

function itemsOf(part: string, from: number, offset: number): Item[] {
  const skipped = from + /^(?:\s|the |its |their )*/i.exec(part.slice(from))![0].length;
  const text = part.trimEnd();
  const cuts = [...text.matchAll(joints)].filter(({ index }) => index >= skipped);
  const starts = [skipped, ...cuts.map((cut) => cut.index + cut[0].length)];
  return starts.map((start, i) => {
    const end = cuts[i]?.index ?? text.length;
    return { text: text.slice(start, end), start: offset + start, end: offset + end };
  });
}

const figures: readonly (readonly [RegExp, RegExp])[] = [
  [/^100\.0 \*/, /\b(?:percent|percentage|share|rate|quota|%|portion|proportion)/i],
  [
    /^COUNT\(/i,
    /\b(?:number|count|how many|headcount|contracts|projects|people|assignments|companies|clients|suppliers)\b/i,
  ],
  [
    /^(?:COALESCE\()?SUM\(/i,
    /\b(?:total|totals|sum|sums|combined|overall|altogether|summed|hours|value|volume|budgets?|spend|costs?|revenue)\b/i,
  ],
  [/^AVG\(/i, /\b(?:average|mean)\b/i],
  [/^MAX\(/i, /\b(?:highest|largest|biggest|latest|last|newest|most recent|max|maximum|longest)\b/i],
  [/^MIN\(/i, /\b(?:lowest|smallest|earliest|first|oldest|min|minimum|cheapest|shortest)\b/i],
];
/** "name", "the client's name", "supplier". */
const isName =
  /^(?:[a-z]+'?s? )?(?:name|project|person|company|supplier|vendor|client|contact|manager|employee|boss|customer|programme)s?(?: name)?$/i;

/** Whether an item can mean an output column: undefined where nothing tells. */
function fits(
  context: SynthesisContext,
  tables: readonly TableFacts[],
  output: string,
  text: string,
): boolean | undefined {
  const item = text.replace(article, '');
  const figure = figures.find(([pattern]) => pattern.test(output));
  if (figure !== undefined) return figure[1].test(item);
  const name = /^(?:\w+\.)?(\w+)$/.exec(output)?.[1];
  const owners = tables.filter(({ table }) => table.columns.some((column) => column.name === name));
  if (name === undefined || owners.length === 0) return undefined;
  const nouns = owners.flatMap((facts) =>
    formsOf(context, facts, facts.table.columns.find((column) => column.name === name)!).flat(),
  );
  if (/_Name$/i.test(name) && isName.test(item)) return true;
  return says(item, nouns);
}

/** Places of outputs mean others where one goes: the statement must not count them. */
function countsOutputs({ tokens }: Statement): boolean {
  const groups = tokens.flatMap((token, at) => (isKeyword(token, 'GROUP') ? [at] : []));
  const isCounted = (terms: readonly (readonly SqlToken[])[]): boolean =>
    terms.some((term) => term[0]?.kind === 'number');
  const groupTerms = (at: number): SqlToken[][] => {
    const { depth } = tokens[at]!;
    const rest = tokens.slice(at + 2);
    const end = rest.findIndex(
      (token) => token.depth < depth || (token.depth === depth && isKeyword(token, ...afterGroups)),
    );
    return splitAtCommas(end < 0 ? rest : rest.slice(0, end), depth);
  };
  return isCounted(orderTerms(tokens) ?? []) || groups.some((at) => isCounted(groupTerms(at)));
}

const afterGroups = ['HAVING', 'ORDER', 'LIMIT', 'WINDOW', 'UNION', 'INTERSECT', 'EXCEPT'];

/** The list of the question that is the statement's outputs; at most one item may say nothing of its column. */
function listOf(context: SynthesisContext, { question, sql }: Pair): OutputList | undefined {
  const statement = readStatement(sql);
  const select = answerSelect(statement);
  if (select === undefined || countsOutputs(statement)) return undefined;
  const outputs = outputsOf(statement, select);
  if (outputs.length < 3) return undefined;
  const items = listIn(question, outputs.length);
  if (items === undefined) return undefined;
  const tables = tablesOf(context, statement);
  const found = items.map(({ text }, i) => fits(context, tables, outputs[i]!, text));
  const isSure = !found.includes(false) && found.filter((fit) => fit === undefined).length <= 1;
  return isSure ? { statement, select, outputs, items } : undefined;
}

/** Two columns change places; the first stays, which names what a row is. */
export const swapOutputs: Operation = (context, pair) => {
  const list = listOf(context, pair);
  if (list === undefined) return undefined;
  const { question } = pair;
  const { statement, select, outputs, items } = list;
  const places = context.random.shuffle(Array.from({ length: items.length - 1 }, (_, i) => i + 1));
  const [left, right] = places.slice(0, 2).sort((a, b) => a - b) as [number, number];
  const [first, second] = [items[left]!, items[right]!];
  const swapped = outputs.map((text, i) =>
    i === left ? outputs[right]! : i === right ? outputs[left]! : text,
  );
  return {
    question:
      question.slice(0, first.start) +
      second.text +
      question.slice(first.end, second.start) +
      first.text +
      question.slice(second.end),
    sql: withOutputs(statement, select, swapped),
  };
};

/** One column fewer, of three and more, which nothing else of the statement needs. */
export const dropOutput: Operation = (context, pair) => {
  const list = listOf(context, pair);
  if (list === undefined) return undefined;
  const { question, sql } = pair;
  if (
    /\b(?:both|(?:two|three|four|five|six|all|last) (?:columns|figures|fields|numbers|counts|sums))\b/i.test(
      question,
    )
  )
    return undefined;
  const { statement, select, outputs, items } = list;
  const free = items.flatMap((item, place) => {
    const output = outputs[place]!;
    const isNeeded = sql.split(output).length > 2 || / AS \w+$/.test(output);
    const rest = question.slice(0, item.start) + question.slice(item.end);
    const isNamedAgain = says(rest, item.text.split(' ').slice(-1));
    return place === 0 || place === items.length - 1 || isNeeded || isNamedAgain ? [] : [place];
  });
  if (free.length === 0) return undefined;
  const place = context.random.pick(free);
  return {
    question: question.slice(0, items[place]!.start) + question.slice(items[place + 1]!.start),
    sql: withOutputs(
      statement,
      select,
      outputs.filter((_, i) => i !== place),
    ),
  };
};
