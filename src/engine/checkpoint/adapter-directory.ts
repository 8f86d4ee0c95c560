/**
 * An adapter directory in PEFT's layout: adapter_config.json and adapter_model.safetensors with PEFT's tensor names.
 * Opens in Python's peft unchanged, and adapters made there open here. What we do not compute is refused by name.
 *
 *   await saveAdapter(directory, { config: lora, weights, baseModel });   // atomically; writeAdapter = into a directory
 *   const { config, weights } = await loadAdapter(directory, modelConfig, base);   // base: refuses an adapter of another one
 */
import { join } from 'node:path';
import { QuerentError } from '../../foundation/errors.ts';
import { writeDirectoryAtomic, writeFileAtomic } from '../../foundation/files.ts';
import { adapterShapes, type LoraConfig, parseLoraConfig } from '../model/lora.ts';
import type { ModelConfig } from '../model/model-config.ts';
import { linearModules, type NamedWeights, type WeightTensor } from '../model/weights.ts';
import { mergeAdapter } from '../sampling/decode-weights.ts';
import { type BaseModel, checkBase, fingerprintOf } from './base-model.ts';
import { jsonText, readJsonObject } from './json-file.ts';
import { inOrder, loadModel, refuseForeignDirectory, saveModel } from './model-directory.ts';
import { openSafetensors, readAllTensors, writeSafetensors } from './safetensors.ts';

export interface SavedAdapter {
  readonly config: LoraConfig;
  readonly weights: ReadonlyMap<string, WeightTensor>;
  /** Path or name of the model that it belongs to, for PEFT's `base_model_name_or_path`. */
  readonly baseModel?: string | undefined;
  /** Of its weights, so that the adapter is not put on another one by mistake. */
  readonly baseFingerprint?: string | undefined;
}

/** Key of the safetensors' metadata; PEFT reads past it. */
const fingerprintKey = 'base_fingerprint';

/** Writes the files into a directory that exists; the caller makes the directory appear whole. */
export async function writeAdapter(directory: string, adapter: SavedAdapter): Promise<void> {
  const { config, weights, baseModel, baseFingerprint } = adapter;
  const metadata = {
    format: 'pt',
    ...(baseFingerprint === undefined ? {} : { [fingerprintKey]: baseFingerprint }),
  };
  await writeSafetensors(join(directory, 'adapter_model.safetensors'), weights, { metadata });
  const peftConfig = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: baseModel ?? null,
    r: config.rank,
    lora_alpha: config.alpha,
    lora_dropout: config.dropout,
    target_modules: config.targetModules,
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: config.useRslora,
    use_dora: false,
    inference_mode: true,
  };
  await writeFileAtomic(join(directory, 'adapter_config.json'), jsonText(peftConfig));
}

/** The directory appears whole or not at all; an adapter of the same name is replaced. */
export async function saveAdapter(directory: string, adapter: SavedAdapter): Promise<void> {
  await refuseForeignDirectory(directory);
  await writeDirectoryAtomic(directory, (temporary) => writeAdapter(temporary, adapter));
}

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === false ||
  (typeof value === 'object' && Object.keys(value).length === 0);

/** Settings of PEFT that change the computation in a way this engine does not follow. */
const unsupportedKeys = [
  'use_dora',
  'use_qalora',
  'use_bdlora',
  'lora_bias',
  'fan_in_fan_out',
  'modules_to_save',
  'rank_pattern',
  'alpha_pattern',
  'trainable_token_indices',
  'layer_replication',
  'target_parameters',
];

function checkSupported(raw: Readonly<Record<string, unknown>>, path: string): void {
  const refused = unsupportedKeys.filter((key) => !isEmpty(raw[key]));
  if (raw.peft_type !== undefined && raw.peft_type !== 'LORA') refused.push('peft_type');
  if (raw.bias !== undefined && raw.bias !== 'none') refused.push('bias');
  if (refused.length === 0) return;
  const shown = refused.map((key) => `"${key}" is ${JSON.stringify(raw[key])}`).join(', ');
  throw new QuerentError('checkpoint/unsupported-adapter', `${path}: ${shown}; plain LoRA was expected`, {
    next: 'Merge the adapter into its model in Python and load the model instead.',
    details: { path, refused },
  });
}

/** Adapters of embeddings and of the output matrix have layouts of their own, which a shape error would not explain. */
function refuseEmbeddings(weights: NamedWeights, path: string): void {
  const found = [...weights.keys()].find((name) => /lora_embedding_|\.embed_tokens\.|\.lm_head\./.test(name));
  if (found === undefined) return;
  throw new QuerentError(
    'checkpoint/unsupported-adapter',
    `${path}: it adapts an embedding or the output matrix (${found}); adapters of linear layers were expected`,
    {
      next: 'Train the adapter without embed_tokens and lm_head, or merge it into its model in Python and load that.',
      details: { path, tensor: found },
    },
  );
}

/** `target_modules` may be a pattern; the tensors say which modules it meant. */
function adaptedModules(weights: NamedWeights): string[] {
  const modules = [...weights.keys()].map((name) => /\.(\w+)\.lora_[AB]\.weight$/.exec(name)?.[1]);
  const found = new Set(modules.filter((name) => name !== undefined));
  const known = linearModules.map((module) => module.split('.')[1]!);
  // In the engine's order; what it does not know comes last, to be refused by name.
  return [...known.filter((name) => found.has(name)), ...[...found].filter((name) => !known.includes(name))];
}

function checkShapes(config: ModelConfig, lora: LoraConfig, weights: NamedWeights, directory: string): void {
  const expected = adapterShapes(config, lora);
  const problems: string[] = [];
  for (const [name, shape] of expected) {
    const found = weights.get(name);
    if (found === undefined) problems.push(`${name} is missing`);
    else if (found.shape.join() !== shape.join())
      problems.push(`${name} has the shape [${found.shape.join(', ')}], expected [${shape.join(', ')}]`);
  }
  for (const name of weights.keys()) if (!expected.has(name)) problems.push(`${name} is not expected`);
  if (problems.length === 0) return;
  const more = problems.length > 3 ? `; and ${problems.length - 3} more` : '';
  throw new QuerentError(
    'checkpoint/adapter-mismatch',
    `the adapter ${directory} does not fit the model: ${problems.slice(0, 3).join('; ')}${more}`,
    {
      next: 'Load it with the model it was trained for.',
      details: { directory, problems: problems.slice(0, 50) },
    },
  );
}

export async function loadAdapter(
  directory: string,
  model: ModelConfig,
  base?: BaseModel,
): Promise<{ config: LoraConfig; weights: NamedWeights }> {
  const path = join(directory, 'adapter_config.json');
  const raw = await readJsonObject(path, 'adapter config');
  checkSupported(raw, path);
  const source = await openSafetensors(join(directory, 'adapter_model.safetensors'));
  const { [fingerprintKey]: fingerprint } = source.metadata;
  const weights: NamedWeights = await readAllTensors(source);
  refuseEmbeddings(weights, path);
  const config = parseLoraConfig(
    {
      rank: raw.r,
      alpha: raw.lora_alpha,
      dropout: raw.lora_dropout ?? 0,
      targetModules: adaptedModules(weights),
      useRslora: raw.use_rslora ?? false,
    },
    path,
  );
  checkShapes(model, config, weights, directory);
  if (base !== undefined) checkBase({ named: raw.base_model_name_or_path, fingerprint }, base, directory);
  return { config, weights: inOrder(weights, adapterShapes(model, config).keys()) };
}

/** A model directory with the adapter added to the weights: opens like any model, and needs no adapter any more. */
export async function saveMergedModel(
  directory: string,
  parts: { readonly base: string; readonly adapter: string; readonly dtype?: 'F32' | 'F16' },
): Promise<void> {
  const model = await loadModel(parts.base);
  const base = { directory: parts.base, fingerprint: fingerprintOf(model.weights) };
  const adapter = await loadAdapter(parts.adapter, model.config, base);
  const weights = mergeAdapter(model.config, model.weights, adapter);
  await saveModel(directory, { ...model, weights, dtype: parts.dtype });
}
