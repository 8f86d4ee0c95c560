/**
 * Models that train elsewhere, for the commands: prompts, tokenizer and reward stay here, the policy is a server's. The local
 * directory gives what a prompt needs (and, where every weight trains, the weights to begin with).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createRemotePolicy, type Policy, parseModelConfig } from '../../engine/index.ts';
import { QuerentError } from '../../foundation/errors.ts';
import type { Observe } from '../../foundation/events.ts';
import type { PromptFormat } from '../../prompts/prompt-format.ts';
import type { Recipe } from '../recipe.ts';
import type { OpenedDatabase } from './database.ts';
import type { Model } from './model.ts';
import { findSource, formatSettings, readJson, tokenizerFile } from './model-source.ts';
import { openFormat, refuseIfPromptIsTooLong } from './open-format.ts';

export interface RemoteModelOptions {
  readonly url: string;
  /** As the server names it; left out: its only one. */
  readonly baseModel: string | undefined;
  readonly token: string | undefined;
  /** Tokenizer, config, prompt format; perhaps an adapter or weights to begin with. */
  readonly directory: string;
  readonly runDirectory: string;
  /** A run that goes on loads its checkpoint itself. */
  readonly isResumed: boolean;
  readonly recipe: Recipe;
  readonly database: OpenedDatabase;
  readonly observe: Observe;
  readonly signal: AbortSignal;
}

/** The server's token by the name that the worker reads too; hosted services call theirs an API key. */
export const remoteToken = (env: Readonly<Record<string, string | undefined>>): string | undefined =>
  env.QUERENT_WORKER_TOKEN ?? env.TINKER_API_KEY;

export async function openRemoteModel(options: RemoteModelOptions): Promise<Model> {
  const { directory, runDirectory, recipe, database, observe } = options;
  const { base, adapter } = await findSource(directory);
  const settings = await formatSettings([`${runDirectory}-start`, directory, base], database, recipe);
  const format = withoutConstraint(await openFormat(settings, base, database, observe), observe);
  const configPath = join(base, 'config.json');
  const config = parseModelConfig(await readJson(configPath, 'model config'), configPath);
  const lora = adapter === undefined ? recipe.model.lora : await adapterShape(adapter);
  const { maxLength } = recipe.model;
  const policy = await createRemotePolicy({
    url: options.url,
    token: options.token,
    baseModel: options.baseModel,
    lora: lora ?? { rank: 0 },
    seed: recipe.seed,
    maxLength: Math.min(maxLength ?? 4096, config.maxPositions),
    vocabSize: config.vocabSize,
    localBase: base,
    companionFiles: lora === undefined ? companionsOf(base) : [],
    observe,
    signal: options.signal,
  });
  try {
    refuseOtherVocabulary(policy, config.vocabSize, base);
    refuseIfPromptIsTooLong(format, policy.maxLength);
    const start = adapter ?? (lora === undefined && hasWeights(base) ? base : undefined);
    if (start !== undefined && !options.isResumed) await policy.load(start);
  } catch (thrown) {
    await policy.close();
    throw thrown;
  }
  return { policy, format, config };
}

/** A constraint needs every logit at every token: it runs where the model runs, and that is elsewhere. */
function withoutConstraint(format: PromptFormat, observe: Observe): PromptFormat {
  if (format.constraint === undefined) return format;
  observe({
    type: 'warning',
    code: 'cli/no-constraint',
    message: 'a remote policy samples without the token constraint: more answers will not be SQL at first',
  });
  return { ...format, constraint: undefined };
}

async function adapterShape(adapter: string) {
  const raw = (await readJson(join(adapter, 'adapter_config.json'), 'adapter config')) as {
    r: number;
    lora_alpha: number;
    target_modules: string[];
  };
  return { rank: raw.r, alpha: raw.lora_alpha, targetModules: raw.target_modules };
}

const hasWeights = (directory: string): boolean =>
  ['model.safetensors', 'model.safetensors.index.json'].some((name) => existsSync(join(directory, name)));

const companionsOf = (base: string): string[] =>
  [tokenizerFile, 'tokenizer_config.json', 'chat_template.jinja', 'special_tokens_map.json']
    .map((name) => join(base, name))
    .filter((path) => existsSync(path));

function refuseOtherVocabulary(policy: Policy, vocabSize: number, base: string): void {
  if (policy.vocabSize === vocabSize) return;
  throw new QuerentError(
    'cli/other-model',
    `${base} has ${vocabSize} tokens, and the server's model ${policy.vocabSize}`,
    { next: 'Name the same model on both sides: --model DIRECTORY here, --model of the worker.' },
  );
}
