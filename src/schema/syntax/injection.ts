/**
 * Signs that a text tries to do more than answer a question: a second statement, functions that reach files, the network or
 * the clock, the catalogue, conditions that are always true, text hidden behind a comment. Signs are for reports, rewards
 * and logs. They forbid nothing: permission is the database's (`database/guard.ts`), which does not depend on how well this
 * file reads.
 */
import { isName, type SqlToken, tokenizeSql } from '../../database/sql-text.ts';
import { type StatementClass, statementClassOf } from './statement-class.ts';

export type InjectionKind =
  | 'several-statements'
  /** Any statement that does not only read. */
  | 'not-a-query'
  /** A function or clause that reads or writes files, loads code or opens connections. */
  | 'reaches-outside'
  /** A function that waits, or one whose work has no bound. */
  | 'delays'
  | 'reads-catalogue'
  /** OR 1 = 1, OR 'a' = 'a', OR TRUE. */
  | 'always-true'
  /** A comment that some database runs, or one that swallows the end of the statement. */
  | 'hides-in-comment'
  | 'unterminated'
  | 'nul-character';

export interface InjectionSign {
  readonly kind: InjectionKind;
  /** What was found, as written and cut short. */
  readonly text: string;
  /** Characters from the start. */
  readonly at: number;
}

/** Signs that no answer to a question has; the others also occur in honest queries. */
export const certainSigns: ReadonlySet<InjectionKind> = new Set<InjectionKind>([
  'several-statements',
  'not-a-query',
  'reaches-outside',
  'nul-character',
]);

const OUTSIDE = new Set(
  `load_extension readfile writefile edit eval fts3_tokenizer pg_read_file pg_read_binary_file pg_ls_dir pg_stat_file
lo_import lo_export dblink dblink_exec dblink_connect load_file sys_exec sys_eval xp_cmdshell xp_dirtree xp_regread
openrowset opendatasource read_csv read_csv_auto read_parquet read_json read_json_auto read_text read_blob parquet_scan
csv_scan sqlite_scan postgres_scan mysql_scan glob http_get http_post set_config current_setting pg_terminate_backend
pg_cancel_backend pg_reload_conf utl_http utl_inaddr sniff_csv copy_from`.split(/\s+/),
);
const DELAYS = new Set(
  'sleep pg_sleep pg_sleep_for pg_sleep_until benchmark waitfor dbms_lock randomblob zeroblob'.split(' '),
);
const CATALOGUE =
  /^(?:sqlite_(?:master|schema|temp_master|temp_schema|dbpage|stmt)|information_schema|pg_catalog|pg_(?:shadow|authid|user|roles|stat_activity)|mysql|performance_schema|duckdb_\w+|dbstat)$/i;
const TEXT_MAX = 60;

/** A word with a parenthesis behind it; `glob(…)` reads files in DuckDB, but `a GLOB b` is an operator. */
function isCall(token: SqlToken, next: SqlToken | undefined): boolean {
  return isName(token) && next?.text === '(';
}

const isLiteral = (token: SqlToken | undefined): boolean =>
  token?.kind === 'number' || token?.kind === 'string';

/** At an OR: whether what follows is true whatever the row says. */
function isAlwaysTrue(tokens: readonly SqlToken[], at: number): boolean {
  let next = at + 1;
  while (tokens[next]?.text === '(' || tokens[next]?.value === 'NOT') next += 1;
  const [left, operator, right] = tokens.slice(next, next + 3);
  if (left?.value.toLowerCase() === 'true' && left.kind !== 'string') return true;
  if (!isLiteral(left)) return false;
  const isComparison = ['=', '==', 'LIKE', '<>', '!=', '>', '<', '>=', '<='].includes(operator?.value ?? '');
  if (isComparison) return isLiteral(right);
  return left!.kind === 'number' && Number(left!.text) !== 0;
}

function signOfToken(tokens: readonly SqlToken[], at: number): InjectionKind | undefined {
  const token = tokens[at]!;
  const next = tokens[at + 1];
  const word = token.value.toLowerCase();
  if (token.kind === 'keyword') {
    if (token.value === 'OR' && isAlwaysTrue(tokens, at)) return 'always-true';
    return token.value === 'INTO' && /^(?:out|dump)file$/i.test(next?.value ?? '')
      ? 'reaches-outside'
      : undefined;
  }
  if (!isName(token)) return undefined;
  if (isCall(token, next)) {
    if (OUTSIDE.has(word)) return 'reaches-outside';
    if (DELAYS.has(word)) return 'delays';
    return word.startsWith('pragma_') ? 'reads-catalogue' : undefined;
  }
  const isQualifier = next?.text === '.';
  const isBareName = CATALOGUE.test(token.value) && (isQualifier || /_/.test(word));
  return isBareName ? 'reads-catalogue' : undefined;
}

/** `/*!` is run by MySQL; `--` right behind a value or an operator cuts off what would follow. */
function signOfComment(token: SqlToken, code: readonly SqlToken[]): InjectionKind | undefined {
  if (/^\/\*[!+]/.test(token.text)) return 'hides-in-comment';
  if (!token.isTerminated) return 'unterminated';
  const last = code.at(-1);
  const swallowsCode =
    token.text.startsWith('--') && last?.kind === 'string' && /^\s*['")]/.test(token.value);
  return swallowsCode ? 'hides-in-comment' : undefined;
}

/** In the order of the text. Linear in its length. */
export function injectionSignsOf(sql: string): InjectionSign[] {
  const signs: InjectionSign[] = [];
  const add = (kind: InjectionKind, at: number, length = TEXT_MAX): void => {
    signs.push({ kind, at, text: sql.slice(at, at + Math.min(length, TEXT_MAX)) });
  };
  const nul = sql.indexOf('\0');
  if (nul >= 0) add('nul-character', nul, 1);
  const tokens = tokenizeSql(sql);
  const code: SqlToken[] = [];
  for (const token of tokens) {
    if (token.kind !== 'comment') code.push(token);
    const kind =
      token.kind === 'comment'
        ? signOfComment(token, code)
        : token.isTerminated
          ? undefined
          : ('unterminated' as const);
    if (kind !== undefined) add(kind, token.start);
  }
  const statement: StatementClass = statementClassOf(sql, code);
  if (statement === 'several') {
    const semicolon = code.find((token, at) => token.text === ';' && at < code.length - 1)!;
    add('several-statements', semicolon.start);
  } else if (statement !== 'query' && statement !== 'empty') add('not-a-query', code[0]!.start);
  for (const [at, token] of code.entries()) {
    const kind = signOfToken(code, at);
    if (kind !== undefined) add(kind, token.start, (code[at + 1] ?? token).end - token.start);
  }
  return signs.sort((a, b) => a.at - b.at);
}
