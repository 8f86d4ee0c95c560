/** Queries that are the same but for spacing, comments and the case of bare words: they need not run twice. */

/** Longer texts are compared as they are: reading them would hold up the process that serves everybody. */
const CHARACTERS_MAX = 20_000;

const [TAB, LINE_FEED, FORM_FEED, RETURN, SPACE] = [9, 10, 12, 13, 32];
const [DOUBLE_QUOTE, QUOTE, STAR, DASH, SLASH, BRACKET, CLOSE_BRACKET, BACKTICK] = [
  34, 39, 42, 45, 47, 91, 93, 96,
];

/** What SQLite takes for white space; every other character, a no-break space for one, is part of a word or an error. */
function isSpace(code: number): boolean {
  return code === SPACE || code === LINE_FEED || code === TAB || code === RETURN || code === FORM_FEED;
}

/** Behind the quoted part that starts at `at`; a doubled quote only starts another quoted part. */
function endOfQuoted(sql: string, at: number, open: number): number {
  const close = open === BRACKET ? CLOSE_BRACKET : open;
  const end = sql.indexOf(String.fromCharCode(close), at + 1);
  return end < 0 ? sql.length : end + 1;
}

/** Behind the white space and the comments that start at `at`; `at` itself if there are none. */
function endOfGap(sql: string, start: number): number {
  let at = start;
  for (;;) {
    const code = sql.charCodeAt(at);
    if (isSpace(code)) at += 1;
    else if (code === DASH && sql.charCodeAt(at + 1) === DASH) {
      const end = sql.indexOf('\n', at);
      at = end < 0 ? sql.length : end;
    } else if (code === SLASH && sql.charCodeAt(at + 1) === STAR) {
      const end = sql.indexOf('*/', at + 2);
      at = end < 0 ? sql.length : end + 2;
    } else return at;
  }
}

/** The case of ASCII letters only: to SQLite, É and é are two names. */
function folded(word: string): string {
  return /[^\0-\x7f]/.test(word)
    ? word.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    : word.toLowerCase();
}

/** Around these no space is needed, whatever stands beside it. */
const STANDS_ALONE = '(),';

/**
 * Equal keys mean equal results on every database: only what SQL itself disregards is dropped. Quoted parts stay as they
 * are written, since SQLite may read a quoted name as a string.
 */
export function queryKey(sql: string): string {
  if (sql.length > CHARACTERS_MAX) return sql;
  let key = '';
  let at = endOfGap(sql, 0);
  let hasGap = false;
  while (at < sql.length) {
    const start = at;
    const first = sql.charCodeAt(at);
    const isQuoted = first === QUOTE || first === DOUBLE_QUOTE || first === BACKTICK || first === BRACKET;
    if (isQuoted) at = endOfQuoted(sql, at, first);
    else at = endOfBare(sql, at);
    const part = isQuoted ? sql.slice(start, at) : folded(sql.slice(start, at));
    const needsSpace = hasGap && !STANDS_ALONE.includes(key.at(-1)!) && !STANDS_ALONE.includes(part[0]!);
    key += needsSpace ? ` ${part}` : part;
    const next = endOfGap(sql, at);
    hasGap = next > at;
    at = next;
  }
  let end = key.length;
  while (key[end - 1] === ';' || key[end - 1] === ' ') end -= 1;
  return key.slice(0, end);
}

/** Behind the text up to the next gap or quoted part. */
function endOfBare(sql: string, start: number): number {
  for (let at = start + 1; at < sql.length; at++) {
    const code = sql.charCodeAt(at);
    if (code > BACKTICK || (code > SLASH && code < BRACKET)) continue;
    if (isSpace(code) || code === QUOTE || code === DOUBLE_QUOTE || code === BACKTICK || code === BRACKET)
      return at;
    if ((code === DASH || code === SLASH) && endOfGap(sql, at) > at) return at;
  }
  return sql.length;
}

const REMEMBERED_CHARACTERS_MAX = 4_000;

/** `queryKey` that remembers the texts it saw last: the gold query of a group comes with every one of its samples. */
export function rememberingQueryKey(textsMax = 4_096): (sql: string) => string {
  const known = new Map<string, string>();
  return (sql) => {
    if (sql.length > REMEMBERED_CHARACTERS_MAX) return queryKey(sql);
    const found = known.get(sql);
    if (found !== undefined) return found;
    const key = queryKey(sql);
    if (known.size >= textsMax) known.clear();
    known.set(sql, key);
    return key;
  };
}
