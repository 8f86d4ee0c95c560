/**
 * One token for every lane. A lane is one sample; the lanes of a group continue the same prompt.
 *
 * The graph never returns its cache, because the runtime's Node binding copies whatever a run returns. It reads a cache
 * that JavaScript owns, attends to the newest token separately, and returns only that token's keys and values. With
 * `sharedPrompt` the keys and values of a prompt lie in the cache once for all lanes of its group, which read them in
 * one matrix product; without it every lane's own cache starts with the prompt.
 *
 * Axes: N groups, L lanes of a group, R = N·L rows, K key/value heads, G query heads of each, D head size, P prompt
 * positions, S positions of a lane's own cache, T = P + S + 1 (the last is the newest token), V vocabulary.
 */
import type { Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import {
  declareHeadInputs,
  type HeadInputs,
  type Heads,
  product,
  productTransposed,
  project,
  toRows,
} from './attention-heads.ts';
import {
  type Attention,
  addHead,
  type Builder,
  createBuilder,
  type DecodeGraph,
  reshapeTo,
  transformer,
} from './decode-transformer.ts';
import type { DecodeWeights } from './decode-weights.ts';

/** Lanes of one group share their prompt; each lane has its own; there is only one lane. */
export type StepKind = 'shared-step' | 'step' | 'single-step';

interface StepInputs extends HeadInputs {
  /** [N, 1, L, 1, T]: 0 where a position may be read, a large negative number where it is empty. */
  readonly mask: Tensor;
  /** With a shared prompt: shapes [5] = (N, K, L, G, P) and [4] = (N, K, L·G, P). */
  readonly promptShapes: { readonly grid: Tensor; readonly flat: Tensor } | undefined;
  /** Sizes of the parts of T: [P, S, 1] or [S, 1]. */
  readonly parts: Tensor;
}

function declareInputs(builder: Builder, sharedPrompt: boolean): StepInputs {
  const { graph } = builder;
  return {
    ...declareHeadInputs(builder, sharedPrompt),
    mask: graph.input('mask', 'float32', ['N', 1, 'L', 1, 'T']),
    promptShapes: sharedPrompt
      ? { grid: graph.input('prompt_grid', 'int64', [5]), flat: graph.input('prompt_flat', 'int64', [4]) }
      : undefined,
    parts: graph.input('parts', 'int64', [sharedPrompt ? 3 : 2]),
  };
}

/** One softmax over prompt, own cache and newest token, each scored by its own product. */
function mix(builder: Builder, inputs: StepInputs, layer: number, heads: Heads): Tensor {
  const { graph, config } = builder;
  const { headSize: D, keyValueHeadCount: K } = config;
  const G = config.headCount / K;
  const prompt =
    inputs.promptShapes !== undefined
      ? {
          key: graph.input(`prompt_key_${layer}`, 'float32', ['N', K, 'P', D]),
          value: graph.input(`prompt_value_${layer}`, 'float32', ['N', K, 'P', D]),
        }
      : undefined;
  const ownKey = graph.input(`own_key_${layer}`, 'float32', ['N', K, 'L', 'S', D]);
  const ownValue = graph.input(`own_value_${layer}`, 'float32', ['N', K, 'L', 'S', D]);

  const query = reshapeTo(graph, heads.query, [0, 0, -1, G, D], ['N', K, 'L', G, D]);
  const newKey = reshapeTo(graph, heads.key, [0, 0, 0, 1, D], ['N', K, 'L', 1, D]);
  const newValue = reshapeTo(graph, heads.value, [0, 0, 0, 1, D], ['N', K, 'L', 1, D]);
  const scores = [
    productTransposed(builder, query, ownKey, ['N', K, 'L', G, 'S']),
    op.reduceSum(graph, op.multiply(graph, query, newKey), [-1], true),
  ];
  if (prompt !== undefined) {
    const flat = productTransposed(builder, heads.query, prompt.key, ['N', K, 'LG', 'P']);
    scores.unshift(reshapeTo(graph, flat, inputs.promptShapes!.grid, ['N', K, 'L', G, 'P']));
  }
  const all = graph.op(
    'Concat',
    scores,
    { axis: 4 },
    { outputs: [{ type: 'float32', shape: ['N', K, 'L', G, 'T'] }] },
  );
  const masked = graph.op(
    'Add',
    [all[0]!, inputs.mask],
    {},
    {
      outputs: [{ type: 'float32', shape: ['N', K, 'L', G, 'T'] }],
    },
  );
  const sizes = prompt === undefined ? ['S', 1] : ['P', 'S', 1];
  const outputs = sizes.map((size) => ({ type: 'float32', shape: ['N', K, 'L', G, size] }) as const);
  const parts = graph.op('Split', [op.softmax(graph, masked[0]!), inputs.parts], { axis: 4 }, { outputs });

  const own = product(builder, parts.at(-2)!, ownValue, ['N', K, 'L', G, D]);
  let mixed = op.add(graph, own, op.multiply(graph, parts.at(-1)!, newValue));
  if (prompt !== undefined) {
    const flat = reshapeTo(graph, parts[0]!, inputs.promptShapes!.flat, ['N', K, 'LG', 'P']);
    const read = product(builder, flat, prompt.value, ['N', K, 'LG', D]);
    mixed = op.add(graph, mixed, reshapeTo(graph, read, [0, 0, -1, G, D], ['N', K, 'L', G, D]));
  }
  return mixed;
}

/**
 * Inputs besides those of `StepInputs`: tokens [R], own_key_i and own_value_i [N, K, L, S, D], and with `sharedPrompt`
 * prompt_key_i and prompt_value_i [N, K, P, D]. Outputs: fresh [2·layers·N, K, L, D] (keys and values of the
 * newest tokens, by layer), probabilities [R, V], logits.
 */
export function stepGraph(source: DecodeWeights, kind: StepKind): DecodeGraph {
  const sharedPrompt = kind === 'shared-step';
  const builder = createBuilder('step', source, kind === 'single-step' ? 'one' : 'few');
  const { graph, weights } = builder;
  const tokens = graph.input('tokens', 'int32', ['R']);
  const inputs = declareInputs(builder, sharedPrompt);
  const fresh: Tensor[] = [];

  const attention: Attention = (layer, x, hidden) => {
    const heads = project(builder, inputs, layer, x);
    fresh.push(heads.key, heads.value);
    const mixed = mix(builder, inputs, layer, heads);
    return weights.linear(layer, 'self_attn.o_proj', toRows(builder, inputs, mixed), { residual: hidden });
  };

  const normed = transformer(builder, tokens, attention);
  // One output: every one costs an allocation and a copy in the Node binding.
  const { shape } = fresh[0]!;
  const outputs = [{ type: 'float32', shape: ['layers', ...shape.slice(1)] }] as const;
  graph.output('fresh', graph.op('Concat', fresh, { axis: 0 }, { outputs })[0]!);
  addHead(builder, normed);
  return { graph, weightFeeds: weights.feeds };
}
