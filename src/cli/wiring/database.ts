/** The database of a workspace: built when it is the demonstration's and missing, read, and checked against the project. */
import { existsSync } from 'node:fs';
import { buildErpDatabase } from '../../data/erp/build.ts';
import type { Observe } from '../../foundation/events.ts';
import { introspectSqlite } from '../../schema/introspect.ts';
import type { Schema } from '../../schema/schema.ts';
import type { Workspace } from '../project.ts';

export interface OpenedDatabase {
  readonly path: string;
  readonly schema: Schema;
  /** The date that "today" means in questions; left out: none is known. */
  readonly today?: string | undefined;
}

export async function openDatabase(workspace: Workspace, observe: Observe): Promise<OpenedDatabase> {
  const { databasePath: path, databaseId, isDemo, schemaHash } = workspace;
  if (isDemo && !existsSync(path)) {
    const startedAt = performance.now();
    const title = 'Build the ERP demonstration database';
    observe({ type: 'stage-start', stage: 'database', title });
    await buildErpDatabase({ path });
    observe({ type: 'stage-end', stage: 'database', title, elapsedMs: performance.now() - startedAt });
  }
  const schema = await introspectSqlite(path, { databaseId });
  if (schemaHash !== undefined && schemaHash !== schema.hash) {
    observe({
      type: 'warning',
      code: 'cli/schema-changed',
      message:
        'the schema has changed since `querent init`: run `querent init` with --force, then synthesise and train again',
    });
  }
  return { path, schema, today: workspace.today };
}
