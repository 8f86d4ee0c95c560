/**
 * What questions are asked with: the pipeline of the project's model, its database in a sandbox, the words to explain a
 * statement. Opened once for a conversation, a batch or a server.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createAdvisor } from '../../agents/explain/advice.ts';
import { explainStatement, type StatementExplanation } from '../../agents/explain/explain-statement.ts';
import type { Pipeline } from '../../agents/pipeline.ts';
import { type BusinessRule, loadBusinessRules } from '../../agents/validate/business-rules.ts';
import { createValidator, type Validator } from '../../agents/validate/validator.ts';
import type { Execution, ExecutionLimits } from '../../database/execution.ts';
import { createSandbox } from '../../database/sandbox.ts';
import type { Observe } from '../../foundation/events.ts';
import { createLexicon } from '../../schema/lexicon.ts';
import type { Schema } from '../../schema/schema.ts';
import { loadParser } from '../../schema/syntax/parser.ts';
import { erpDirectory, openWorkspace, type Workspace } from '../project.ts';
import { loadSynonyms } from './data.ts';
import { openDatabase } from './database.ts';
import { findModel } from './find-model.ts';
import { openPipeline } from './pipeline.ts';

export interface Workbench {
  readonly workspace: Workspace;
  readonly schema: Schema;
  readonly pipeline: Pipeline;
  readonly validator: Validator;
  readonly rules: readonly BusinessRule[];
  /** Runs one statement, read-only. */
  execute(sql: string, limits?: Partial<ExecutionLimits>): Promise<Execution>;
  explain(sql: string, options?: { readonly advice?: boolean }): Promise<StatementExplanation>;
  close(): Promise<void>;
}

export interface OpenWorkbenchOptions {
  /** Folder of querent.json. */
  readonly directory: string;
  readonly workingDirectory: string;
  readonly observe: Observe;
  /** A model directory or a finished run; default: the project's. */
  readonly model?: string | undefined;
  /** A YAML file of business rules; default: `rules.yaml` of the project or of the demonstration. */
  readonly rules?: string | undefined;
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

export async function openWorkbench(options: OpenWorkbenchOptions): Promise<Workbench> {
  const { observe, model, workingDirectory } = options;
  const workspace = await openWorkspace(options.directory);
  const directory = findModel(workspace, model, workingDirectory);
  const database = await openDatabase(workspace, observe);
  const { schema, path } = database;
  const rulesPath = rulesPathOf(workspace, options.rules, workingDirectory);
  const rules = rulesPath === undefined ? [] : await loadBusinessRules(rulesPath, schema);
  const synonyms = await loadSynonyms(workspace);
  await loadParser();
  const sandbox = createSandbox();
  const execute: Workbench['execute'] = (sql, limits) => sandbox.execute(path, sql, limits);
  const validator = createValidator({ schema, rules, execute: (sql) => execute(sql) });
  const advisor = createAdvisor({
    schema,
    databasePath: path,
    execute: (file, sql) => sandbox.execute(file, sql),
  });
  const parts = { schema, lexicon: createLexicon(schema, synonyms), validator, advisor };
  try {
    const { pipeline } = await openPipeline({
      directory,
      database,
      synonyms,
      sandbox,
      observe,
      ...(rulesPath === undefined ? {} : { rulesPath }),
    });
    return {
      workspace,
      schema,
      pipeline,
      validator,
      rules,
      execute,
      explain: (sql, explainOptions) => explainStatement(sql, parts, explainOptions),
      close: async () => {
        await pipeline.close();
        await sandbox.close();
      },
    };
  } catch (thrown) {
    await sandbox.close();
    throw thrown;
  }
}
