/**
 * What kind of statement a text is, judged from its tokens and so also where no parser knows the syntax. It classifies to
 * report and to route; what a statement may do is enforced by the database (`database/guard.ts`), not here.
 */
import { codeTokens, isKeyword, type SqlToken } from '../../database/sql-text.ts';

export type StatementClass =
  /** Reads: SELECT, VALUES, WITH … SELECT, EXPLAIN of one. */
  | 'query'
  /** INSERT, UPDATE, DELETE, MERGE, REPLACE, TRUNCATE, also behind WITH. */
  | 'dml'
  /** CREATE, ALTER, DROP, and what else changes the schema or its statistics. */
  | 'ddl'
  | 'transaction'
  /** PRAGMA, SET, USE, SHOW: settings of the session. */
  | 'setting'
  /** ATTACH, DETACH, VACUUM, COPY, LOAD: files. */
  | 'file'
  /** GRANT, REVOKE and the like. */
  | 'permission'
  /** CALL, EXECUTE, DO: runs what is not in the text. */
  | 'procedure'
  /** More than one statement. */
  | 'several'
  /** Nothing but comments and white space. */
  | 'empty'
  | 'unknown';

const FIRST_WORDS: Readonly<Record<string, StatementClass>> = {
  ...group('query', 'SELECT VALUES TABLE'),
  ...group('dml', 'INSERT UPDATE DELETE MERGE REPLACE TRUNCATE UPSERT'),
  ...group('ddl', 'CREATE ALTER DROP RENAME REINDEX ANALYZE COMMENT REFRESH CLUSTER'),
  ...group('transaction', 'BEGIN START COMMIT END ROLLBACK SAVEPOINT RELEASE ABORT LOCK UNLOCK'),
  ...group('setting', 'PRAGMA SET RESET USE SHOW DISCARD'),
  ...group('file', 'ATTACH DETACH VACUUM COPY LOAD IMPORT EXPORT INSTALL CHECKPOINT BACKUP RESTORE'),
  ...group('permission', 'GRANT REVOKE REASSIGN'),
  ...group('procedure', 'CALL EXEC EXECUTE DO PREPARE DEALLOCATE DECLARE HANDLER'),
};

function group(kind: StatementClass, words: string): Record<string, StatementClass> {
  return Object.fromEntries(words.split(' ').map((word) => [word, kind]));
}

/** Statements as tokens, the semicolons between them left out. */
export function statementsOf(tokens: readonly SqlToken[]): SqlToken[][] {
  const statements: SqlToken[][] = [[]];
  for (const token of tokens) {
    if (token.text === ';' && token.kind === 'punctuation') statements.push([]);
    else statements.at(-1)!.push(token);
  }
  return statements.filter((statement) => statement.length > 0);
}

/** Behind the common tables of WITH, what the statement does: the first such word outside parentheses. */
function afterWith(statement: readonly SqlToken[]): StatementClass {
  const main = statement.find(
    (token) => token.depth === 0 && ['query', 'dml'].includes(FIRST_WORDS[wordOf(token)] ?? ''),
  );
  return main === undefined ? 'unknown' : FIRST_WORDS[wordOf(main)]!;
}

function wordOf(token: SqlToken): string {
  return token.kind === 'keyword' || token.kind === 'identifier' ? token.value.toUpperCase() : '';
}

function classOf(statement: readonly SqlToken[]): StatementClass {
  let first = 0;
  while (statement[first]?.text === '(') first += 1;
  const token = statement[first];
  if (token === undefined) return 'empty';
  if (isKeyword(token, 'EXPLAIN')) {
    const explained = statement.slice(first + 1).filter((next) => !['QUERY', 'PLAN'].includes(wordOf(next)));
    // EXPLAIN ANALYZE runs what it explains.
    return classOf(explained.filter((next, at) => at > 0 || wordOf(next) !== 'ANALYZE'));
  }
  if (isKeyword(token, 'WITH')) return afterWith(statement.slice(first + 1));
  const kind = FIRST_WORDS[wordOf(token)] ?? 'unknown';
  // SELECT … INTO makes a table, or a file.
  const makesTable =
    kind === 'query' && statement.some((next) => next.depth === token.depth && isKeyword(next, 'INTO'));
  return makesTable ? 'dml' : kind;
}

export function statementClassOf(sql: string, tokens: readonly SqlToken[] = codeTokens(sql)): StatementClass {
  const statements = statementsOf(tokens);
  if (statements.length > 1) return 'several';
  return statements.length === 0 ? 'empty' : classOf(statements[0]!);
}
