/**
 * A model directory in Hugging Face's layout: config.json, model.safetensors, generation_config.json and, where there
 * is a tokenizer, tokenizer.json and tokenizer_config.json. Weights are read tensor by tensor into their final arrays. Opens in Python's transformers unchanged, and models saved
 * there (one file or shards) open here. Knows no training state: callers write that beside.
 * Give a new model with a tokenizer of its own the family "llama": for "qwen2" Python's AutoTokenizer (transformers 5)
 * builds Qwen's own tokenizer whatever tokenizer.json says; there only PreTrainedTokenizerFast reads it.
 *
 *   await saveModel(directory, { config, weights, tokenizerJson });   // the whole directory, atomically
 *   await writeModel(directory, { config, weights });                 // into a directory that the caller fills
 *   const { config, weights, tokenizerJson } = await loadModel(directory);
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { QuerentError } from '../../foundation/errors.ts';
import { writeDirectoryAtomic, writeFileAtomic } from '../../foundation/files.ts';
import { firstValues, type HalfTensor } from '../model/base-tensor.ts';
import { type ModelConfig, parseModelConfig, toHuggingFaceConfig } from '../model/model-config.ts';
import {
  checkShapes,
  checkWeights,
  type NamedWeights,
  OUTPUT_NAME,
  type WeightTensor,
  weightShapes,
} from '../model/weights.ts';
import { loadTokenizer } from '../tokenizer/tokenizer.ts';
import type { TokenizerJson } from '../tokenizer/tokenizer-json.ts';
import { grown } from './grown-layers.ts';
import { jsonText, readJsonObject } from './json-file.ts';
import {
  openSafetensors,
  openShardedSafetensors,
  type WeightSource,
  writeSafetensors,
} from './safetensors.ts';
import { readCompanions } from './text-files.ts';

export interface SavedModel {
  readonly config: ModelConfig;
  readonly weights: ReadonlyMap<string, WeightTensor>;
  readonly tokenizerJson?: TokenizerJson | undefined;
  /** Files of the model that this one was trained from, by name, kept word for word (`text-files.ts`). */
  readonly companions?: ReadonlyMap<string, string> | undefined;
  /** F32 unless told; F16 halves the file and rounds. */
  readonly dtype?: 'F32' | 'F16' | undefined;
}

export interface LoadedModel<T = WeightTensor> {
  readonly config: ModelConfig;
  readonly weights: Map<string, T>;
  readonly tokenizerJson: TokenizerJson | undefined;
  readonly companions: ReadonlyMap<string, string>;
}

/** What Python's AutoTokenizer needs besides tokenizer.json. */
function tokenizerConfig(config: ModelConfig, json: TokenizerJson): Record<string, unknown> {
  const tokenizer = loadTokenizer(json);
  const token = (id: number | undefined) => (id === undefined ? undefined : tokenizer.idToToken(id));
  const unknown = (json.model as { unk_token?: unknown } | undefined)?.unk_token;
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: token(config.beginToken),
    eos_token: token(config.endToken),
    pad_token: token(config.padToken),
    unk_token: unknown ?? undefined,
    clean_up_tokenization_spaces: false,
    model_max_length: config.maxPositions,
  };
}

/** Writes the files into a directory that exists; the caller makes the directory appear whole. */
export async function writeModel(directory: string, model: SavedModel): Promise<void> {
  const { config, weights, tokenizerJson, companions = new Map(), dtype = 'F32' } = model;
  checkWeights(config, new Map(weights), 'the model to be saved');
  await writeSafetensors(join(directory, 'model.safetensors'), weights, { dtype });
  const file = (name: string, value: unknown) => writeFileAtomic(join(directory, name), jsonText(value));
  await file('generation_config.json', {
    bos_token_id: config.beginToken,
    eos_token_id: config.endToken,
    pad_token_id: config.padToken,
  });
  if (tokenizerJson !== undefined) {
    await file('tokenizer.json', tokenizerJson);
    await file('tokenizer_config.json', tokenizerConfig(config, tokenizerJson));
  }
  for (const [name, text] of companions) await writeFileAtomic(join(directory, name), text);
  await file('config.json', toHuggingFaceConfig(config));
}

/** Replacing a directory deletes what is in it: only one that holds a model or adapter, or nothing, is replaced. */
export async function refuseForeignDirectory(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  const names = await readdir(directory);
  if (names.length === 0 || names.includes('config.json') || names.includes('adapter_config.json')) return;
  throw new QuerentError(
    'checkpoint/not-a-model-directory',
    `${directory} exists and holds no model (it has ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`,
    { next: 'Save into a new or empty directory.', details: { directory } },
  );
}

/** The directory appears whole or not at all; a model of the same name is replaced. */
export async function saveModel(directory: string, model: SavedModel): Promise<void> {
  await refuseForeignDirectory(directory);
  await writeDirectoryAtomic(directory, (temporary) => writeModel(temporary, model));
}

async function openWeights(directory: string): Promise<WeightSource> {
  const single = join(directory, 'model.safetensors');
  const index = join(directory, 'model.safetensors.index.json');
  return !existsSync(single) && existsSync(index) ? openShardedSafetensors(index) : openSafetensors(single);
}

/** Copies that older exporters store although the model computes or shares them. */
function isRedundant(config: ModelConfig, name: string): boolean {
  return name.endsWith('.rotary_emb.inv_freq') || (config.tieEmbeddings && name === OUTPUT_NAME);
}

export interface OpenedModel {
  readonly config: ModelConfig;
  readonly source: WeightSource;
}

/** Config and names checked, no tensor read yet: names and shapes are compared first, so a wrong model costs no memory. */
export async function openModelWeights(directory: string): Promise<OpenedModel> {
  const configPath = join(directory, 'config.json');
  const config = parseModelConfig(await readJsonObject(configPath, 'model config'), configPath);
  const source = await openWeights(directory);
  try {
    const names = [...source.entries.keys()].filter((name) => !isRedundant(config, name));
    checkShapes(config, new Map(names.map((name) => [name, source.entries.get(name)!.shape])), directory);
  } catch (thrown) {
    await source.close();
    throw thrown;
  }
  const read = async (name: string) => {
    const tensor = await source.read(name);
    refuseNotFinite(tensor, name, directory);
    return tensor;
  };
  const readStored = async (name: string) => {
    const tensor = await source.readStored(name);
    refuseNotFinite(tensor, name, directory);
    return tensor;
  };
  return { config, source: { ...source, read, readStored } };
}

export async function readTokenizerJson(directory: string): Promise<TokenizerJson | undefined> {
  const path = join(directory, 'tokenizer.json');
  return existsSync(path) ? readJsonObject(path, 'tokenizer') : undefined;
}

export function loadModel(directory: string): Promise<LoadedModel> {
  return loadModelAs(directory, async (name, source) => source.read(name));
}

/** Reads one weight of an open source into the form in which it stays. */
export type WeightReader<T> = (name: string, source: WeightSource, config: ModelConfig) => Promise<T>;

/**
 * The same with each tensor stored in a form of the caller's, before the next one is read, and with layers added where
 * `layers` is more than the model has.
 */
export async function loadModelAs<T>(
  directory: string,
  readAs: WeightReader<T>,
  layers?: number,
): Promise<LoadedModel<T>> {
  const opened = await openModelWeights(directory);
  try {
    const { config, source } = layers === undefined ? opened : grown(opened, layers, directory);
    const weights = new Map<string, T>();
    // In the order in which the engine walks a model, from its first layer to its last; files are sorted by name.
    for (const name of weightShapes(config).keys()) weights.set(name, await readAs(name, source, config));
    const tokenizerJson = await readTokenizerJson(directory);
    return { config, weights, tokenizerJson, companions: await readCompanions(directory) };
  } finally {
    await opened.source.close();
  }
}

/** One such value makes every output one: better said before than after a day of training. */
function refuseNotFinite(tensor: WeightTensor | HalfTensor, name: string, directory: string): void {
  const at = placeOfNotFinite(tensor);
  if (at === undefined) return;
  const value = firstValues(tensor, at + 1)[at];
  throw new QuerentError(
    'checkpoint/not-finite',
    `tensor "${name}" of ${directory} holds ${value} at place ${at}; finite numbers were expected`,
    {
      next: 'The checkpoint is damaged or its training diverged: take an earlier one, or download it again.',
      details: { directory, name, place: at },
    },
  );
}

function placeOfNotFinite(tensor: WeightTensor | HalfTensor): number | undefined {
  if ('data' in tensor) {
    const { data } = tensor;
    // A finite number times 0 is 0; infinity and NaN give NaN, which no sum loses.
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum += data[i]! * 0;
    return sum === 0 ? undefined : data.findIndex((value) => !Number.isFinite(value));
  }
  // An exponent of ones: infinity or NaN.
  const { halves } = tensor;
  const ones = tensor.type === 'float16' ? 0x7c00 : 0x7f80;
  for (let i = 0; i < halves.length; i++) if ((halves[i]! & ones) === ones) return i;
  return undefined;
}

/** Files are sorted by name; the engine walks a model from its first layer to its last. */
export function inOrder(weights: NamedWeights, names: Iterable<string>): NamedWeights {
  return new Map([...names].map((name) => [name, weights.get(name)!]));
}
