/**
 * SQL as tokens with their positions. Knows strings, quoted names, comments, numbers, parameters and punctuation of the
 * four dialects; knows nothing of grammar, and never fails: an unterminated token simply reaches to the end.
 */

export type SqlTokenKind =
  /** An unquoted word of the language: SELECT, FROM, … */
  | 'keyword'
  /** An unquoted name. */
  | 'identifier'
  /** "name", `name` or [name]. Note that SQLite may read "text" as a string. */
  | 'quoted-identifier'
  | 'string'
  /** x'0aff' */
  | 'blob'
  | 'number'
  /** ?, ?1, :name, @name, $name, $1 */
  | 'parameter'
  | 'punctuation'
  | 'comment';

export interface SqlToken {
  readonly kind: SqlTokenKind;
  /** As written. */
  readonly text: string;
  /** What it stands for: keywords in upper case, quotes taken off; otherwise as written. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
  /** How many parentheses are open around it; a parenthesis itself has the depth outside it. */
  readonly depth: number;
  readonly isTerminated: boolean;
}

/** Words that cannot be a bare name in the places where it matters to us; function names and types are not among them. */
export const SQL_KEYWORDS: ReadonlySet<string> = new Set(
  `ALL ALTER ANALYZE AND AS ASC ATTACH BEGIN BETWEEN BY CASE CAST CHECK COLLATE COMMIT CONSTRAINT CREATE CROSS
DEFAULT DELETE DESC DETACH DISTINCT DROP ELSE END ESCAPE EXCEPT EXISTS EXPLAIN FETCH FILTER FOLLOWING FOREIGN FROM FULL
GLOB GROUP GROUPS HAVING ILIKE IN INDEX INDEXED INNER INSERT INTERSECT INTO IS ISNULL JOIN LATERAL LEFT LIKE LIMIT
MATCH NATURAL NOT NOTNULL NULL NULLS OFFSET ON OR ORDER OUTER OVER PARTITION PRAGMA PRECEDING PRIMARY RANGE RECURSIVE
REFERENCES REGEXP REINDEX RELEASE RETURNING RIGHT ROLLBACK ROWS SAVEPOINT SELECT SET TABLE THEN TRIGGER UNBOUNDED
UNION UNIQUE UPDATE USING VACUUM VALUES VIEW VIRTUAL WHEN WHERE WINDOW WITH WITHOUT`.split(/\s+/),
);

const WORD_START = /[A-Za-z_\u0080-\uffff]/;
const WORD = /[A-Za-z0-9_$\u0080-\uffff]+/y;
const NUMBER = /(?:0[xX][0-9a-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/y;
const PARAMETER = /(?:\?\d*|[:@][A-Za-z_][\w]*|\$\w+)/y;
const OPERATORS = ['->>', '||', '<=', '>=', '<>', '!=', '==', '<<', '>>', '::', '->'];
const CLOSING: Readonly<Record<string, string>> = { "'": "'", '"': '"', '`': '`', '[': ']' };

interface Scanned {
  readonly kind: SqlTokenKind;
  readonly end: number;
  readonly value?: string;
  readonly isTerminated?: boolean;
}

function matchAt(pattern: RegExp, sql: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(sql) ? pattern.lastIndex : -1;
}

/** A doubled quote stands for itself; a bracket cannot be doubled. */
function scanQuoted(sql: string, start: number): { end: number; value: string; isTerminated: boolean } {
  const open = sql[start]!;
  const close = CLOSING[open]!;
  let at = start + 1;
  for (;;) {
    const found = sql.indexOf(close, at);
    if (found < 0) return { end: sql.length, value: sql.slice(start + 1), isTerminated: false };
    if (open === '[' || sql[found + 1] !== close) {
      const raw = sql.slice(start + 1, found);
      return {
        end: found + 1,
        value: open === '[' ? raw : raw.replaceAll(close + close, close),
        isTerminated: true,
      };
    }
    at = found + 2;
  }
}

function scanComment(sql: string, start: number): Scanned | undefined {
  if (sql.startsWith('--', start)) {
    const newline = sql.indexOf('\n', start);
    const end = newline < 0 ? sql.length : newline;
    return { kind: 'comment', end, value: sql.slice(start + 2, end).trim() };
  }
  if (!sql.startsWith('/*', start)) return undefined;
  const close = sql.indexOf('*/', start + 2);
  const isTerminated = close >= 0;
  const value = sql.slice(start + 2, isTerminated ? close : sql.length).trim();
  return { kind: 'comment', end: isTerminated ? close + 2 : sql.length, value, isTerminated };
}

function scanWord(sql: string, start: number): Scanned {
  const end = matchAt(WORD, sql, start);
  const word = sql.slice(start, end);
  const upper = word.toUpperCase();
  return SQL_KEYWORDS.has(upper) ? { kind: 'keyword', end, value: upper } : { kind: 'identifier', end };
}

function scan(sql: string, start: number): Scanned {
  const character = sql[start]!;
  const comment = scanComment(sql, start);
  if (comment !== undefined) return comment;
  if (character === "'") return { kind: 'string', ...scanQuoted(sql, start) };
  if ((character === 'x' || character === 'X') && sql[start + 1] === "'") {
    return { kind: 'blob', ...scanQuoted(sql, start + 1) };
  }
  if (CLOSING[character] !== undefined) return { kind: 'quoted-identifier', ...scanQuoted(sql, start) };
  if (WORD_START.test(character)) return scanWord(sql, start);
  const number = matchAt(NUMBER, sql, start);
  if (number > start) return { kind: 'number', end: number };
  const parameter = matchAt(PARAMETER, sql, start);
  if (parameter > start && !sql.startsWith('::', start)) return { kind: 'parameter', end: parameter };
  const operator = OPERATORS.find((candidate) => sql.startsWith(candidate, start));
  return { kind: 'punctuation', end: start + (operator?.length ?? 1) };
}

/** All tokens, comments among them; the text between two tokens is white space. */
export function tokenizeSql(sql: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  let depth = 0;
  let at = 0;
  while (at < sql.length) {
    if (/\s/.test(sql[at]!)) {
      at += 1;
      continue;
    }
    const { kind, end, value, isTerminated = true } = scan(sql, at);
    const text = sql.slice(at, end);
    if (text === ')') depth = Math.max(0, depth - 1);
    tokens.push({ kind, text, value: value ?? text, start: at, end, depth, isTerminated });
    if (text === '(') depth += 1;
    at = end;
  }
  return tokens;
}

/** Tokens without the comments. */
export function codeTokens(sql: string): SqlToken[] {
  return tokenizeSql(sql).filter((token) => token.kind !== 'comment');
}

export function isKeyword(token: SqlToken | undefined, ...keywords: readonly string[]): boolean {
  return token?.kind === 'keyword' && keywords.includes(token.value);
}

export function isName(token: SqlToken | undefined): boolean {
  return token?.kind === 'identifier' || token?.kind === 'quoted-identifier';
}

/** What stands between the commas at a depth of parentheses, empty parts left out. */
export function splitAtCommas(tokens: readonly SqlToken[], depth = 0): SqlToken[][] {
  const parts: SqlToken[][] = [[]];
  for (const token of tokens) {
    if (token.text === ',' && token.depth === depth) parts.push([]);
    else parts.at(-1)!.push(token);
  }
  return parts.filter((part) => part.length > 0);
}

/** True if nothing but semicolons, comments and white space is there. */
export function isBlankSql(sql: string): boolean {
  return codeTokens(sql).every((token) => token.text === ';');
}

/** The same text for the same tokens: comments and spacing gone, keywords and bare names folded to one case. */
export function normalizeTokens(tokens: readonly SqlToken[]): string {
  return tokens
    .filter((token) => token.kind !== 'comment')
    .map((token) => {
      if (token.kind === 'identifier') return token.value.toLowerCase();
      if (token.kind === 'quoted-identifier') return token.value.toLowerCase();
      return token.kind === 'keyword' ? token.value : token.text;
    })
    .join(' ');
}

/** A bare name where SQL allows one, else the name in double quotes. */
export function quoteName(name: string): string {
  const isPlain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !SQL_KEYWORDS.has(name.toUpperCase());
  return isPlain ? name : `"${name.replaceAll('"', '""')}"`;
}
