/**
 * Which features of SQL a statement uses, judged from its words outside quotes. It reads text; it does not parse, so it
 * also judges statements that no parser accepts.
 */
import { identifiersOf } from '../schema/names-in-sql.ts';

/** Name and test, in the order in which coverage tables list them. The text is upper case with quoted parts blanked. */
const features = [
  ['join', (s) => /\bJOIN\b/.test(s)],
  ['left-join', (s) => /\b(?:LEFT|RIGHT|FULL)\s+(?:OUTER\s+)?JOIN\b/.test(s)],
  ['self-join', usesTableTwice],
  ['three-tables', (s) => (s.match(/\bJOIN\b/g)?.length ?? 0) >= 2],
  ['four-tables', (s) => (s.match(/\bJOIN\b/g)?.length ?? 0) >= 3],
  ['aggregate', (s) => /\b(?:COUNT|SUM|AVG|MIN|MAX|TOTAL|GROUP_CONCAT)\s*\(/.test(s)],
  ['group-by', (s) => /\bGROUP\s+BY\b/.test(s)],
  ['having', (s) => /\bHAVING\b/.test(s)],
  ['order-by', (s) => /\bORDER\s+BY\b/.test(s)],
  ['limit', (s) => /\bLIMIT\b/.test(s)],
  ['distinct', (s) => /\bDISTINCT\b/.test(s)],
  ['subquery', (s) => /\(\s*SELECT\b/.test(s)],
  ['in-subquery', (s) => /\bIN\s*\(\s*SELECT\b/.test(s)],
  ['exists', (s) => /\bEXISTS\s*\(/.test(s)],
  ['not-exists', (s) => /\bNOT\s+EXISTS\s*\(/.test(s)],
  ['correlated', isCorrelated],
  ['nested-aggregate', aggregatesAggregates],
  ['from-subquery', (s) => /\b(?:FROM|JOIN)\s*\(\s*SELECT\b/.test(s)],
  ['cte', (s) => /\bWITH\b[\s\S]*\bAS\s*(?:(?:NOT\s+)?MATERIALIZED\s*)?\(\s*SELECT\b/.test(s)],
  ['recursive', (s) => /\bWITH\s+RECURSIVE\b/.test(s)],
  ['window', (s) => /\bOVER\s*(?:\(|\w)/.test(s)],
  ['case', (s) => /\bCASE\b/.test(s)],
  ['set-operation', (s) => /\b(?:UNION|INTERSECT|EXCEPT)\b/.test(s)],
  ['like', (s) => /\b(?:LIKE|GLOB)\b/.test(s)],
  ['between', (s) => /\bBETWEEN\b/.test(s)],
  ['in-list', (s) => /\bIN\s*\((?!\s*SELECT\b)/.test(s)],
  ['null', (s) => /\bIS\s+(?:NOT\s+)?NULL\b/.test(s)],
  ['date', (s) => /\b(?:DATE|DATETIME|STRFTIME|JULIANDAY|UNIXEPOCH|TIME)\s*\(/.test(s)],
  ['arithmetic', (s) => /[\w)]\s*[-+/]\s*[\w(]|[\w)]\s*\*\s*[\w(]/.test(s)],
] as const satisfies readonly (readonly [string, (text: string) => boolean])[];

export type SqlFeature = (typeof features)[number][0];

export const sqlFeatureNames: readonly SqlFeature[] = features.map(([name]) => name);

const aggregateCall = /\b(?:COUNT|SUM|AVG|MIN|MAX|TOTAL|GROUP_CONCAT)\s*\(/;

interface Subquery {
  /** From SELECT or WITH to the closing parenthesis, both parentheses left out. */
  readonly text: string;
  readonly start: number;
  /** A table of the query around it (in FROM, JOIN or WITH), not a value or a condition. */
  readonly isTable: boolean;
}

/** Every SELECT in parentheses, the nested ones too. */
function subqueriesOf(text: string): Subquery[] {
  const found: Subquery[] = [];
  for (const match of text.matchAll(/\(\s*(?=(?:SELECT|WITH)\b)/g)) {
    const start = match.index + match[0].length;
    let depth = 1;
    let end = start;
    for (; end < text.length && depth > 0; end++) {
      if (text[end] === '(') depth++;
      else if (text[end] === ')') depth--;
    }
    const isTable = /\b(?:FROM|JOIN|AS|MATERIALIZED)\s*$/.test(text.slice(0, match.index));
    found.push({ text: text.slice(start, depth === 0 ? end - 1 : end), start, isTable });
  }
  return found;
}

/** A subquery that names a table of the query around it: it uses a qualifier that nothing in it introduces. */
function isCorrelated(text: string): boolean {
  return subqueriesOf(text).some((subquery) => {
    const { aliases, columns } = identifiersOf(subquery.text);
    return columns.some(({ qualifier }) => qualifier !== undefined && !aliases.has(qualifier.toLowerCase()));
  });
}

/** An aggregate over a table that itself aggregates: AVG of COUNTs. */
function aggregatesAggregates(text: string): boolean {
  return subqueriesOf(text).some(({ text: inner, start, isTable }) => {
    const outer = text.slice(0, start) + text.slice(start + inner.length);
    return isTable && aggregateCall.test(inner) && aggregateCall.test(outer);
  });
}

/** One level of one FROM clause naming the same table twice. */
function usesTableTwice(text: string): boolean {
  const levels: string[][] = [];
  let depth = 0;
  let expectsTable = false;
  for (const [token] of text.matchAll(/[()]|[\w$.]+|,/g)) {
    if (token === '(') depth++;
    else if (token === ')') levels[depth--] = [];
    else if (token === 'SELECT') levels[depth] = [];
    if (expectsTable && /^[\w$.]+$/.test(token)) {
      const tables = levels[depth] ?? [];
      if (tables.includes(token)) return true;
      levels[depth] = [...tables, token];
    }
    expectsTable = token === 'FROM' || token === 'JOIN';
  }
  return false;
}

/** Upper case, comments gone, the inside of string literals blanked; quoted identifiers lose their quotes. */
function wordsOf(sql: string): string {
  return sql
    .replace(/'(?:[^']|'')*'/g, "''")
    .replace(/--[^\n]*/g, ' ')
    .replace(/\/\*[\s\S]*?\*\//g, ' ')
    .replace(/["`[\]]/g, '')
    .toUpperCase();
}

export function sqlFeatures(sql: string): readonly SqlFeature[] {
  const text = wordsOf(sql);
  return features.filter(([, isUsed]) => isUsed(text)).map(([name]) => name);
}
