/**
 * Models as the commands use them: weights in a policy, the prompt format of one database. A model directory is a
 * Hugging Face checkpoint, or a PEFT adapter that names one; `prompt-format.json` in it says how questions become tokens,
 * and without it the model's chat template does.
 */
import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Example } from '../../data/example.ts';
import type { OpenedGguf } from '../../engine/gguf/gguf-policy.ts';
import { createLocalPolicy, type ModelConfig, type Policy, parseModelConfig } from '../../engine/index.ts';
import type { BaseFormat } from '../../engine/model/base-tensor.ts';
import type { FrozenBase } from '../../engine/runtime/memory-estimate.ts';
import type { Tokenizer } from '../../engine/tokenizer/tokenizer.ts';
import { QuerentError } from '../../foundation/errors.ts';
import type { Observe } from '../../foundation/events.ts';
import { readTextFile, writeFileAtomic } from '../../foundation/files.ts';
import { aliasesOf, buildCompactFormat, phrasesOf } from '../../prompts/compact/build-compact.ts';
import type { PromptFormat } from '../../prompts/prompt-format.ts';
import { runPaths } from '../../training/checkpoint.ts';
import type { Workspace } from '../project.ts';
import type { Recipe } from '../recipe.ts';
import { loadSynonyms } from './data.ts';
import type { OpenedDatabase } from './database.ts';
import { openGgufModel } from './gguf-model.ts';
import { frozenBaseOf } from './memory.ts';
import { findSource, formatFile, formatSettings, isGguf, readJson, tokenizerFile } from './model-source.ts';
import { openFormat, refuseIfPromptIsTooLong } from './open-format.ts';

export interface Model {
  readonly policy: Policy;
  readonly format: PromptFormat;
  /** Undefined for a GGUF file, which only answers. */
  readonly config: ModelConfig | undefined;
  /** How frozen weights lie in memory, as the checkpoint names their type. */
  readonly storedBase?: FrozenBase | undefined;
  readonly gguf?: OpenedGguf;
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
  if (recipe.model.lora !== undefined) {
    throw new QuerentError('cli/lora-without-model', 'model.lora adapts a trained model, and none is named', {
      next: 'Name one with --model DIRECTORY (or model.from), or leave model.lora out.',
    });
  }
  if (recipe.model.growTo !== undefined) {
    throw new QuerentError(
      'cli/grow-without-model',
      'model.growTo adds layers to a trained model, and none is named',
      {
        next: 'Name one with --model DIRECTORY (or model.from), or say model.layerCount instead.',
      },
    );
  }
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

/** Fine-tuning a language model: its branches were trained without dropout, and the adapter has its own. */
function chatEngineOptions(recipe: Recipe) {
  const { maxLength, baseWeights } = recipe.model;
  return {
    ...engineOptions(recipe),
    dropout: 0,
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(baseWeights === undefined ? {} : { baseWeights }),
  };
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
  /** For training; without one the model can only be sampled from. */
  readonly recipe?: Recipe;
  /** How the weights lie in memory if nothing trains (a recipe has its own); default: "auto". */
  readonly baseWeights?: BaseFormat | undefined;
  /** Where the prompt format lies, if not in `directory`. */
  readonly formatDirectory?: string;
  /** The same model opened for another database: its weights are shared, and closed by whoever opened them. */
  readonly weights?: Model | undefined;
  /** Each question shows only a part of the schema: one that is too long as a whole is no reason to refuse. */
  readonly narrowsSchema?: boolean;
}

export async function openModel(options: OpenModelOptions): Promise<Model> {
  if (options.recipe === undefined && isGguf(options.directory)) return openGgufModel(options);
  const { directory, database, observe, recipe, baseWeights, formatDirectory = directory, weights } = options;
  const { base, adapter } = await findSource(directory);
  const settings = await formatSettings([formatDirectory, directory, base], database, recipe);
  const format = await openFormat(settings, base, database, observe);
  const configPath = join(base, 'config.json');
  const raw = await readJson(configPath, 'model config');
  const stored = parseModelConfig(raw, configPath);
  const growTo = recipe?.model.growTo;
  const config = growTo === undefined ? stored : { ...stored, layerCount: growTo };
  const engine =
    recipe === undefined
      ? { seed: 0, frozen: true, ...(baseWeights === undefined ? {} : { baseWeights }) }
      : format.id === 'chat'
        ? chatEngineOptions(recipe)
        : engineOptions(recipe);
  const lora = recipe?.model.lora;
  if (growTo !== undefined && (lora !== undefined || adapter !== undefined)) {
    throw new QuerentError(
      'cli/grow-with-adapter',
      'model.growTo adds layers that an adapter would leave empty',
      {
        next: 'Leave model.growTo out, or train all weights: without model.lora.',
      },
    );
  }
  const policy =
    weights?.policy ??
    (await createLocalPolicy({
      directory: base,
      tokenizerFile: join(base, tokenizerFile),
      ...engine,
      ...(growTo === undefined ? {} : { layers: growTo }),
      ...(adapter !== undefined ? { adapterDirectory: adapter } : lora !== undefined ? { lora } : {}),
    }));
  try {
    if (options.narrowsSchema !== true) refuseIfPromptIsTooLong(format, policy.maxLength);
  } catch (thrown) {
    if (weights === undefined) await policy.close();
    throw thrown;
  }
  return { policy, format, config, storedBase: frozenBaseOf(raw) };
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
export async function rememberStart(
  modelDirectory: string,
  runDirectory: string,
  { database, recipe }: { readonly database: OpenedDatabase; readonly recipe: Recipe },
): Promise<void> {
  const { base } = await findSource(modelDirectory);
  const settings = await formatSettings([modelDirectory, base], database, recipe);
  const start = startDirectory(runDirectory);
  await writeFileAtomic(
    join(start, tokenizerFile),
    await readTextFile(join(base, tokenizerFile), 'tokenizer'),
  );
  await writeFileAtomic(join(start, formatFile), `${JSON.stringify(settings)}\n`);
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
