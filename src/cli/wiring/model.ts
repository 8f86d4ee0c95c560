/**
 * Models as the commands use them: weights in a policy, the prompt format of one database. A model directory is a
 * Hugging Face checkpoint plus `prompt-format.json`, which says how its questions become tokens.
 */
import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Example } from '../../data/example.ts';
import { createLocalPolicy, type ModelConfig, type Policy, parseModelConfig } from '../../engine/index.ts';
import { loadTokenizer, type Tokenizer, type TokenizerJson } from '../../engine/tokenizer/tokenizer.ts';
import { parseConfig } from '../../foundation/config.ts';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import type { Observe } from '../../foundation/events.ts';
import { readTextFile, writeFileAtomic } from '../../foundation/files.ts';
import {
  aliasesOf,
  buildCompactFormat,
  openCompactFormat,
  phrasesOf,
} from '../../prompts/compact/build-compact.ts';
import { type CompactSettings, compactSettingsSchema } from '../../prompts/compact/compact-format.ts';
import type { PromptFormat } from '../../prompts/prompt-format.ts';
import { runPaths } from '../../training/checkpoint.ts';
import type { Workspace } from '../project.ts';
import type { Recipe } from '../recipe.ts';
import { loadSynonyms } from './data.ts';
import type { OpenedDatabase } from './database.ts';

export interface Model {
  readonly policy: Policy;
  readonly format: PromptFormat;
  readonly config: ModelConfig;
}

const formatFile = 'prompt-format.json';
const tokenizerFile = 'tokenizer.json';

async function readJson(path: string, what: string): Promise<unknown> {
  const text = await readTextFile(path, what);
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new QuerentError('cli/bad-model', `${path} is not JSON: ${messageOf(thrown)}`, {
      next: 'The model directory is damaged: train it again, or copy it again from where it came.',
      cause: thrown,
    });
  }
}

/** A folder beside a run that holds tokenizer and format from its first step on: what `--resume` needs of them. */
const startDirectory = (runDirectory: string): string => `${runDirectory}-start`;

/** A model with fresh weights, its vocabulary made from the training examples. */
export async function createModel(options: {
  readonly recipe: Recipe;
  readonly workspace: Workspace;
  readonly database: OpenedDatabase;
  readonly examples: readonly Example[];
  readonly runDirectory: string;
}): Promise<Model> {
  const { recipe, workspace, database, examples, runDirectory } = options;
  const synonyms = await loadSynonyms(workspace);
  const { settings, tokenizer, format } = buildCompactFormat({
    schema: database.schema,
    examples,
    today: workspace.today,
    aliases: aliasesOf(synonyms),
    phrases: phrasesOf(database.schema, synonyms),
    seed: recipe.seed,
    ...recipe.prompt,
  });
  const start = startDirectory(runDirectory);
  await writeFileAtomic(join(start, tokenizerFile), `${JSON.stringify(tokenizer.json)}\n`);
  await writeFileAtomic(join(start, formatFile), `${JSON.stringify(settings)}\n`);
  const config = freshConfig(recipe, tokenizer);
  const policy = await createLocalPolicy({
    config,
    tokenizerFile: join(start, tokenizerFile),
    ...engineOptions(recipe),
  });
  return { policy, format, config: parseModelConfig(config, 'the recipe') };
}

function engineOptions({ seed, threads, model }: Recipe) {
  const { dropout, tokenBudget } = model;
  return { seed, threads, dropout, ...(tokenBudget === undefined ? {} : { tokenBudget }) };
}

/** The content of a Hugging Face `config.json`. */
function freshConfig({ model }: Recipe, tokenizer: Tokenizer): unknown {
  return {
    // Not qwen2: transformers would then build Qwen's own tokenizer, whatever tokenizer.json says.
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    vocab_size: tokenizer.vocabSize,
    hidden_size: model.hiddenSize,
    intermediate_size: model.intermediateSize,
    num_hidden_layers: model.layerCount,
    num_attention_heads: model.headCount,
    num_key_value_heads: model.keyValueHeadCount,
    max_position_embeddings: model.maxPositions,
    tie_word_embeddings: true,
    rope_theta: 10_000,
    initializer_range: model.initializerRange,
    bos_token_id: tokenizer.tokenToId('<s>'),
    eos_token_id: tokenizer.tokenToId('</s>'),
    pad_token_id: tokenizer.tokenToId('<pad>'),
  };
}

export interface OpenModelOptions {
  readonly directory: string;
  readonly database: OpenedDatabase;
  readonly observe: Observe;
  /** For training; sampling uses none of it. */
  readonly recipe?: Recipe;
  /** Where the prompt format lies, if not in `directory`. */
  readonly formatDirectory?: string;
}

export async function openModel(options: OpenModelOptions): Promise<Model> {
  const { directory, database, observe, recipe, formatDirectory = directory } = options;
  const path = join(formatDirectory, formatFile);
  if (!existsSync(path)) {
    throw new QuerentError('cli/bad-model', `${formatDirectory} has no ${formatFile}`, {
      next: 'Name a model that Querent trained; for other checkpoints train it first with `querent train sft --model`.',
    });
  }
  const settings = parseConfig(
    compactSettingsSchema,
    await readJson(path, 'prompt format'),
    path,
  ) as CompactSettings;
  checkSchema(settings, database, observe);
  const tokenizerPath = join(directory, tokenizerFile);
  const tokenizer = loadTokenizer((await readJson(tokenizerPath, 'tokenizer')) as TokenizerJson);
  const format = openCompactFormat(database.schema, settings, tokenizer);
  const configPath = join(directory, 'config.json');
  const config = parseModelConfig(await readJson(configPath, 'model config'), configPath);
  const policy = await createLocalPolicy({
    directory,
    tokenizerFile: tokenizerPath,
    seed: 0,
    ...(recipe === undefined ? {} : engineOptions(recipe)),
  });
  return { policy, format, config };
}

function checkSchema(settings: CompactSettings, { schema }: OpenedDatabase, observe: Observe): void {
  if (settings.schemaHash === schema.hash) return;
  if (settings.databaseId !== schema.databaseId) {
    throw new QuerentError(
      'cli/other-database',
      `the model was trained for the database "${settings.databaseId}", and this is "${schema.databaseId}"`,
      { next: 'Use a model of this database: `querent data synthesize`, then `querent train sft`.' },
    );
  }
  observe({
    type: 'warning',
    code: 'cli/schema-changed',
    message: 'the schema has changed since the model was trained; train it again for reliable answers',
  });
}

/** Opens a model for the length of some work. */
export async function withModel<T>(
  options: OpenModelOptions,
  work: (model: Model) => Promise<T>,
): Promise<T> {
  const model = await openModel(options);
  try {
    return await work(model);
  } finally {
    await model.policy.close();
  }
}

/** Keeps tokenizer and format of a stage's first model beside its run. */
export async function rememberStart(modelDirectory: string, runDirectory: string): Promise<void> {
  for (const file of [tokenizerFile, formatFile]) {
    const text = await readTextFile(join(modelDirectory, file), 'model file');
    await writeFileAtomic(join(startDirectory(runDirectory), file), text);
  }
}

/** A checkpoint of an unfinished run, with the format that the run began with. */
export function openCheckpoint(
  directory: string,
  runDirectory: string,
  options: Omit<OpenModelOptions, 'directory' | 'formatDirectory'>,
): Promise<Model> {
  return openModel({ ...options, directory, formatDirectory: startDirectory(runDirectory) });
}

/** Makes the model directories that a finished run left behind whole. */
export async function completeModels(runDirectory: string): Promise<void> {
  const { best, final } = runPaths(runDirectory);
  for (const directory of [best, final]) {
    if (existsSync(directory)) {
      await copyFile(join(startDirectory(runDirectory), formatFile), join(directory, formatFile));
    }
  }
}
