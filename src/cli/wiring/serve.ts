/**
 * What `querent serve` answers with: database, sandbox, store and, behind its back, the model with its pipeline. It knows the
 * project's files; it does not know HTTP.
 */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { KnownExample } from '../../agents/generate/example-memory.ts';
import type { Example } from '../../data/example.ts';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { schemaStamp } from '../../database/schema-stamp.ts';
import type { BaseFormat } from '../../engine/model/base-tensor.ts';
import type { Observe } from '../../foundation/events.ts';
import { packageRoot } from '../../foundation/files.ts';
import { introspectSqlite } from '../../schema/introspect.ts';
import type { Schema } from '../../schema/schema.ts';
import { loadParser } from '../../schema/syntax/parser.ts';
import type { ApiMetrics } from '../../serving/api/metrics.ts';
import type { ApiParts } from '../../serving/api/parts.ts';
import { createServedDatabase } from '../../serving/api/served-database.ts';
import { createModelHolder } from '../../serving/api/served-model.ts';
import { openStore, type Store } from '../../serving/store/store.ts';
import { openWorkspace, type Workspace } from '../project.ts';
import { availableSets, loadCurated, loadSet, loadSynonyms } from './data.ts';
import { openDatabase } from './database.ts';
import { type DatabaseTools, openTools, rulesPathOf } from './database-tools.ts';
import { findModel } from './find-model.ts';
import { type AdaptableModel, openServedModel } from './served-model.ts';
import { shownExamples } from './shown-examples.ts';

export interface OpenServingOptions {
  /** Folder of querent.json. */
  readonly directory: string;
  readonly workingDirectory: string;
  readonly model?: string | undefined;
  /** How the model's weights lie in memory; default: "auto". */
  readonly baseWeights?: BaseFormat | undefined;
  readonly rules?: string | undefined;
  readonly store?: string | undefined;
  readonly metrics: ApiMetrics;
  readonly observe: Observe;
  readonly onModelFailure: (thrown: unknown) => void;
  /** The database has other tables, and they could not be taken up. */
  readonly onSchemaFailure: (thrown: unknown) => void;
}

export interface Serving
  extends Pick<
    ApiParts,
    'database' | 'model' | 'store' | 'execute' | 'examples' | 'runsDirectory' | 'webDirectory'
  > {
  readonly databaseName: string;
  close(): Promise<void>;
}

/** History, feedback and keys of a project, beside what else is made there and belongs to nobody's repository. */
export function storePathOf(
  workspace: Workspace,
  named: string | undefined,
  workingDirectory: string,
): string {
  if (named !== undefined) return resolve(workingDirectory, named);
  return join(workspace.directory, '.querent', 'serve.sqlite');
}

export function openProjectStore(
  workspace: Workspace,
  named: string | undefined,
  workingDirectory: string,
): Store {
  return openStore(storePathOf(workspace, named, workingDirectory));
}

/** Questions with known answers that no test set asks; of the demonstration all hand-written ones. */
async function knownExamples(workspace: Workspace, workingDirectory: string): Promise<readonly Example[]> {
  if (workspace.isDemo) return loadCurated(workspace, true);
  return availableSets(workspace).includes('train') ? loadSet(workspace, 'train', workingDirectory) : [];
}

/** Where there is no model, the log says so; the server runs. */
function modelIfThere(...where: Parameters<typeof findModel>): string | undefined {
  try {
    return findModel(...where);
  } catch {
    return undefined;
  }
}

interface ServedPartsOptions {
  readonly options: OpenServingOptions;
  readonly workspace: Workspace;
  readonly store: Store;
  readonly sandbox: Sandbox;
  readonly examples: readonly Example[];
}

/** Database and model, the one following the other: what changes in the database reaches both. */
async function openServedParts({ options, workspace, store, sandbox, examples }: ServedPartsOptions) {
  const { observe, workingDirectory } = options;
  const path = workspace.databasePath;
  // Before it is read: what changes in between is noticed at the first question.
  const before = existsSync(path) ? schemaStamp(path) : undefined;
  const first = await openDatabase(workspace, observe);
  const synonyms = await loadSynonyms(workspace);
  const rulesPath = rulesPathOf(workspace, options.rules, workingDirectory);
  const toolsOf = (schema: Schema): Promise<DatabaseTools> =>
    openTools({ database: { ...first, schema }, synonyms, rulesPath, sandbox });
  let tools = await toolsOf(first.schema);
  let opened: AdaptableModel | undefined;

  const database = createServedDatabase({
    first: tools,
    stamp: before ?? schemaStamp(path),
    stampNow: () => schemaStamp(path),
    read: async () => {
      const schema = await introspectSqlite(path, { databaseId: workspace.databaseId });
      if (schema.hash === tools.schema.hash) return tools;
      const next = await toolsOf(schema);
      await opened?.adapt(next);
      tools = next;
      return next;
    },
    onFailure: options.onSchemaFailure,
  });
  const known = (): readonly KnownExample[] => [
    ...examples.map(({ question, sql }) => ({ question, sql })),
    ...store.history
      .accepted(workspace.databaseId)
      .map(({ question, sql }) => ({ question, sql, isAccepted: true })),
  ];
  const model = createModelHolder({
    open: async () => {
      const its = tools;
      const made = await openServedModel({
        directory: findModel(workspace, options.model, workingDirectory),
        baseWeights: options.baseWeights,
        tools: its,
        examples: known,
        onBatch: options.metrics.sampled,
        observe,
      });
      if (tools !== its) await made.adapt(tools);
      opened = made;
      return made;
    },
    onFailure: options.onModelFailure,
  });
  const execute: Serving['execute'] = (sql, limits) => sandbox.execute(path, sql, limits);
  return { databaseName: basename(path), database, model, execute };
}

export async function openServing(options: OpenServingOptions): Promise<Serving> {
  const { workingDirectory } = options;
  const workspace = await openWorkspace(options.directory);
  const examples = await knownExamples(workspace, workingDirectory);
  await loadParser();
  const store = openProjectStore(workspace, options.store, workingDirectory);
  const sandbox = createSandbox();
  try {
    const shownFor = modelIfThere(workspace, options.model, workingDirectory);
    const served = await openServedParts({ options, workspace, store, sandbox, examples });
    return {
      ...served,
      store,
      examples: await shownExamples(workspace, shownFor, workingDirectory),
      runsDirectory: workspace.runsDirectory,
      webDirectory: join(packageRoot(), 'web', 'dist'),
      close: async () => {
        await served.model.close();
        await sandbox.close();
        store.close();
      },
    };
  } catch (thrown) {
    await sandbox.close();
    store.close();
    throw thrown;
  }
}
