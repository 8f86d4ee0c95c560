/**
 * What can be asked further of a question that somebody wrote: only some of the rows, one more column, an order, how many.
 * Each operation changes the question and its SQL together, or declines. It runs nothing.
 */
import type { Column } from '../../schema/schema.ts';
import type { SynthesisContext, TableFacts } from '../synthesis/context.ts';
import type { Filter } from '../synthesis/filter.ts';
import { ownFilter } from '../synthesis/filters.ts';
import { col } from '../synthesis/select.ts';
import {
  answerSelect,
  canRestrict,
  columnText,
  fromOf,
  hasWord,
  namesColumn,
  outputsOf,
  readersOf,
  readStatement,
  type SelectPart,
  type Statement,
  withCondition,
  withOutputs,
} from './clauses.ts';

export interface Pair {
  readonly question: string;
  readonly sql: string;
}

export type Operation = (context: SynthesisContext, pair: Pair) => Pair | undefined;

/** What can be put behind a question: without the mark at its end. */
function openEnd(question: string): string {
  return question.trim().replace(/[\s?.!;:,]+$/, '');
}

/** Behind a phrase that comes first, a question goes on in small letters, unless its first word is a name or a code. */
function goingOn(question: string): string {
  return question.replace(/^[A-Z](?=[a-z']* [a-z])/, (letter) => letter.toLowerCase());
}

/** The tables of the schema that the statement reads and that have words. */
export function tablesOf(context: SynthesisContext, statement: Statement): TableFacts[] {
  const names = new Set(statement.selects.flatMap(({ items }) => items.map(({ table }) => table)));
  return [...context.facts.values()].filter(({ table }) => names.has(table.name));
}

function nounPhraseOf(filter: Filter, [singular, plural]: readonly [string, string]): string {
  const head = filter.head?.[1] ?? plural;
  const parts = [filter.before, head === '' ? singular : head, filter.after];
  return parts.filter((part) => part !== undefined && part !== '').join(' ');
}

const onlyFirst: readonly string[] = [
  'looking only at {np}, {q}',
  'considering only {np}: {q}',
  'for {np} only: {q}',
  'restricted to {np}, {q}',
  'taking just {np} into account, {q}',
  'among {np}: {q}',
  '{np} only - {q}',
  'if we only count {np}, {q}',
  'within {np}, {q}',
  'only {np} matter here: {q}',
  'limit it to {np}. {q}',
  'in terms of {np} alone, {q}',
  'going by {np} only: {q}',
];
const onlyLast: readonly string[] = [
  '{q}, counting only {np}',
  '{q} - only {np} count',
  '{q} ({np} only)',
  '{q}, ignoring everything but {np}',
  '{q}, but just for {np}',
  '{q}? only {np} please',
  '{q}, looking at {np} alone',
  '{q}, as far as {np} are concerned',
  '{q}? consider {np} only',
  '{q}, based on {np}',
  '{q}. Restrict it to {np}.',
  '{q}, going by {np}',
];
const withoutFirst: readonly string[] = [
  'leaving {np} out, {q}',
  'ignoring {np}: {q}',
  'not counting {np}, {q}',
  'apart from {np}, {q}',
  'except for {np}: {q}',
  '{np} aside, {q}',
];
const withoutLast: readonly string[] = [
  '{q}, leaving out {np}',
  '{q}, not counting {np}',
  '{q}? ignore {np}',
  '{q}, {np} excluded',
  '{q} (without {np})',
  '{q}, except for {np}',
  '{q}; skip {np}',
];

function fill(frame: string, question: string, phrase: string): string {
  const q = frame.startsWith('{q}') ? openEnd(question) : goingOn(question);
  return frame.replace('{np}', () => phrase).replace('{q}', () => q);
}

/** The question with the condition at the noun itself ("active projects in Munich"), where the noun stands there once. */
function saidAtNoun(context: SynthesisContext, facts: TableFacts, question: string, filter: Filter) {
  const plurals = context.lexicon.table(facts.table.name).nouns.map(([, plural]) => plural);
  const pattern = new RegExp(`(?<![\\w'-])(?:${plurals.join('|')})(?![\\w'’-])`, 'gi');
  const found = [...question.matchAll(pattern)];
  if (found.length !== 1) return undefined;
  const { 0: noun, index } = found[0]!;
  const said = nounPhraseOf(filter, ['', noun]);
  return `${question.slice(0, index)}${said}${question.slice(index + noun.length)}`;
}

const equality = /^(\S+) = (\S.*)$/;

/** "leaving out": only conditions that are true or false of every row, never unknown. */
function opposite(filter: Filter, facts: TableFacts): string | undefined {
  const column = facts.table.columns.find(({ name }) => name === filter.uses[0]);
  if (filter.uses.length !== 1 || column === undefined || column.nullCount > 0) return undefined;
  const match = equality.exec(filter.sql);
  return match === null ? undefined : `${match[1]} <> ${match[2]}`;
}

/** As if a table had only the rows that meet a further condition. */
export const restrict: Operation = (context, { question, sql }) => {
  const statement = readStatement(sql);
  if (!canRestrict(statement)) return undefined;
  const { random } = context;
  const tables = tablesOf(context, statement);
  if (tables.length === 0) return undefined;
  const facts = random.pick(tables);
  const { name } = facts.table;
  const readers = readersOf(statement, name);
  const filter = ownFilter(context, facts);
  if (readers === undefined || filter === undefined) return undefined;
  if (filter.joins !== undefined || filter.sql.includes('SELECT')) return undefined;
  if (filter.uses.some((column) => namesColumn(statement, column))) return undefined;
  if (readers.length === 1 && random.chance(0.6)) {
    const said = saidAtNoun(context, facts, question, filter);
    if (said !== undefined)
      return { question: said, sql: withCondition(statement, readers, name, filter.sql) };
  }
  const phrase = nounPhraseOf(filter, random.pick(context.lexicon.table(name).nouns));
  const turned = random.chance(0.2) ? opposite(filter, facts) : undefined;
  const isFirst = random.chance(0.5);
  const frames =
    turned === undefined ? (isFirst ? onlyFirst : onlyLast) : isFirst ? withoutFirst : withoutLast;
  return {
    question: fill(random.pick(frames), question, phrase),
    sql: withCondition(statement, readers, name, turned ?? filter.sql),
  };
};

const aggregate = /\b(?:COUNT|SUM|AVG|MIN|MAX|GROUP_CONCAT|TOTAL)\s*\(/i;

/** A SELECT whose rows are things: no groups, no aggregates, nothing made distinct. */
function listSelect(statement: Statement): SelectPart | undefined {
  const select = answerSelect(statement);
  if (select === undefined || fromOf(select) === undefined) return undefined;
  if (hasWord(select.words, 'DISTINCT') || hasWord(select.words, 'GROUP')) return undefined;
  const outputs = outputsOf(statement, select);
  return outputs.some((text) => text === '*' || (aggregate.test(text) && !/\(SELECT |OVER/.test(text)))
    ? undefined
    : select;
}

const columnEndings: readonly string[] = [
  '{q}, with {c}',
  '{q}, and {c}',
  '{q}; show {c} too',
  '{q}, plus {c}',
  '{q}? add {c}',
  '{q}, each with {c}',
  '{q}? also {c}',
  '{q}, together with {c}',
  '{q}? include {c}',
  '{q} and {c}',
];

function attributeColumns(facts: TableFacts): Column[] {
  const measures = facts.measures.flatMap(({ column }) => (column === undefined ? [] : [column]));
  return [...new Set([...facts.categories, ...facts.dates, ...measures])];
}

/** One more attribute of the things that are listed. */
export const addColumn: Operation = (context, { question, sql }) => {
  const statement = readStatement(sql);
  const select = listSelect(statement);
  if (select === undefined || outputsOf(statement, select).length > 4) return undefined;
  const { random } = context;
  const tables = [...context.facts.values()].filter(
    ({ table }) => select.items.filter((item) => item.table === table.name).length === 1,
  );
  if (tables.length === 0) return undefined;
  const facts = random.pick(tables);
  const columns = attributeColumns(facts);
  if (columns.length === 0) return undefined;
  const column = random.pick(columns);
  const text = columnText(statement, select, facts.table.name, col(facts.table.name, column.name));
  const outputs = outputsOf(statement, select);
  if (outputs.some((output) => output.includes(column.name))) return undefined;
  const noun = random.pick(context.lexicon.column(facts.table.name, column.name).nouns);
  const [singular] = random.pick(context.lexicon.table(facts.table.name).nouns);
  const isAlone = select.items.length === 1;
  const said = isAlone
    ? random.pick([`the ${noun}`, `its ${noun}`, `their ${noun}`, noun])
    : random.pick([`the ${noun} of the ${singular}`, `the ${singular}'s ${noun}`, `the ${singular} ${noun}`]);
  return {
    question: random
      .pick(columnEndings)
      .replace('{q}', () => openEnd(question))
      .replace('{c}', () => said),
    sql: withOutputs(statement, select, [...outputs, text]),
  };
};

const countFrames: readonly string[] = [
  'just the number: {q}',
  'count only: {q}',
  'how many are there: {q}',
  '{q}? just the number',
  '{q} - only the count please',
  '{q}? I only need to know how many',
  '{q}? how many is that',
  '{q}, as a count',
  'give me the count: {q}',
  'not the list, only how many: {q}',
];

/** How many rows the list has. */
export const countRows: Operation = (context, { question, sql }) => {
  const statement = readStatement(sql);
  const select = listSelect(statement);
  if (select === undefined || hasWord(statement.tokens, 'WITH')) return undefined;
  if (hasWord(select.words, 'ORDER') || hasWord(select.words, 'LIMIT')) return undefined;
  if (outputsOf(statement, select).length > 1) return undefined;
  return {
    question: fill(context.random.pick(countFrames), question, ''),
    sql: withOutputs(statement, select, ['COUNT(*)']),
  };
};

const descending: readonly string[] = [
  '{q}, highest first',
  '{q}, largest first',
  '{q}, biggest on top',
  '{q}; sort it descending',
  '{q}, in descending order',
  '{q}, from most to least',
  '{q}, ordered from high to low',
];
const ascending: readonly string[] = [
  '{q}, lowest first',
  '{q}, smallest first',
  '{q}; sort it ascending',
  '{q}, in ascending order',
  '{q}, from least to most',
  '{q}, ordered from low to high',
];
const topRows: readonly string[] = [
  '{q}? only the top {n}',
  '{q}, just the {n} highest',
  '{q}, top {n} only',
  '{q}; the {n} largest will do',
  '{q}, limited to the {n} biggest',
  'top {n}: {q}',
];
const bottomRows: readonly string[] = [
  '{q}? only the lowest {n}',
  '{q}, just the {n} smallest',
  '{q}, bottom {n} only',
  '{q}; the {n} lowest will do',
];

/** The groups in the order of their figure, or the first few of them. */
export const orderByFigure: Operation = (context, { question, sql }) => {
  const statement = readStatement(sql);
  const select = answerSelect(statement);
  if (select === undefined || !hasWord(select.words, 'GROUP')) return undefined;
  if (hasWord(select.words, 'ORDER') || hasWord(select.words, 'LIMIT')) return undefined;
  const outputs = outputsOf(statement, select);
  const figures = outputs.filter((text) => aggregate.test(text));
  const figure = outputs.at(-1);
  // With several figures nobody could tell which one the order goes by.
  if (figures.length !== 1 || figure === undefined || !aggregate.test(figure) || / AS \w+$/.test(figure))
    return undefined;
  const { random } = context;
  const isDescending = random.chance(0.7);
  const isPlain = !hasWord(statement.tokens, 'WITH') && statement.selects.length === 1;
  const isCut = isPlain && random.chance(0.5);
  const frames = isCut ? (isDescending ? topRows : bottomRows) : isDescending ? descending : ascending;
  const n = 2 + random.int(9);
  const said = fill(random.pick(frames), question, '').replace('{n}', String(n));
  const order = ` ORDER BY ${figure}${isDescending ? ' DESC' : ''}`;
  return { question: said, sql: `${sql}${order}${isCut ? ` LIMIT ${n}` : ''}` };
};
