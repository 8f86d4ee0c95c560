/**
 * The files of a model directory that turn text into tokens: tokenizer.json, its chat template and special tokens, and which
 * tokens end an answer. Knows where Hugging Face keeps each; renders and encodes nothing.
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { QuerentError } from '../../foundation/errors.ts';
import { readTextFile } from '../../foundation/files.ts';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.ts';
import { readJsonObject } from './json-file.ts';

/** Files that a trained copy of a model keeps word for word, beside tokenizer.json: Python reads them, and so do we. */
const companionNames = [
  'tokenizer_config.json',
  'generation_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'vocab.json',
  'merges.txt',
] as const;

export async function readCompanions(directory: string): Promise<Map<string, string>> {
  const present = new Set(await readdir(directory));
  const companions = new Map<string, string>();
  for (const name of companionNames) {
    if (present.has(name)) companions.set(name, await readTextFile(join(directory, name), 'model file'));
  }
  return companions;
}

export interface ModelText {
  readonly tokenizer: Tokenizer;
  /** The Jinja program of the checkpoint; undefined where it has none. */
  readonly chatTemplate: string | undefined;
  /** `bos_token`, `eos_token`, … written out; one that the model lacks (often `pad_token`) is not there. */
  readonly specialTokens: Readonly<Record<string, string>>;
  /** Any of them ends an answer, as the checkpoint says. */
  readonly endTokens: readonly number[];
}

type Json = Readonly<Record<string, unknown>>;

async function optionalJson(directory: string, name: string): Promise<Json> {
  const path = join(directory, name);
  return existsSync(path) ? readJsonObject(path, name) : {};
}

/** A token is a text, or an object with its content. */
function specialTokensIn(config: Json): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [key, value] of Object.entries(config)) {
    if (!key.endsWith('_token')) continue;
    const content = typeof value === 'object' && value !== null ? (value as Json).content : value;
    if (typeof content === 'string') found[key] = content;
  }
  return found;
}

async function chatTemplateOf(directory: string, tokenizerConfig: Json): Promise<string | undefined> {
  const path = join(directory, 'chat_template.jinja');
  if (existsSync(path)) return readTextFile(path, 'chat template');
  const written = tokenizerConfig.chat_template;
  if (typeof written === 'string') return written;
  if (!Array.isArray(written)) return undefined;
  // Several by name: "default" is what Python takes where no tools are given.
  const named = (written as { name?: unknown; template?: unknown }[]).find(({ name }) => name === 'default');
  return typeof named?.template === 'string' ? named.template : undefined;
}

const idsOf = (value: unknown): number[] =>
  (Array.isArray(value) ? value : [value]).filter((id): id is number => Number.isInteger(id));

export async function loadModelText(directory: string): Promise<ModelText> {
  const path = join(directory, 'tokenizer.json');
  if (!existsSync(path)) {
    throw new QuerentError('checkpoint/no-tokenizer', `${directory} has no tokenizer.json`, {
      next: 'Save the tokenizer there with Python: AutoTokenizer.from_pretrained(…).save_pretrained(DIRECTORY).',
      details: { directory },
    });
  }
  const tokenizer = loadTokenizer(await readJsonObject(path, 'tokenizer'));
  const tokenizerConfig = await optionalJson(directory, 'tokenizer_config.json');
  const specialTokens = {
    ...specialTokensIn(await optionalJson(directory, 'special_tokens_map.json')),
    ...specialTokensIn(tokenizerConfig),
  };
  const endToken = specialTokens.eos_token;
  const endTokens = new Set([
    ...idsOf((await optionalJson(directory, 'generation_config.json')).eos_token_id),
    ...idsOf((await optionalJson(directory, 'config.json')).eos_token_id),
    ...idsOf(endToken === undefined ? undefined : tokenizer.tokenToId(endToken)),
  ]);
  return {
    tokenizer,
    chatTemplate: await chatTemplateOf(directory, tokenizerConfig),
    specialTokens: Object.freeze(specialTokens),
    endTokens: [...endTokens],
  };
}
