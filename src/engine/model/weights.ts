/** Names, shapes and first values of a model's weights: the same names and layouts as in Hugging Face checkpoints. */
import { QuerentError } from '../../foundation/errors.ts';
import type { Random } from '../../foundation/random.ts';
import { keyValueWidth, type ModelConfig, queryWidth } from './model-config.ts';

export interface WeightTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Linear layers are stored [out, in]. */
export type NamedWeights = Map<string, WeightTensor>;

export const EMBEDDING_NAME = 'model.embed_tokens.weight';
export const FINAL_NORM_NAME = 'model.norm.weight';
export const OUTPUT_NAME = 'lm_head.weight';

/** The linear layers inside a transformer layer, by the last two parts of their names. */
export const linearModules = [
  'self_attn.q_proj',
  'self_attn.k_proj',
  'self_attn.v_proj',
  'self_attn.o_proj',
  'mlp.gate_proj',
  'mlp.up_proj',
  'mlp.down_proj',
] as const;
export type LinearModule = (typeof linearModules)[number];

export function layerPrefix(layer: number): string {
  return `model.layers.${layer}`;
}

/** Norms of query and key heads, where the model has them. */
export function headNormNames(layer: number): { readonly query: string; readonly key: string } {
  const prefix = `${layerPrefix(layer)}.self_attn`;
  return { query: `${prefix}.q_norm.weight`, key: `${prefix}.k_norm.weight` };
}

/** [out, in] of a linear layer. */
export function linearShape(config: ModelConfig, module: LinearModule): readonly [number, number] {
  const { hiddenSize, intermediateSize } = config;
  switch (module) {
    case 'self_attn.q_proj':
      return [queryWidth(config), hiddenSize];
    case 'self_attn.k_proj':
    case 'self_attn.v_proj':
      return [keyValueWidth(config), hiddenSize];
    case 'self_attn.o_proj':
      return [hiddenSize, queryWidth(config)];
    case 'mlp.gate_proj':
    case 'mlp.up_proj':
      return [intermediateSize, hiddenSize];
    case 'mlp.down_proj':
      return [hiddenSize, intermediateSize];
    default:
      return module satisfies never;
  }
}

export function hasBias(config: ModelConfig, module: LinearModule): boolean {
  if (module === 'self_attn.o_proj') return config.outputBias;
  return module.startsWith('self_attn.') && config.queryKeyValueBias;
}

/** The name of the matrix that turns hidden states into logits. */
export function outputWeightName(config: ModelConfig): string {
  return config.tieEmbeddings ? EMBEDDING_NAME : OUTPUT_NAME;
}

/** Every weight of the model, in the order of the checkpoint. */
export function weightShapes(config: ModelConfig): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  shapes.set(EMBEDDING_NAME, [config.vocabSize, config.hiddenSize]);
  for (let layer = 0; layer < config.layerCount; layer++) {
    const prefix = layerPrefix(layer);
    shapes.set(`${prefix}.input_layernorm.weight`, [config.hiddenSize]);
    for (const module of linearModules) {
      const shape = linearShape(config, module);
      shapes.set(`${prefix}.${module}.weight`, shape);
      if (hasBias(config, module)) shapes.set(`${prefix}.${module}.bias`, [shape[0]]);
    }
    if (config.queryKeyNorm) {
      for (const name of Object.values(headNormNames(layer))) shapes.set(name, [config.headSize]);
    }
    shapes.set(`${prefix}.post_attention_layernorm.weight`, [config.hiddenSize]);
  }
  shapes.set(FINAL_NORM_NAME, [config.hiddenSize]);
  if (!config.tieEmbeddings) shapes.set(OUTPUT_NAME, [config.vocabSize, config.hiddenSize]);
  return shapes;
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function parameterCount(config: ModelConfig): number {
  let total = 0;
  for (const shape of weightShapes(config).values()) total += elementCount(shape);
  return total;
}

/** What becomes of a weight as soon as it has been read or made, before the next one is. */
export type WeightMapper<T> = (name: string, tensor: WeightTensor) => T;

export function initializeWeights(config: ModelConfig, random: Random): NamedWeights {
  return freshWeights(config, random, (_, tensor) => tensor);
}

/** Fresh weights as Hugging Face makes them: normal with `initializerRange`, biases 0, norms 1. */
export function freshWeights<T>(
  config: ModelConfig,
  random: Random,
  toStored: WeightMapper<T>,
): Map<string, T> {
  const weights = new Map<string, T>();
  for (const [name, shape] of weightShapes(config)) {
    const data = new Float32Array(elementCount(shape));
    if (name.endsWith('norm.weight')) data.fill(1);
    else if (shape.length === 2) {
      const own = random.fork(name);
      for (let i = 0; i < data.length; i++) data[i] = own.normal() * config.initializerRange;
    }
    weights.set(name, toStored(name, { shape, data }));
  }
  return weights;
}

/** Refuse weights that are missing, of another shape, or not part of the model. */
export function checkWeights(config: ModelConfig, weights: NamedWeights, source: string): void {
  checkShapes(config, new Map([...weights].map(([name, { shape }]) => [name, shape])), source);
  for (const [name, { shape, data }] of weights) {
    if (data.length === elementCount(shape)) continue;
    throw mismatch(source, [`${name} has ${data.length} values for the shape [${shape.join(', ')}]`]);
  }
}

/** The same of names and shapes alone, before anything is read. */
export function checkShapes(
  config: ModelConfig,
  found: ReadonlyMap<string, readonly number[]>,
  source: string,
): void {
  const expected = weightShapes(config);
  const problems: string[] = [];
  for (const [name, shape] of expected) {
    const other = found.get(name);
    if (other === undefined) problems.push(`${name} is missing`);
    else if (other.join() !== shape.join()) {
      problems.push(`${name} has the shape [${other.join(', ')}], expected [${shape.join(', ')}]`);
    }
  }
  for (const name of found.keys()) if (!expected.has(name)) problems.push(`${name} is not part of the model`);
  if (problems.length > 0) throw mismatch(source, problems);
}

function mismatch(source: string, problems: readonly string[]): QuerentError {
  const more = problems.length > 5 ? `; and ${problems.length - 5} more` : '';
  return new QuerentError('engine/weights-mismatch', `${source}: ${problems.slice(0, 5).join('; ')}${more}`, {
    next: 'Check that config.json and the weights belong together.',
    details: { source, problems: problems.slice(0, 50) },
  });
}
