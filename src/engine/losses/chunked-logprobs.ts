/**
 * The same as `token-logprobs.ts` for large vocabularies and for output matrices that are stored packed: the matrix meets
 * the hidden states some rows at a time, and no more than [positions, chunk] logits exist. Each chunk has a softmax of its own;
 * sums over the vocabulary are joined from chunk to chunk (as in arXiv 2205.14135 for keys, 2411.09009 for losses).
 * A frozen matrix needs no second pass: the gradient of the hidden states is made of Σ π w, which the first leaves behind.
 * Axes: L positions that a loss reads, C rows of a chunk, V vocabulary, D hidden size.
 */
import { withGradient } from '../graph/autodiff.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import type { ModelGraph } from '../model/model-graph.ts';
import { after, type StoredMatrix, unpack, unpackRows } from '../model/stored-matrix.ts';
import { outputWeightName } from '../model/weights.ts';
import type { HeadInputs, HeadOptions, TokenLogprobs } from './token-logprobs.ts';

/** Sums over the rows that have been seen. */
interface Sums {
  /** log Σ exp z. */
  readonly normalizer_L1: Tensor;
  /** Σ π w with π over the rows seen. */
  readonly expected_LD: Tensor | undefined;
  /** Σ z and Σ w, for label smoothing. */
  readonly logits_L1: Tensor | undefined;
  readonly rows_1D: Tensor | undefined;
}

interface Chunk {
  readonly matrix: StoredMatrix;
  readonly weight_CD: Tensor;
  readonly logits_LC: Tensor;
  readonly probabilities_LC: Tensor;
  readonly normalizer_L1: Tensor;
}

function chunkOf(graph: Graph, matrix: StoredMatrix, scaled_LD: Tensor, later: Tensor | undefined): Chunk {
  const hidden_LD = later === undefined ? scaled_LD : after(graph, scaled_LD, later);
  const weight_CD = unpack(graph, matrix, later);
  const logits_LC = op.matMul(graph, hidden_LD, weight_CD, { transposeB: true });
  const probabilities_LC = op.softmax(graph, logits_LC);
  // From a maximum of the softmax: the probability of the likeliest token never underflows.
  const largest = op.reduceMax(graph, logits_LC, [1], true);
  const likeliest = op.reduceMax(graph, probabilities_LC, [1], true);
  const normalizer_L1 = op.subtract(graph, largest, op.log(graph, likeliest));
  return { matrix, weight_CD, logits_LC, probabilities_LC, normalizer_L1 };
}

function sumsOf(graph: Graph, chunk: Chunk, { wantsMean, wantsEntropy }: HeadOptions): Sums {
  const { weight_CD, logits_LC, probabilities_LC, normalizer_L1 } = chunk;
  return {
    normalizer_L1,
    expected_LD: wantsEntropy ? op.matMul(graph, probabilities_LC, weight_CD) : undefined,
    logits_L1: wantsMean ? op.reduceSum(graph, logits_LC, [1], true) : undefined,
    rows_1D: wantsMean && wantsEntropy ? op.reduceSum(graph, weight_CD, [0], true) : undefined,
  };
}

/** With a = log Σ exp of one side and b of the other: the new side has the share σ(b − a) of the whole. */
function joined(graph: Graph, old: Sums, next: Sums): Sums {
  const difference_L1 = op.subtract(graph, next.normalizer_L1, old.normalizer_L1);
  const share_L1 = op.sigmoid(graph, difference_L1);
  const added = (a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined =>
    a === undefined ? undefined : op.add(graph, a, b!);
  // log(e^a + e^b) = max(a, b) − log σ(|b − a|).
  const largest_L1 = op.maximum(graph, old.normalizer_L1, next.normalizer_L1);
  const distance_L1 = op.maximum(graph, difference_L1, op.negate(graph, difference_L1));
  const moved = (a: Tensor, b: Tensor): Tensor =>
    op.add(graph, a, op.multiply(graph, op.subtract(graph, b, a), share_L1));
  return {
    normalizer_L1: op.subtract(graph, largest_L1, op.log(graph, op.sigmoid(graph, distance_L1))),
    expected_LD: old.expected_LD === undefined ? undefined : moved(old.expected_LD, next.expected_LD!),
    logits_L1: added(old.logits_L1, next.logits_L1),
    rows_1D: added(old.rows_1D, next.rows_1D),
  };
}

/** Every chunk of the output matrix, in order. */
function chunksOf(model: ModelGraph): StoredMatrix[] {
  const { vocabSize, hiddenSize } = model.config;
  const name = outputWeightName(model.config);
  const chunks: StoredMatrix[] = [];
  for (let from = 0; from < vocabSize; from += model.vocabularyChunk) {
    const to = Math.min(vocabSize, from + model.vocabularyChunk);
    chunks.push(model.matrix(name, [vocabSize, hiddenSize], [from, to]));
  }
  return chunks;
}

/** As `tokenLogprobs`, chunk by chunk. */
export function chunkedLogprobs(model: ModelGraph, inputs: HeadInputs, options: HeadOptions): TokenLogprobs {
  const { graph, config } = model;
  const { hidden_LD, targets_L, inverseTemperature } = inputs;
  const whole = model.matrix(outputWeightName(config), [config.vocabSize, config.hiddenSize]);
  const values = whole.format.kind === 'values' ? whole.body : undefined;
  const chunks = chunksOf(model);
  const scaled_LD = op.multiply(graph, hidden_LD, inverseTemperature);
  let sums: Sums | undefined;
  const flat = (x_L1: Tensor): Tensor => op.reshape(graph, x_L1, ['positions']);

  const forward = () => {
    for (const matrix of chunks) {
      const later = sums?.expected_LD ?? sums?.normalizer_L1;
      const next = sumsOf(graph, chunkOf(graph, matrix, scaled_LD, later), options);
      sums = sums === undefined ? next : joined(graph, sums, next);
    }
    const { normalizer_L1, logits_L1, expected_LD } = sums!;
    const from = (x_L1: Tensor) => flat(op.subtract(graph, x_L1, normalizer_L1));
    const dot = (a_LD: Tensor) => op.reduceSum(graph, op.multiply(graph, a_LD, scaled_LD), [1], true);
    const chosen_L1 = dot(unpackRows(graph, whole, targets_L));
    const mean_L1 =
      logits_L1 === undefined ? normalizer_L1 : op.scale(graph, logits_L1, 1 / config.vocabSize);
    const outputs = [from(chosen_L1), from(mean_L1)] as const;
    return expected_LD === undefined ? outputs : [...outputs, op.negate(graph, from(dot(expected_LD)))];
  };

  const outputs = withGradient<readonly Tensor[]>(
    graph,
    values === undefined ? [scaled_LD] : [scaled_LD, values],
    forward,
    (_, [c_L, m_L], needs) => {
      const parts = { scaled_LD, targets_L, whole, chunks, sums: sums! };
      const gradient = new HeadGradient(model, parts, c_L!, m_L);
      const ofWeight = values !== undefined && needs(values) ? gradient.weight(values) : undefined;
      return [needs(scaled_LD) ? gradient.hidden() : undefined, ofWeight];
    },
  );
  return { target_L: outputs[0]!, mean_L: outputs[1]!, entropy_L: outputs[2] };
}

interface HeadParts {
  readonly scaled_LD: Tensor;
  readonly targets_L: Tensor;
  readonly whole: StoredMatrix;
  readonly chunks: readonly StoredMatrix[];
  readonly sums: Sums;
}

/** dlogits = c onehot + m/V − (c + m) π, as in `token-logprobs.ts`. */
class HeadGradient {
  readonly #model: ModelGraph;
  readonly #parts: HeadParts;
  readonly #c_L1: Tensor;
  readonly #total_L1: Tensor;
  readonly #share_L1: Tensor | undefined;

  constructor(model: ModelGraph, parts: HeadParts, c_L: Tensor, m_L: Tensor | undefined) {
    const { graph, config } = model;
    const column = (x_L: Tensor): Tensor => op.reshape(graph, x_L, ['positions', 1]);
    this.#model = model;
    this.#parts = parts;
    this.#c_L1 = column(c_L);
    this.#total_L1 = m_L === undefined ? this.#c_L1 : op.add(graph, this.#c_L1, column(m_L));
    this.#share_L1 = m_L === undefined ? undefined : op.scale(graph, column(m_L), 1 / config.vocabSize);
  }

  hidden(): Tensor {
    const { graph } = this.#model;
    const { whole, targets_L, sums } = this.#parts;
    const expected_LD = op.multiply(graph, sums.expected_LD!, this.#total_L1);
    const chosen_LD = op.multiply(graph, unpackRows(graph, whole, targets_L), this.#c_L1);
    const direct_LD = op.subtract(graph, chosen_LD, expected_LD);
    if (this.#share_L1 === undefined) return direct_LD;
    return op.add(graph, direct_LD, op.multiply(graph, this.#share_L1, sums.rows_1D!));
  }

  /** Logits are computed again, chunk by chunk: π = softmax of the chunk · its share of the whole. */
  weight(values_VD: Tensor): Tensor {
    const { graph } = this.#model;
    const { scaled_LD, targets_L, chunks, sums } = this.#parts;
    const rows = op.multiply(graph, scaled_LD, this.#c_L1);
    this.#model.rowGradients.push({ parameter: values_VD, indices: targets_L, rows });
    const negative_LD = op.negate(graph, op.multiply(graph, scaled_LD, this.#total_L1));
    const shared_1D =
      this.#share_L1 === undefined
        ? undefined
        : op.matMul(graph, this.#share_L1, scaled_LD, { transposeA: true });
    let later = negative_LD;
    const parts = chunks.map((matrix) => {
      const { probabilities_LC, normalizer_L1 } = chunkOf(graph, matrix, scaled_LD, later);
      const share_L1 = op.exp(graph, op.subtract(graph, normalizer_L1, sums.normalizer_L1));
      const own_LD = op.multiply(graph, negative_LD, share_L1);
      later = op.matMul(graph, probabilities_LC, own_LD, { transposeA: true });
      return shared_1D === undefined ? later : op.add(graph, later, shared_1D);
    });
    return parts.length === 1 ? parts[0]! : op.concat(graph, parts, 0);
  }
}
