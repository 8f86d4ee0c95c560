/** A linear layer by its name, with its bias and its adapter where it has them. */
import type { Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import { adapterNames, isTarget } from './lora.ts';
import type { ModelGraph } from './model-graph.ts';
import { hasBias, type LinearModule, layerPrefix, linearShape } from './weights.ts';

/** x [tokens, in] -> [tokens, out]. */
export function linear(model: ModelGraph, layer: number, module: LinearModule, x: Tensor): Tensor {
  const { graph, config } = model;
  const name = `${layerPrefix(layer)}.${module}`;
  const shape = linearShape(config, module);
  const weight = model.parameter(`${name}.weight`, shape);
  let y = op.matMul(graph, x, weight, { transposeB: true });
  if (hasBias(config, module)) y = op.add(graph, y, model.parameter(`${name}.bias`, [shape[0]]));
  return model.lora !== undefined && isTarget(model.lora, module)
    ? op.add(graph, y, adapterOutput(model, name, shape, x))
    : y;
}

function adapterOutput(
  model: ModelGraph,
  name: string,
  [outSize, inSize]: readonly [number, number],
  x: Tensor,
): Tensor {
  const { graph, loraDropout } = model;
  const { rank, alpha } = model.lora!;
  const names = adapterNames(name);
  const a = model.parameter(names.a, [rank, inSize]);
  const b = model.parameter(names.b, [outSize, rank]);
  const low = op.matMul(graph, model.applyDropout(x, loraDropout), a, {
    transposeB: true,
    alpha: alpha / rank,
  });
  return op.matMul(graph, low, b, { transposeB: true });
}
