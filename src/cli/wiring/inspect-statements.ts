/** What the database says of statements before one of them is the answer: which can be used, and which find nothing. */

import type { Inspect } from '../../agents/best-candidate.ts';
import type { Execution } from '../../database/execution.ts';
import type { Sandbox } from '../../database/sandbox.ts';
import { type IdentifierOptions, inventedIdentifiers } from '../../schema/identifiers.ts';
import type { OpenedDatabase } from './database.ts';

/**
 * Nats against a statement that finds nothing, and against one that counts nothing. On development questions wrong answers
 * are empty far more often than right ones; 2 to 4 nats gave the same accuracy (docs/experiments.md).
 */
const emptyNats = 3;
const zeroNats = 1.5;

const limits = { timeoutMs: 2_000, maxRows: 20 };

/** Nats against what a statement gave; null for what nobody can use. */
function doubtOf(execution: Execution): number | null {
  if (execution.outcome === 'timeout') return emptyNats;
  if (execution.outcome !== 'rows') return null;
  const { rows } = execution;
  if (rows.every((row) => row.every((value) => value === null))) return emptyNats;
  return rows.length === 1 && rows[0]!.length === 1 && rows[0]![0] === 0 ? zeroNats : 0;
}

/** A statement is usable if every name in it exists and the database runs it. */
export function inspectStatements(
  sandbox: Sandbox,
  { path, schema }: OpenedDatabase,
  options: IdentifierOptions = {},
): Inspect {
  return (statements) =>
    Promise.all(
      statements.map(async (sql) => {
        if (sql === '' || inventedIdentifiers(sql, schema, options).length > 0) return null;
        return doubtOf(await sandbox.execute(path, sql, limits));
      }),
    );
}
