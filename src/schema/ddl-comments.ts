/**
 * Comments in the text of a CREATE TABLE statement, which is where SQLite keeps them. Knows which column a comment
 * speaks of: the one that stands on the same line, or, for a comment on a line of its own, the one that follows.
 */
import { isName, type SqlToken, tokenizeSql } from '../database/sql-text.ts';

export interface DdlComments {
  readonly table: string | undefined;
  /** By column name in lower case. */
  readonly columns: ReadonlyMap<string, string>;
}

const CONSTRAINT_STARTS = new Set(['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'CHECK', 'FOREIGN', 'KEY', 'EXCLUDE']);

/** A comment's words without the decoration of banner comments. */
function cleaned(comment: string): string {
  return comment
    .split('\n')
    .map((line) => line.replace(/^[\s*\-=#]+|[\s*\-=#]+$/g, ''))
    .filter((line) => line !== '')
    .join(' ');
}

function isSameLine(ddl: string, from: number, to: number): boolean {
  return !ddl.slice(from, to).includes('\n');
}

interface Collector {
  owner: string | undefined;
  readonly tableParts: string[];
  readonly columns: Map<string, string[]>;
  pending: string[];
}

function attach(collector: Collector, owner: string | undefined, text: string): void {
  if (owner === undefined) collector.tableParts.push(text);
  else collector.columns.set(owner, [...(collector.columns.get(owner) ?? []), text]);
}

function startColumn(collector: Collector, token: SqlToken): void {
  const isConstraint = token.kind !== 'quoted-identifier' && CONSTRAINT_STARTS.has(token.value.toUpperCase());
  collector.owner =
    isConstraint || !(isName(token) || token.kind === 'keyword') ? undefined : token.value.toLowerCase();
  if (collector.owner !== undefined)
    for (const text of collector.pending) attach(collector, collector.owner, text);
  collector.pending = [];
}

export function parseDdlComments(ddl: string): DdlComments {
  const collector: Collector = { owner: undefined, tableParts: [], columns: new Map(), pending: [] };
  let previous: SqlToken | undefined;
  let isInBody = false;
  let expectsColumn = false;
  for (const token of tokenizeSql(ddl)) {
    if (token.kind === 'comment') {
      const text = cleaned(token.value);
      const trails = previous !== undefined && isSameLine(ddl, previous.end, token.start);
      if (text === '') continue;
      if (!isInBody || (trails && collector.columns.size === 0 && expectsColumn && previous?.text === '(')) {
        collector.tableParts.push(text);
      } else if (trails) attach(collector, collector.owner, text);
      else collector.pending.push(text);
      continue;
    }
    const opensBody = !isInBody && token.text === '(' && token.depth === 0;
    if (expectsColumn && token.depth === 1) {
      startColumn(collector, token);
      expectsColumn = false;
    }
    if (opensBody) {
      isInBody = true;
      expectsColumn = true;
    } else if (token.text === ',' && token.depth === 1) expectsColumn = true;
    previous = token;
  }
  const columns = new Map([...collector.columns].map(([name, parts]) => [name, parts.join(' ')] as const));
  return {
    table: collector.tableParts.length === 0 ? undefined : collector.tableParts.join(' '),
    columns,
  };
}
