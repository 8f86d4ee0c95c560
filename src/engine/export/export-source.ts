/**
 * A model that is about to be written in another format: its config, and its tensors one at a time with the adapter, where
 * there is one, merged in. Never holds more than one tensor, so a model larger than memory can be exported.
 */
import { loadAdapter } from '../checkpoint/adapter-directory.ts';
import { fingerprintOf } from '../checkpoint/base-model.ts';
import { openModelWeights } from '../checkpoint/model-directory.ts';
import type { WeightSource } from '../checkpoint/safetensors.ts';
import { adapterNames, isTarget, type LoraConfig, scaleOf } from '../model/lora.ts';
import type { ModelConfig } from '../model/model-config.ts';
import { linearModules, type NamedWeights, type WeightTensor, weightShapes } from '../model/weights.ts';

export interface OpenedAdapter {
  readonly config: LoraConfig;
  readonly weights: NamedWeights;
  /** Of its base. */
  readonly baseFingerprint: string;
}

export interface ExportSource {
  readonly config: ModelConfig;
  /** How the base stores its matrices. */
  readonly dtype: 'F32' | 'F16' | 'BF16';
  /** Already in what `read` gives. */
  readonly adapter: OpenedAdapter | undefined;
  /** Every tensor in the order of the model. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  read(name: string): Promise<WeightTensor>;
  close(): Promise<void>;
}

/** The fingerprint wants only the first values of each tensor: one tensor is held at a time. */
async function fingerprintOfSource(source: WeightSource, names: Iterable<string>): Promise<string> {
  const heads = new Map<string, WeightTensor>();
  for (const name of names) {
    const { shape, data } = await source.read(name);
    heads.set(name, { shape, data: data.slice(0, 64) });
  }
  return fingerprintOf(heads);
}

/** W + scale · B A, in place. */
function addProduct(weight: WeightTensor, a: WeightTensor, b: WeightTensor, scale: number): void {
  const [outSize, inSize] = weight.shape as readonly [number, number];
  const rank = a.shape[0]!;
  for (let o = 0; o < outSize; o++) {
    const row = weight.data.subarray(o * inSize, (o + 1) * inSize);
    for (let r = 0; r < rank; r++) {
      const factor = scale * b.data[o * rank + r]!;
      if (factor === 0) continue;
      const direction = a.data.subarray(r * inSize, (r + 1) * inSize);
      for (let i = 0; i < inSize; i++) row[i] = row[i]! + factor * direction[i]!;
    }
  }
}

/** The adapter's part of a weight, if it has one. */
function adaptedModule(name: string, lora: LoraConfig): string | undefined {
  const module = linearModules.find((known) => name.endsWith(`.${known}.weight`));
  return module !== undefined && isTarget(lora, module) ? name.slice(0, -'.weight'.length) : undefined;
}

async function openAdapter(
  directory: string,
  base: { readonly directory: string; readonly config: ModelConfig; readonly source: WeightSource },
): Promise<OpenedAdapter> {
  const fingerprint = await fingerprintOfSource(base.source, weightShapes(base.config).keys());
  const loaded = await loadAdapter(directory, base.config, { directory: base.directory, fingerprint });
  return { ...loaded, baseFingerprint: fingerprint };
}

/** Refuses an adapter of another base. */
export async function openExportSource(directories: {
  readonly base: string;
  readonly adapter: string | undefined;
}): Promise<ExportSource> {
  const { config, source } = await openModelWeights(directories.base);
  try {
    const adapter =
      directories.adapter === undefined
        ? undefined
        : await openAdapter(directories.adapter, { directory: directories.base, config, source });
    const shapes = weightShapes(config);
    const read = async (name: string): Promise<WeightTensor> => {
      const tensor = await source.read(name);
      const module = adapter === undefined ? undefined : adaptedModule(name, adapter.config);
      if (adapter === undefined || module === undefined) return tensor;
      const { a, b } = adapterNames(module);
      addProduct(tensor, adapter.weights.get(a)!, adapter.weights.get(b)!, scaleOf(adapter.config));
      return tensor;
    };
    const first = source.entries.get([...shapes.keys()][0]!)!.dtype;
    const dtype = first === 'F16' || first === 'BF16' ? first : 'F32';
    return { config, dtype, adapter, shapes, read, close: () => source.close() };
  } catch (thrown) {
    await source.close();
    throw thrown;
  }
}
