/**
 * What questions are asked with: the pipeline of the project's model, and the tools of its database. Opened once for a
 * conversation or a batch.
 */
import type { Pipeline } from '../../agents/pipeline.ts';
import type { BaseFormat } from '../../engine/model/base-tensor.ts';
import type { Observe } from '../../foundation/events.ts';
import { loadParser } from '../../schema/syntax/parser.ts';
import { openWorkspace, type Workspace } from '../project.ts';
import { loadSynonyms } from './data.ts';
import { openDatabase } from './database.ts';
import { type DatabaseTools, openTools, rulesPathOf } from './database-tools.ts';
import { findModel } from './find-model.ts';
import { openPipeline } from './pipeline.ts';

export interface Workbench extends DatabaseTools {
  readonly workspace: Workspace;
  readonly pipeline: Pipeline;
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
  readonly baseWeights?: BaseFormat | undefined;
}

export async function openWorkbench(options: OpenWorkbenchOptions): Promise<Workbench> {
  const { observe, model, workingDirectory, baseWeights } = options;
  const workspace = await openWorkspace(options.directory);
  const directory = findModel(workspace, model, workingDirectory);
  const database = await openDatabase(workspace, observe);
  await loadParser();
  const tools = await openTools({
    database,
    synonyms: await loadSynonyms(workspace),
    rulesPath: rulesPathOf(workspace, options.rules, workingDirectory),
  });
  try {
    const { pipeline } = await openPipeline({ directory, tools, baseWeights, observe });
    return { ...tools, workspace, pipeline, close: () => pipeline.close() };
  } catch (thrown) {
    await tools.close();
    throw thrown;
  }
}
