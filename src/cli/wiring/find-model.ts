/** Which model a command means: the named directory or GGUF file, the newest of the project's runs, or the shipped one. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { QuerentError } from '../../foundation/errors.ts';
import { runPaths } from '../../training/checkpoint.ts';
import { shippedModelDirectory, type Workspace } from '../project.ts';
import { ggufIn } from './gguf-model.ts';

/** Not config.json: the folder of a run has one of its own. An adapter has its base's tokenizer. */
const hasModel = (directory: string): boolean =>
  ['tokenizer.json', 'adapter_config.json'].some((name) => existsSync(join(directory, name)));

/** A run's folder stands for its final weights. */
function modelIn(directory: string): string | undefined {
  return [directory, runPaths(directory).final].find(hasModel);
}

export const sftRunDirectory = (workspace: Workspace): string => join(workspace.runsDirectory, 'sft');
export const grpoRunDirectory = (workspace: Workspace): string => join(workspace.runsDirectory, 'grpo');

export function findModel(workspace: Workspace, named: string | undefined, workingDirectory: string): string {
  if (named !== undefined) {
    const directory = resolve(workingDirectory, named);
    const found = modelIn(directory) ?? ggufIn(directory);
    if (found !== undefined) return found;
    throw new QuerentError(
      'cli/no-model',
      `${directory} holds no model (config.json, tokenizer.json, model.safetensors; adapter_config.json; or a GGUF file)`,
      {
        next: 'Name a model directory, the folder of a finished run, or a GGUF file.',
      },
    );
  }
  const trained = [grpoRunDirectory(workspace), sftRunDirectory(workspace)].flatMap(
    (run) => modelIn(run) ?? [],
  );
  const shipped = workspace.isDemo && hasModel(shippedModelDirectory()) ? [shippedModelDirectory()] : [];
  // For the demonstration the shipped model is better than what a short run leaves behind; --model names another.
  const found = (workspace.isDemo ? [...shipped, ...trained] : trained)[0];
  if (found !== undefined) return found;
  throw new QuerentError('cli/no-model', 'there is no trained model yet', {
    next: workspace.isDemo
      ? 'Run `querent quickstart`, then name its model with --model.'
      : 'Run `querent data synthesize`, then `querent train sft`.',
  });
}
