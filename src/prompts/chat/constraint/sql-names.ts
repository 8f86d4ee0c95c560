/** Which words and quoted names may come in a context, and what they make of it. */
import type { SchemaNames, WordSet } from './schema-names.ts';
import { wordSet } from './schema-names.ts';
import {
  addLoose,
  afterValue,
  type Context,
  contextKey,
  declareTable,
  findQualifier,
  forwardFrame,
  go,
  goOpen,
  lastTable,
  make,
  need,
  settle,
  topOf,
  withTop,
} from './sql-context.ts';
import { afterKeyword } from './sql-keywords.ts';
import { functionNames, keywords, reservedWords, rowIds, tableFunctions } from './sql-language.ts';

const functions = wordSet(functionNames);
const calledTables = wordSet(tableFunctions);
const noWords = wordSet([]);

export interface WordsAt {
  readonly sets: readonly WordSet[];
  /** Names that may stand in quotes. */
  readonly quoted: readonly ReadonlySet<string>[];
  /** Any other word may come as well: the statement can declare it. */
  readonly isFree: boolean;
  /** "text" may be a string: SQLite reads it so where no column has that name. */
  readonly allowsText: boolean;
}

/** Where values stand: SQLite's double-quoted strings are accepted here and nowhere else. */
const valuePlaces = new Set(['compare', 'like', 'ilike', 'glob', 'between', '(', ',']);

function allowsText(context: Context, { dialect }: SchemaNames): boolean {
  if (context.expect !== 'operand') return false;
  if (dialect === 'mysql') return true;
  if (dialect !== 'sqlite' || !valuePlaces.has(context.prev)) return false;
  return (context.prev !== '(' && context.prev !== ',') || topOf(context).kind === 'in';
}

/** `SELECT count(*) total`: a value may be given a name without AS. */
function mayNameValue({ expect, prev, frames }: Context): boolean {
  const top = frames.at(-1)!;
  const isValue = prev === 'value' || prev === 'constant' || prev === 'called' || prev === 'end';
  return expect === 'operator' && isValue && top.kind === 'query' && top.phase === 'select';
}

const freePlaces = new Set(['alias', 'table-alias', 'after-table', 'common-table', 'made-name']);

function isFree(context: Context): boolean {
  const { expect, qualifier } = context;
  if (expect === 'operand') return forwardFrame(context) !== undefined;
  if (expect === 'column-of') return qualifier!.owner !== undefined;
  return freePlaces.has(expect) || mayNameValue(context);
}

/** Without what has to be written in quotes, which names of the schema and of the statement lead on. */
function namesAt(context: Context, schema: SchemaNames): WordSet[] {
  const { expect, made, commonTables, frames, qualifier } = context;
  switch (expect) {
    case 'operand': {
      const aliases = frames.flatMap(({ tables }) => tables.map(([alias]) => alias));
      const own = wordSet([...made, ...commonTables, ...aliases, ...rowIds]);
      return [schema.bareColumns, schema.bareTables, own];
    }
    case 'column-of': {
      const own = wordSet([...rowIds, ...(qualifier!.tables === undefined ? made : [])]);
      if (qualifier!.tables === undefined) return [schema.bareColumns, own];
      return [own, ...qualifier!.tables.map((table) => schema.bareColumnsOf.get(table) ?? noWords)];
    }
    case 'table':
      return [schema.bareTables, wordSet(commonTables)];
    default:
      return [];
  }
}

function quotedAt(context: Context, schema: SchemaNames): ReadonlySet<string>[] {
  const { expect, qualifier } = context;
  const own = namesAt(context, schema).map(({ words }) => words);
  if (expect === 'operand') return [...own, schema.columns, new Set(schema.tables.keys())];
  if (expect === 'table') return [...own, new Set(schema.tables.keys())];
  if (expect !== 'column-of') return own;
  const tables = qualifier!.tables;
  return [
    ...own,
    ...(tables === undefined ? [schema.columns] : tables.map((table) => schema.tables.get(table)!)),
  ];
}

export type WordsReader = (context: Context) => WordsAt;

const contextsMax = 20_000;

export function createWordsReader(schema: SchemaNames): WordsReader {
  const known = new Map<string, WordsAt>();
  const ofContext = new WeakMap<Context, WordsAt>();
  return (context) => {
    const recent = ofContext.get(context);
    if (recent !== undefined) return recent;
    const key = contextKey(context);
    let words = known.get(key);
    if (words === undefined) {
      // Types and collations are words only where they are listed.
      const candidates = context.expect === 'words' ? context.only : keywords;
      const fitting = candidates.filter((word) => afterKeyword(context, schema, word) !== undefined);
      const calls =
        context.expect === 'operand' ? [functions] : context.expect === 'table' ? [calledTables] : [];
      words = {
        sets: [wordSet(fitting), ...calls, ...namesAt(context, schema)],
        quoted: quotedAt(context, schema),
        isFree: isFree(context),
        allowsText: allowsText(context, schema),
      };
      if (known.size >= contextsMax) known.clear();
      known.set(key, words);
    }
    ofContext.set(context, words);
    return words;
  };
}

export interface Name {
  /** Lower case; of a quoted name what stands between the quotes. */
  readonly text: string;
  /** The quote it stands in; '' for a word. */
  readonly quote: string;
  /** What follows, as far as it matters: a name in front of '.' is a table's, a word in front of '(' a function's. */
  readonly next: '.' | '(' | '';
}

function asOperand(context: Context, schema: SchemaNames, { text, quote, next }: Name): Context | undefined {
  if (next === '.') {
    const qualifier =
      reservedWords.has(text) && quote === '' ? undefined : findQualifier(context, schema, text);
    return qualifier === undefined ? undefined : go(context, 'column-of', '', { qualifier });
  }
  const isKnown = schema.columns.has(text) || context.made.includes(text) || rowIds.includes(text);
  const mayBe = quote !== '' || !reservedWords.has(text);
  if (next === '(' && quote === '' && functionNames.has(text)) return goOpen(context, 'call', 'operator');
  if (next !== '(' && mayBe && isKnown) return afterValue(context);
  const keyword = quote === '' ? afterKeyword(context, schema, text) : undefined;
  if (keyword !== undefined) return keyword;
  if (next === '(' || !mayBe) return undefined;
  if (quote === '"' && allowsText(context, schema)) return afterValue(context);
  const owner = quote === '' ? forwardFrame(context) : undefined;
  return owner === undefined ? undefined : addLoose(afterValue(context), owner, text);
}

function asColumn(context: Context, schema: SchemaNames, { text, quote, next }: Name): Context | undefined {
  if (next !== '' || (quote === '' && reservedWords.has(text))) return undefined;
  const { name, tables, owner } = context.qualifier!;
  const found =
    rowIds.includes(text) ||
    (tables === undefined
      ? owner !== undefined || schema.columns.has(text) || context.made.includes(text)
      : tables.some((table) => schema.tables.get(table)?.has(text)));
  if (!found) return undefined;
  const value = afterValue(context);
  return owner === undefined ? value : need(value, owner, name, text);
}

function asTable(context: Context, schema: SchemaNames, { text, quote, next }: Name): Context | undefined {
  const isCommon = context.commonTables.includes(text);
  const mayBe = quote !== '' || !reservedWords.has(text);
  if (next === '' && mayBe && (isCommon || schema.tables.has(text))) {
    const declared = declareTable(context, schema, text, isCommon ? null : text);
    return declared === undefined ? undefined : go(declared, 'after-table');
  }
  if (next === '(' && quote === '' && tableFunctions.includes(text)) {
    const declared = declareTable(context, schema, text, null);
    return declared === undefined ? undefined : goOpen(declared, 'call', 'after-table');
  }
  return quote === '' && next !== '.' ? afterKeyword(context, schema, text) : undefined;
}

/** A name that the statement gives to something. */
function asNew(context: Context, schema: SchemaNames, { text, quote, next }: Name): Context | undefined {
  if (next === '.') return undefined;
  const keyword = quote === '' ? afterKeyword(context, schema, text) : undefined;
  if (keyword !== undefined) return keyword;
  if (quote === '' && reservedWords.has(text)) return undefined;
  switch (context.expect) {
    case 'alias':
    case 'operator':
      if (next === '(' || !isFree(context)) return undefined;
      return go(make(context, text), 'after-alias');
    case 'after-table':
    case 'table-alias': {
      if (next === '(') return undefined;
      const declared = declareTable(context, schema, text, lastTable(context));
      return declared === undefined ? undefined : go(declared, 'joined');
    }
    case 'common-table': {
      const commonTables = [...new Set([...context.commonTables, text])].sort();
      return go({ ...context, commonTables }, 'after-common-table');
    }
    case 'made-name':
      return next === '(' ? undefined : go(make(context, text), 'after-alias');
    default:
      return undefined;
  }
}

/** The context after a whole word or quoted name. */
export function afterName(context: Context, schema: SchemaNames, name: Name): Context | undefined {
  switch (context.expect) {
    case 'operand':
      return asOperand(context, schema, name);
    case 'column-of':
      return asColumn(context, schema, name);
    case 'table':
      return asTable(context, schema, name);
    default:
      return asNew(context, schema, name);
  }
}

/** `T.*`, `count(*)`, `SELECT *`. */
export function afterStar(context: Context): Context | undefined {
  if (context.expect === 'column-of') {
    const { owner, name } = context.qualifier!;
    const star = go(context, 'operator', 'star');
    return owner === undefined ? star : need(star, owner, name, undefined);
  }
  const isFirst = ['select', ',', '(', 'distinct'].includes(context.prev);
  return context.expect === 'operand' && isFirst ? go(context, 'operator', 'star') : undefined;
}

/** Whether the statement may end here; the context of its end. */
export function afterStatement(context: Context, schema: SchemaNames): Context | undefined {
  if (context.expect === 'end') return context;
  const isWhole = ['operator', 'after-alias', 'after-table', 'joined'].includes(context.expect);
  const { phase } = topOf(context);
  if (!isWhole || context.frames.length > 1 || phase === 'start' || phase === 'with') return undefined;
  const settled = settle(context, schema);
  return settled === undefined ? undefined : go(withTop(settled, { phase: 'rest' }), 'end');
}
