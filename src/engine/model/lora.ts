/**
 * Low-rank adapters (arXiv 2106.09685): y = x Wᵀ + scale · dropout(x) Aᵀ Bᵀ, with the names and layouts of
 * Python's PEFT. It knows which modules are adapted and their first values; `linear.ts` computes with them.
 */
import { z } from 'zod';
import { QuerentError } from '../../foundation/errors.ts';
import type { Random } from '../../foundation/random.ts';
import type { ModelConfig } from './model-config.ts';
import {
  elementCount,
  type LinearModule,
  layerPrefix,
  linearModules,
  linearShape,
  type NamedWeights,
} from './weights.ts';

const moduleNames = linearModules.map((module) => module.split('.')[1]!);

export const loraConfigSchema = z.strictObject({
  rank: z.int().positive(),
  alpha: z.number().positive(),
  dropout: z.number().min(0).max(0.9).default(0),
  /** Last parts of the names of linear layers, as in PEFT ("q_proj"); left out: all linears. */
  targetModules: z
    .array(z.string())
    .nonempty()
    .default([...moduleNames] as [string, ...string[]]),
  /** Divide by √rank instead of by rank (rank-stabilised LoRA, arXiv 2312.03732). */
  useRslora: z.boolean().default(false),
});

/** What a caller writes; defaults may be left out. */
export type LoraOptions = z.input<typeof loraConfigSchema>;
export type LoraConfig = Readonly<z.output<typeof loraConfigSchema>>;

export function parseLoraConfig(input: unknown, source: string): LoraConfig {
  const parsed = loraConfigSchema.safeParse(input);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `"${issue.path.join('.')}": ${issue.message}`);
    throw new QuerentError('engine/invalid-lora-config', `${source}: ${problems.join('; ')}`, {
      next: 'Known keys are: rank, alpha, dropout, targetModules, useRslora.',
    });
  }
  const unknown = parsed.data.targetModules.filter((name) => !moduleNames.includes(name));
  if (unknown.length > 0) {
    throw new QuerentError(
      'engine/unsupported-lora-target',
      `${source}: target modules ${unknown.map((name) => `"${name}"`).join(', ')} are not linear layers of this model family`,
      { next: `Choose from: ${moduleNames.join(', ')}.` },
    );
  }
  return Object.freeze(parsed.data);
}

/** What the adapter's product is multiplied by. */
export function scaleOf({ rank, alpha, useRslora }: LoraConfig): number {
  return alpha / (useRslora ? Math.sqrt(rank) : rank);
}

export function isTarget(lora: LoraConfig, module: LinearModule): boolean {
  return lora.targetModules.includes(module.split('.')[1]!);
}

/** `module` is the full name of a linear layer, without ".weight". */
export function adapterNames(module: string): { readonly a: string; readonly b: string } {
  return { a: `base_model.model.${module}.lora_A.weight`, b: `base_model.model.${module}.lora_B.weight` };
}

/** Every adapter weight in order: A [rank, in], B [out, rank]. */
export function adapterShapes(config: ModelConfig, lora: LoraConfig): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (let layer = 0; layer < config.layerCount; layer++) {
    for (const module of linearModules) {
      if (!isTarget(lora, module)) continue;
      const [outSize, inSize] = linearShape(config, module);
      const names = adapterNames(`${layerPrefix(layer)}.${module}`);
      shapes.set(names.a, [lora.rank, inSize]);
      shapes.set(names.b, [outSize, lora.rank]);
    }
  }
  return shapes;
}

/** As PEFT: A uniform in ±1/√in (Kaiming with a = √5), B zero, so that a fresh adapter changes nothing. */
export function initializeAdapter(config: ModelConfig, lora: LoraConfig, random: Random): NamedWeights {
  const weights: NamedWeights = new Map();
  for (const [name, shape] of adapterShapes(config, lora)) {
    const data = new Float32Array(elementCount(shape));
    if (name.endsWith('lora_A.weight')) {
      const own = random.fork(name);
      const bound = 1 / Math.sqrt(shape[1]!);
      for (let i = 0; i < data.length; i++) data[i] = (2 * own.next() - 1) * bound;
    }
    weights.set(name, { shape, data });
  }
  return weights;
}
