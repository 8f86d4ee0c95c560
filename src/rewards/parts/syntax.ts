/** Is it one query that the database can read? Nothing is run: the database only prepares the statement. */
import type { Execution } from '../../database/execution.ts';
import { statementClassOf } from '../../schema/syntax/statement-class.ts';
import { type BoundedReward, single } from '../reward.ts';

/** The slice of the sandbox that is needed here. */
export interface ExecutingSandbox {
  execute(databasePath: string, sql: string): Promise<Execution>;
}

/** Whether a query of a database is read without an error of syntax. */
export type SyntaxCheck = (databaseId: string, sql: string) => boolean | Promise<boolean>;

/**
 * Asks the database itself, by EXPLAIN: no parser knows its syntax as well. Unknown tables and columns are no errors of
 * syntax; a statement that does not read, or a second one behind it, is.
 */
export function databaseSyntaxCheck(
  sandbox: ExecutingSandbox,
  databasePathOf: (databaseId: string) => string,
): SyntaxCheck {
  return async (databaseId, sql) => {
    if (statementClassOf(sql) !== 'query') return false;
    const explained = await sandbox.execute(databasePathOf(databaseId), `EXPLAIN ${sql}`);
    if (explained.outcome === 'sql-error') return explained.errorClass !== 'syntax';
    return explained.outcome !== 'refused';
  };
}

/** `valid` for a complete query that the check accepts, else `invalid`; 1 and 0 by default. */
export function syntaxReward(
  isValid: SyntaxCheck,
  { valid = 1, invalid = 0 }: { readonly valid?: number; readonly invalid?: number } = {},
): BoundedReward {
  return {
    name: 'syntax',
    range: [invalid, valid],
    // What gave the right rows was read.
    leastWhenRight: valid,
    score: (items) =>
      Promise.all(
        items.map(async ({ example, completion }) => {
          const hasQuery = completion.isComplete && completion.sql.trim() !== '';
          const isRead = hasQuery && (await isValid(example.databaseId, completion.sql));
          return single('syntax', isRead ? valid : invalid);
        }),
      ),
  };
}
