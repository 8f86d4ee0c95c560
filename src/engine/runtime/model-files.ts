/** Model and adapter directories in the layouts of Hugging Face and PEFT. */
import { join } from 'node:path';
import { QuerentError } from '../../foundation/errors.ts';
import { readTextFile, writeFileAtomic } from '../../foundation/files.ts';
import { readSafetensors, writeSafetensors } from '../checkpoint/safetensors.ts';
import { type LoraConfig, parseLoraConfig } from '../model/lora.ts';
import { type ModelConfig, parseModelConfig, toHuggingFaceConfig } from '../model/model-config.ts';
import type { NamedWeights } from '../model/weights.ts';

async function readJson(path: string, what: string): Promise<Record<string, unknown>> {
  const text = await readTextFile(path, what);
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new QuerentError('engine/invalid-json', `${path} is not JSON`, { next: 'Check the file.', cause });
  }
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

export async function saveModel(
  directory: string,
  { config, weights }: { readonly config: ModelConfig; readonly weights: NamedWeights },
): Promise<void> {
  await writeSafetensors(join(directory, 'model.safetensors'), weights);
  await writeFileAtomic(join(directory, 'config.json'), json(toHuggingFaceConfig(config)));
}

export async function loadModel(directory: string): Promise<{ config: ModelConfig; weights: NamedWeights }> {
  const path = join(directory, 'config.json');
  const config = parseModelConfig(await readJson(path, 'model config'), path);
  return { config, weights: await readSafetensors(join(directory, 'model.safetensors')) };
}

export async function saveAdapter(
  directory: string,
  adapter: {
    readonly config: LoraConfig;
    readonly weights: NamedWeights;
    readonly baseModel: string | undefined;
  },
): Promise<void> {
  const { config, weights, baseModel } = adapter;
  await writeSafetensors(join(directory, 'adapter_model.safetensors'), weights);
  const peft = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: baseModel ?? null,
    r: config.rank,
    lora_alpha: config.alpha,
    lora_dropout: config.dropout,
    target_modules: config.targetModules,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
  };
  await writeFileAtomic(join(directory, 'adapter_config.json'), json(peft));
}

export async function loadAdapter(
  directory: string,
  _config: ModelConfig,
): Promise<{ config: LoraConfig; weights: NamedWeights }> {
  const path = join(directory, 'adapter_config.json');
  const raw = await readJson(path, 'adapter config');
  const config = parseLoraConfig(
    { rank: raw.r, alpha: raw.lora_alpha, dropout: raw.lora_dropout, targetModules: raw.target_modules },
    path,
  );
  return { config, weights: await readSafetensors(join(directory, 'adapter_model.safetensors')) };
}
