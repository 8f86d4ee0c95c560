/**
 * What is known of a project's database, and what reads it: schema, words, business rules, validator, advisor, a sandbox.
 * Opened once; the pipeline works with them, and whoever explains or runs statements beside it. It knows no model.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Advisor, createAdvisor } from '../../agents/explain/advice.ts';
import { explainStatement, type StatementExplanation } from '../../agents/explain/explain-statement.ts';
import { type BusinessRule, loadBusinessRules } from '../../agents/validate/business-rules.ts';
import { createValidator, type Validator } from '../../agents/validate/validator.ts';
import type { Execution, ExecutionLimits } from '../../database/execution.ts';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { createLexicon, type Lexicon, type Synonyms } from '../../schema/lexicon.ts';
import type { Schema } from '../../schema/schema.ts';
import { erpDirectory, type Workspace } from '../project.ts';
import type { OpenedDatabase } from './database.ts';

export interface DatabaseTools {
  readonly database: OpenedDatabase;
  readonly schema: Schema;
  readonly lexicon: Lexicon;
  readonly rules: readonly BusinessRule[];
  readonly validator: Validator;
  readonly advisor: Advisor;
  /** Runs one statement, read-only. */
  execute(sql: string, limits?: Partial<ExecutionLimits>): Promise<Execution>;
  explain(sql: string, options?: { readonly advice?: boolean }): Promise<StatementExplanation>;
  /** Closes the sandbox, unless it is another's. */
  close(): Promise<void>;
}

export interface OpenToolsOptions {
  readonly database: OpenedDatabase;
  readonly synonyms?: Synonyms;
  /** A YAML file of business rules. */
  readonly rulesPath?: string | undefined;
  /** Shared with others, who close it; left out: the tools have their own. */
  readonly sandbox?: Sandbox;
}

/** Throws where the rules cannot be read, or name what the database does not have. */
export async function openTools(options: OpenToolsOptions): Promise<DatabaseTools> {
  const { database, synonyms = {}, rulesPath } = options;
  const { schema, path } = database;
  const rules = rulesPath === undefined ? [] : await loadBusinessRules(rulesPath, schema);
  const sandbox = options.sandbox ?? createSandbox();
  const execute: DatabaseTools['execute'] = (sql, limits) => sandbox.execute(path, sql, limits);
  const explaining = {
    schema,
    lexicon: createLexicon(schema, synonyms),
    validator: createValidator({ schema, rules, execute: (sql) => execute(sql) }),
    advisor: createAdvisor({
      schema,
      databasePath: path,
      execute: (file, sql) => sandbox.execute(file, sql),
    }),
  };
  return {
    ...explaining,
    database,
    rules,
    execute,
    explain: (sql, explainOptions) => explainStatement(sql, explaining, explainOptions),
    close: async () => {
      if (options.sandbox === undefined) await sandbox.close();
    },
  };
}

const rulesFile = 'rules.yaml';

/** The named file, else the project's or the demonstration's, if there is one. */
export function rulesPathOf(
  workspace: Workspace,
  named: string | undefined,
  workingDirectory: string,
): string | undefined {
  if (named !== undefined) return resolve(workingDirectory, named);
  const path = join(workspace.isDemo ? erpDirectory() : workspace.directory, rulesFile);
  return existsSync(path) ? path : undefined;
}
