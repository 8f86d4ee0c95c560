/**
 * Where the weights of a model directory lie: in it, or, for an adapter, in the base that it names. Knows PEFT's and Hugging
 * Face's file names; opens no weights.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseConfig } from '../../foundation/config.ts';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { readTextFile } from '../../foundation/files.ts';
import { type ChatSettings, chatSettingsSchema } from '../../prompts/chat/chat-settings.ts';
import { type CompactSettings, compactSettingsSchema } from '../../prompts/compact/compact-format.ts';
import type { Recipe } from '../recipe.ts';
import type { OpenedDatabase } from './database.ts';

export const formatFile = 'prompt-format.json';
export const tokenizerFile = 'tokenizer.json';
const adapterFile = 'adapter_config.json';

/** A single file for llama.cpp, and no model directory. */
export const isGguf = (path: string): boolean => path.endsWith('.gguf');

export interface ModelSource {
  /** Weights, config.json and tokenizer. */
  readonly base: string;
  /** Lies on top of the base. */
  readonly adapter: string | undefined;
}

export async function readJson(path: string, what: string): Promise<unknown> {
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

/** An adapter names its base by a path (ours: absolute) or by a name on the hub, of which there must be a copy here. */
export async function findSource(directory: string): Promise<ModelSource> {
  if (isGguf(directory)) {
    throw new QuerentError(
      'cli/gguf-serves-only',
      `${directory} is a GGUF file: it answers questions, and is neither trained nor exported`,
      { next: 'Name the checkpoint that it was made from: a Hugging Face directory, or a finished run.' },
    );
  }
  const path = join(directory, adapterFile);
  if (!existsSync(path)) return { base: directory, adapter: undefined };
  const config = (await readJson(path, 'adapter config')) as { base_model_name_or_path?: unknown } | null;
  const named = config?.base_model_name_or_path;
  const places = typeof named === 'string' && named !== '' ? [resolve(directory, named), resolve(named)] : [];
  const base = places.find((place) => existsSync(join(place, 'config.json')));
  if (base !== undefined) return { base, adapter: directory };
  throw new QuerentError(
    'cli/no-base-model',
    `the adapter ${directory} lies on top of the model ${JSON.stringify(named ?? null)}, and there is no such directory`,
    {
      next: `Download that model, and write its directory into "base_model_name_or_path" of ${path}.`,
      details: { directory, base: named },
    },
  );
}

export type FormatSettings = CompactSettings | ChatSettings;

/** A checkpoint that says nothing of a format is a language model: it is asked by its chat template. */
export async function formatSettings(
  directories: readonly string[],
  database: OpenedDatabase,
  recipe: Recipe | undefined,
): Promise<FormatSettings> {
  const path = directories.map((directory) => join(directory, formatFile)).find((file) => existsSync(file));
  if (path === undefined) {
    const today = database.today === undefined ? {} : { today: database.today };
    return chatSettingsSchema.parse({ format: 'chat', ...recipe?.chat, ...today });
  }
  const written = await readJson(path, 'prompt format');
  const isChat = (written as { format?: unknown } | null)?.format === 'chat';
  return isChat
    ? parseConfig(chatSettingsSchema, written, path)
    : (parseConfig(compactSettingsSchema, written, path) as CompactSettings);
}
