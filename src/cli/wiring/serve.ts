/**
 * What `querent serve` answers with: database, sandbox, store and, behind its back, the model with its pipeline. It knows the
 * project's files; it does not know HTTP.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { confidenceFile, loadConfidenceMap } from '../../agents/confidence/confidence.ts';
import type { KnownExample } from '../../agents/generate/example-memory.ts';
import type { Example } from '../../data/example.ts';
import { createSandbox } from '../../database/sandbox.ts';
import type { Policy } from '../../engine/policy.ts';
import type { Observe } from '../../foundation/events.ts';
import { packageRoot } from '../../foundation/files.ts';
import { loadParser } from '../../schema/syntax/parser.ts';
import type { ApiMetrics } from '../../serving/api/metrics.ts';
import type { ApiParts, KnownQuestion } from '../../serving/api/parts.ts';
import { createModelHolder, type ServedModel } from '../../serving/api/served-model.ts';
import { shareSampling } from '../../serving/api/shared-sampling.ts';
import { openStore, type Store } from '../../serving/store/store.ts';
import { openWorkspace, type Workspace } from '../project.ts';
import { availableSets, loadCurated, loadSet, loadSynonyms } from './data.ts';
import { openDatabase } from './database.ts';
import { type DatabaseTools, openTools, rulesPathOf } from './database-tools.ts';
import { findModel } from './find-model.ts';
import { openModel } from './model.ts';
import { compactSettingsOf, openPipeline } from './pipeline.ts';

export interface OpenServingOptions {
  /** Folder of querent.json. */
  readonly directory: string;
  readonly workingDirectory: string;
  readonly model?: string | undefined;
  readonly rules?: string | undefined;
  readonly store?: string | undefined;
  readonly metrics: ApiMetrics;
  readonly observe: Observe;
  readonly onModelFailure: (thrown: unknown) => void;
}

export interface Serving
  extends Pick<
    ApiParts,
    'schema' | 'model' | 'store' | 'execute' | 'explain' | 'examples' | 'runsDirectory' | 'webDirectory'
  > {
  readonly databaseName: string;
  close(): Promise<void>;
}

const EXAMPLES_SHOWN = 24;
const EXAMPLE_CHARACTERS_MAX = 90;

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

/** Questions with known answers that no test set asks; of the demonstration all hand-written ones, trained on or not. */
async function knownExamples(workspace: Workspace, workingDirectory: string): Promise<readonly Example[]> {
  if (workspace.isDemo) return loadCurated(workspace, true);
  return availableSets(workspace).includes('train') ? loadSet(workspace, 'train', workingDirectory) : [];
}

/** Short ones, from all over the list, no statement twice. */
function shownExamples(examples: readonly Example[]): readonly KnownQuestion[] {
  const short = [...new Map(examples.map((example) => [example.sql, example])).values()].filter(
    ({ question }) => question.length <= EXAMPLE_CHARACTERS_MAX,
  );
  const step = Math.max(1, Math.floor(short.length / EXAMPLES_SHOWN));
  return short
    .filter((_, at) => at % step === 0)
    .slice(0, EXAMPLES_SHOWN)
    .map(({ question, sql }) => ({ query: question, sql }));
}

/** The folder of a finished run is called final; its run has the telling name. */
function modelName(directory: string): string {
  const name = basename(directory);
  return name === 'final' || name === 'best' ? `${basename(dirname(directory))}/${name}` : name;
}

async function modelInfo(directory: string, policy: Policy): Promise<ServedModel['info']> {
  const isEmbedded = (await compactSettingsOf(directory)) !== undefined;
  const calibration = join(directory, confidenceFile);
  const map = existsSync(calibration) ? await loadConfidenceMap(calibration) : undefined;
  return {
    name: modelName(directory),
    kind: isEmbedded ? 'embedded' : 'hugging-face',
    parameters: policy.parameterCount,
    prompt_format: isEmbedded ? 'compact' : 'chat',
    calibration_error: map?.ece?.after ?? null,
  };
}

interface ModelParts {
  readonly options: OpenServingOptions;
  readonly workspace: Workspace;
  readonly tools: DatabaseTools;
  readonly store: Store;
  readonly examples: readonly Example[];
}

async function openServedModel({
  options,
  workspace,
  tools,
  store,
  examples,
}: ModelParts): Promise<ServedModel> {
  const { observe } = options;
  const { database } = tools;
  const directory = findModel(workspace, options.model, options.workingDirectory);
  const trained = examples.map(({ question, sql }): KnownExample => ({ question, sql }));
  const accepted = store.history
    .accepted(database.schema.databaseId)
    .map(({ question, sql }): KnownExample => ({ question, sql, isAccepted: true }));
  const model = await openModel({ directory, database, observe, narrowsSchema: true });
  const policy = shareSampling(model.policy, { onBatch: options.metrics.sampled });
  try {
    const { pipeline, memory, close } = await openPipeline({
      directory,
      tools,
      model: { ...model, policy },
      examples: [...trained, ...accepted],
      observe,
    });
    // The first question opens sessions and starts workers: better before anybody waits for it.
    await pipeline.ask({ question: examples[0]?.question ?? 'how many', options: { cache: false } });
    return {
      pipeline,
      memory,
      info: await modelInfo(directory, policy),
      close: async () => {
        await close();
        await policy.close();
      },
    };
  } catch (thrown) {
    await policy.close();
    throw thrown;
  }
}

export async function openServing(options: OpenServingOptions): Promise<Serving> {
  const { observe, workingDirectory } = options;
  const workspace = await openWorkspace(options.directory);
  const database = await openDatabase(workspace, observe);
  const examples = await knownExamples(workspace, workingDirectory);
  await loadParser();
  const sandbox = createSandbox();
  const tools = await openTools({
    database,
    synonyms: await loadSynonyms(workspace),
    rulesPath: rulesPathOf(workspace, options.rules, workingDirectory),
    sandbox,
  });
  const store = openProjectStore(workspace, options.store, workingDirectory);
  const model = createModelHolder({
    open: () => openServedModel({ options, workspace, tools, store, examples }),
    onFailure: options.onModelFailure,
  });
  return {
    databaseName: basename(database.path),
    schema: tools.schema,
    model,
    store,
    execute: tools.execute,
    explain: tools.explain,
    examples: shownExamples(examples),
    runsDirectory: workspace.runsDirectory,
    webDirectory: join(packageRoot(), 'web', 'dist'),
    close: async () => {
      await model.close();
      await sandbox.close();
      store.close();
    },
  };
}
