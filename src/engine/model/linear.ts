/** A linear layer by its name, with its bias and its adapter where it has them. */
import { withGradient } from '../graph/autodiff.ts';
import type { Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import { adapterNames, isTarget, scaleOf } from './lora.ts';
import type { ModelGraph } from './model-graph.ts';
import { type StoredMatrix, unpack } from './stored-matrix.ts';
import { hasBias, type LinearModule, layerPrefix, linearShape } from './weights.ts';

interface Adapted {
  readonly name: string;
  readonly weight: StoredMatrix;
  /** [rank, in]. */
  readonly a: Tensor;
  /** [out, rank]. */
  readonly b: Tensor;
  readonly scale: number;
}

/** x [tokens, in] -> [tokens, out]; `rowsOfX`: x has only these tokens. */
export function linear(
  model: ModelGraph,
  layer: number,
  module: LinearModule,
  x: Tensor,
  rowsOfX?: Tensor,
): Tensor {
  const { graph, config } = model;
  const name = `${layerPrefix(layer)}.${module}`;
  const shape = linearShape(config, module);
  const weight = model.matrix(`${name}.weight`, shape);
  const isAdapted = model.lora !== undefined && isTarget(model.lora, module);
  const y = isAdapted
    ? adaptedProduct(model, adapterOf(model, name, weight), x, rowsOfX)
    : baseProduct(model, name, weight, x);
  return hasBias(config, module) ? op.add(graph, y, model.parameter(`${name}.bias`, [shape[0]])) : y;
}

/**
 * x Wᵀ. A weight that is not stored as float32 is frozen: it is unpacked once for y and again for dx, so that no unpacked
 * copy waits for the backward pass.
 */
function baseProduct(model: ModelGraph, name: string, weight: StoredMatrix, x: Tensor): Tensor {
  const { graph } = model;
  const product = (): Tensor => op.matMul(graph, x, unpack(graph, weight), { transposeB: true });
  const values = weight.format.kind === 'values' ? weight.body : undefined;
  if (values !== undefined && model.checkpointing !== 'activations') return product();
  const inputs = values === undefined ? [x] : [x, values];
  return withGradient(
    graph,
    inputs,
    () => [model.kept(name, product)] as const,
    (_, [g], needs) => [
      needs(x) ? op.matMul(graph, g!, unpack(graph, weight, g)) : undefined,
      values !== undefined && needs(values) ? op.matMul(graph, g!, x, { transposeA: true }) : undefined,
    ],
  )[0];
}

function adapterOf(model: ModelGraph, name: string, weight: StoredMatrix): Adapted {
  const { rank } = model.lora!;
  const { rows: outSize, columns: inSize } = weight;
  const names = adapterNames(name);
  return {
    name,
    weight,
    a: model.parameter(names.a, [rank, inSize]),
    b: model.parameter(names.b, [outSize, rank]),
    scale: scaleOf(model.lora!),
  };
}

function adaptedProduct(model: ModelGraph, adapted: Adapted, x: Tensor, rowsOfX?: Tensor): Tensor {
  const { graph } = model;
  const { name, weight, a, b, scale } = adapted;
  if (model.mergesAdapters && weight.format.kind === 'values')
    return mergedProduct(model, { ...adapted, weight: weight.body }, x);
  const dropped = model.applyDropout(x, model.loraDropout, rowsOfX);
  const low = op.matMul(graph, dropped, a, { transposeB: true, alpha: scale });
  const base = baseProduct(model, name, weight, x);
  return op.add(graph, base, op.matMul(graph, low, b, { transposeB: true }));
}

/**
 * x (W + s B A)ᵀ with the sum made once a run: small models save the adapter's own products and additions over all
 * tokens, forward and in dx. The gradients of A and B are those of the separate form: dA = s (dy B)ᵀ x, dB = s dyᵀ (x Aᵀ).
 */
function mergedProduct(
  { graph }: ModelGraph,
  { weight, a, b, scale }: Omit<Adapted, 'weight'> & { readonly weight: Tensor },
  x: Tensor,
): Tensor {
  let merged: Tensor;
  const forward = () => {
    merged = op.add(graph, weight, op.matMul(graph, b, a, { alpha: scale }));
    return [op.matMul(graph, x, merged, { transposeB: true })] as const;
  };
  return withGradient(graph, [x, a, b], forward, (_, [g], needs) => {
    const gradientA = (): Tensor => {
      const low = op.matMul(graph, g!, b, { alpha: scale });
      return op.matMul(graph, low, x, { transposeA: true });
    };
    const gradientB = (): Tensor => {
      const low = op.matMul(graph, x, a, { transposeB: true, alpha: scale });
      return op.matMul(graph, g!, low, { transposeA: true });
    };
    return [
      needs(x) ? op.matMul(graph, g!, merged) : undefined,
      needs(a) ? gradientA() : undefined,
      needs(b) ? gradientB() : undefined,
    ];
  })[0];
}
