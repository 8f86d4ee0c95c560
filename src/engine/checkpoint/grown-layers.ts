/**
 * A checkpoint with more layers than its files have, that answers as they do: each added layer stands behind one of the
 * model's own, as its copy whose two branches end in zeros, so that only training makes it add something (block expansion). Source:
 * Wu et al., LLaMA Pro: Progressive LLaMA with Block Expansion, 2024, section 3.2. It knows names and tensors, no training.
 */
import { QuerentError } from '../../foundation/errors.ts';
import type { ModelConfig } from '../model/model-config.ts';
import { layerPrefix } from '../model/weights.ts';
import type { WeightSource } from './safetensors.ts';

interface GrownLayer {
  /** The layer of the files that it is, or whose copy it is. */
  readonly from: number;
  readonly isAdded: boolean;
}

/** `layers` layers from `own`: the added ones spread evenly, each behind the layer that it copies. */
export function grownLayers(own: number, layers: number): readonly GrownLayer[] {
  const added = layers - own;
  const addedUpTo = (layer: number): number => Math.floor((layer * added) / own);
  return Array.from({ length: own }, (_, from) => [
    { from, isAdded: false },
    ...Array.from({ length: addedUpTo(from + 1) - addedUpTo(from) }, () => ({ from, isAdded: true })),
  ]).flat();
}

/** What both branches of a layer add to its input goes through one of these. */
const endsBranch = /\.(?:self_attn\.o_proj|mlp\.down_proj)\.(?:weight|bias)$/;

interface ModelSource {
  readonly config: ModelConfig;
  readonly source: WeightSource;
}

/** An opened model with `layers` layers, as many as it has or more; its source reads weights by their names in the grown one. */
export function grown({ config, source }: ModelSource, layers: number, directory: string): ModelSource {
  const own = config.layerCount;
  if (layers < own) {
    throw new QuerentError(
      'checkpoint/fewer-layers',
      `${directory} has ${own} layers, and a model of ${layers} was asked for`,
      {
        next: 'A model is only ever grown: ask for at least as many layers as it has (model.growTo in a recipe).',
        details: { directory, has: own, asked: layers },
      },
    );
  }
  const origins = grownLayers(own, layers);
  const read: WeightSource['read'] = async (name) => {
    const at = origins.findIndex((_, layer) => name.startsWith(`${layerPrefix(layer)}.`));
    if (at === -1) return source.read(name);
    const { from, isAdded } = origins[at]!;
    const tensor = await source.read(layerPrefix(from) + name.slice(layerPrefix(at).length));
    if (isAdded && endsBranch.test(name)) tensor.data.fill(0);
    return tensor;
  };
  // Grown models are there to be trained, in float32.
  return { config: { ...config, layerCount: layers }, source: { ...source, read, readStored: read } };
}
