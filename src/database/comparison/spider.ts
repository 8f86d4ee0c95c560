/**
 * `spider`: what the official test-suite script of Spider (Zhong et al. 2020, arXiv 2010.02840; `--etype exec` without
 * `--plug_value` and `--keep_distinct`) says of one database. Its rules, the odd ones included:
 * - What runs is not the text as written: `> =`, `< =` and `! =` are joined – in quoted text too –, every DISTINCT goes,
 *   only the first of several statements is kept, and YEAR(CURDATE()) is 2020.
 * - Two empty results are equal whatever their columns.
 * - Cells are compared as Python compares them: 1 equals 1.0, NULL equals NULL, no tolerance. Bytes that are no UTF-8 are
 *   left out of texts.
 * - Any order of the columns will do. Rows are a multiset, or a list where the gold, lower-cased, contains "order by" with
 *   one space, be it in a subquery or in quoted text. Ties get no leeway.
 * - Beforehand the cells of each row are sorted by how Python prints them, and results are rejected that differ then. A
 *   row with 1 where the other has 1.0 may be sorted differently, so equal results can be rejected.
 * Does not repeat: that a script may write to the database, and that a gold query that fails ends the whole script.
 */
import type { SqlValue } from '../execution.ts';
import { codeTokens, tokenizeSql } from '../sql-text.ts';
import { someColumnOrder } from './columns.ts';
import { areIdenticalMultisets } from './multisets.ts';
import { pythonText, pythonType } from './python-text.ts';
import { createRowTable } from './row-table.ts';
import type { Comparison, ResultTable } from './strict.ts';
import { areIdenticalRows, type Row } from './values.ts';

/** Up to and with the first semicolon outside of parentheses. */
function firstStatement(sql: string): string {
  const end = codeTokens(sql).find(({ text, depth }) => text === ';' && depth === 0);
  return end === undefined ? sql : sql.slice(0, end.end);
}

function withoutDistinct(sql: string): string {
  let text = '';
  let at = 0;
  for (const token of tokenizeSql(sql)) {
    text += sql.slice(at, token.start);
    const isGlued = /\d/.test(sql[token.start - 1] ?? '');
    if (token.text.toLowerCase() !== 'distinct' || isGlued) text += token.text;
    at = token.end;
  }
  return text + sql.slice(at);
}

/** The text that runs; undefined where there is none, which counts as a failure. */
export function prepareSpider(sql: string): string | undefined {
  const joined = sql.replaceAll('> =', '>=').replaceAll('< =', '<=').replaceAll('! =', '!=');
  if (joined === '') return undefined;
  const prepared = withoutDistinct(firstStatement(joined));
  return prepared.replace(/YEAR\s*\(\s*CURDATE\s*\(\s*\)\s*\)\s*/gi, '2020');
}

const isWholeFloat = (value: SqlValue): boolean => typeof value === 'number' && Number.isInteger(value);
const hasWholeFloat = (rows: readonly Row[]): boolean => rows.some((row) => row.some(isWholeFloat));

/** By code points, as Python compares strings. */
const byCodePoints = (a: { readonly key: Buffer }, b: { readonly key: Buffer }): number =>
  Buffer.compare(a.key, b.key);

function sortedCells(row: Row): Row {
  const keyed = row.map((value) => ({ value, key: Buffer.from(pythonText(value) + pythonType(value)) }));
  return keyed.sort(byCodePoints).map(({ value }) => value);
}

function isSameList(a: readonly Row[], b: readonly Row[]): boolean {
  return a.length === b.length && a.every((row, index) => areIdenticalRows(row, b[index]!));
}

function isSameSet(a: readonly Row[], b: readonly Row[]): boolean {
  const [inA, inB] = [createRowTable(a, areIdenticalRows), createRowTable(b, areIdenticalRows)];
  return a.every((row) => inB.has(row)) && b.every((row) => inA.has(row));
}

/** Without floats that are whole numbers, rows that are equal are also sorted alike, and nothing equal is rejected. */
function isRejectedBeforehand(gold: readonly Row[], predicted: readonly Row[], isOrdered: boolean): boolean {
  if (!hasWholeFloat(gold) && !hasWholeFloat(predicted)) return false;
  const isSame = isOrdered ? isSameList : isSameSet;
  return !isSame(gold.map(sortedCells), predicted.map(sortedCells));
}

/** `goldSql` as prepared; cells read as 'tagged'. */
export function compareSpider(gold: ResultTable, predicted: ResultTable, goldSql: string): Comparison {
  if (gold.rows.length === 0 && predicted.rows.length === 0) return { match: true, reason: 'both-empty' };
  if (gold.rows.length !== predicted.rows.length) return { match: false, reason: 'row-count' };
  if (gold.columns.length !== predicted.columns.length) return { match: false, reason: 'column-count' };
  const isOrdered = goldSql.toLowerCase().includes('order by');
  if (isRejectedBeforehand(gold.rows, predicted.rows, isOrdered)) return { match: false, reason: 'values' };
  if (isSameList(gold.rows, predicted.rows)) return { match: true, reason: 'same' };
  let isSameInAnotherOrder = false;
  const match = someColumnOrder({
    gold: gold.rows,
    predicted: predicted.rows,
    columnCount: gold.columns.length,
    isTolerant: false,
    isPossible: areIdenticalMultisets,
    accept: (rows) => {
      if (isOrdered ? isSameList(gold.rows, rows) : areIdenticalMultisets(gold.rows, rows)) return true;
      isSameInAnotherOrder ||= isOrdered && areIdenticalMultisets(gold.rows, rows);
      return false;
    },
  });
  if (match) return { match, reason: 'same' };
  return { match, reason: isSameInAnotherOrder ? 'row-order' : 'values' };
}
