/** A GGUF file as a model that answers: llama.cpp samples, and the file's own chat template asks. Trains nothing. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type OpenedGguf, openGguf } from '../../engine/gguf/gguf-policy.ts';
import type { Policy } from '../../engine/policy.ts';
import { QuerentError } from '../../foundation/errors.ts';
import type { PromptFormat } from '../../prompts/prompt-format.ts';
import type { OpenedDatabase } from './database.ts';
import { formatFile, formatSettings, isGguf } from './model-source.ts';
import { chatFormatOf, refuseIfPromptIsTooLong } from './open-format.ts';

/** The only GGUF file of a folder; of a model in several files the first, from which the others are found. */
export function ggufIn(directory: string): string | undefined {
  if (!existsSync(directory)) return undefined;
  if (isGguf(directory)) return directory;
  const files = readdirSync(directory).filter(
    (name) => isGguf(name) && (!/-\d{5}-of-\d{5}\.gguf$/.test(name) || name.includes('-00001-of-')),
  );
  if (files.length < 2) return files[0] === undefined ? undefined : join(directory, files[0]);
  throw new QuerentError(
    'cli/several-models',
    `${directory} holds ${files.length} models: ${files.join(', ')}`,
    {
      next: `Name one, for example --model ${join(basename(directory), files[0]!)}.`,
    },
  );
}

export interface OpenGgufOptions {
  /** The file. */
  readonly directory: string;
  readonly database: OpenedDatabase;
  /** The same file opened for another database; closed by whoever opened it. */
  readonly weights?: { readonly gguf?: OpenedGguf | undefined } | undefined;
  readonly narrowsSchema?: boolean;
}

export interface GgufModel {
  readonly policy: Policy;
  readonly format: PromptFormat;
  /** The engine knows nothing of its layers. */
  readonly config: undefined;
  readonly gguf: OpenedGguf;
}

/** `prompt-format.json` beside the file is how it was trained to be asked; `querent export` puts it there. */
export async function openGgufModel(options: OpenGgufOptions): Promise<GgufModel> {
  const { directory: path, database, weights } = options;
  const settings = await formatSettings([dirname(path)], database, undefined);
  if (settings.format !== 'chat') {
    throw new QuerentError(
      'cli/other-format',
      `${join(dirname(path), formatFile)} belongs to an embedded model; the format "chat" was expected beside a GGUF file`,
      { next: 'Move the GGUF file into a folder of its own.' },
    );
  }
  const gguf = weights?.gguf ?? (await openGguf({ path }));
  try {
    const format = chatFormatOf(settings, gguf.text, database);
    if (options.narrowsSchema !== true) refuseIfPromptIsTooLong(format, gguf.policy.maxLength);
    return { policy: gguf.policy, format, config: undefined, gguf };
  } catch (thrown) {
    if (weights?.gguf === undefined) await gguf.policy.close();
    throw thrown;
  }
}
