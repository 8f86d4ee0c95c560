/**
 * One compiled graph: forward only, or forward and backward of one kind of loss. Sizes of batches are not compiled in,
 * so a handful of sessions serves a whole run.
 */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { Feeds } from '../batching/batch-feeds.ts';
import { gradients } from '../graph/autodiff.ts';
import { Graph, type Tensor } from '../graph/graph.ts';
import { chunkedLogprobs } from '../losses/chunked-logprobs.ts';
import { type LossKind, lossGraph } from '../losses/loss-graph.ts';
import { tokenLogprobs } from '../losses/token-logprobs.ts';
import { type BaseWeights, partArray } from '../model/base-tensor.ts';
import type { LoraConfig } from '../model/lora.ts';
import type { ModelConfig } from '../model/model-config.ts';
import { type Checkpointing, type DropoutSite, ModelGraph } from '../model/model-graph.ts';
import { hiddenStates } from '../model/transformer.ts';
import { outputWeightName } from '../model/weights.ts';
import type { ParameterStore } from './parameter-store.ts';

export interface SessionSpec {
  readonly config: ModelConfig;
  readonly lora: LoraConfig | undefined;
  readonly maxLength: number;
  readonly threads: number;
  /** Left out: log-probabilities only. */
  readonly loss?: LossKind;
  readonly dropout: number;
  readonly loraDropout: number;
  readonly checkpointing: Checkpointing;
  readonly vocabularyChunk: number;
}

interface RowOutput {
  readonly output: string;
  /** Graph input that holds the row indices. */
  readonly indices: string;
  readonly parameter: string;
}

export interface RunResult {
  readonly lossSum: number;
  readonly logprobs_L: Float32Array;
  readonly entropy_L: Float32Array;
}

const gradientOutput = (name: string): string => `gradient_of_${name}`;

interface BuiltGraph {
  readonly graph: Graph;
  readonly model: ModelGraph;
  readonly dense: readonly string[];
  readonly rows: readonly RowOutput[];
}

function buildGraph(spec: SessionSpec, store: ParameterStore): BuiltGraph {
  const graph = new Graph(spec.loss === undefined ? 'logprobs' : spec.loss.name);
  // Without a backward pass nothing is kept anyway.
  const checkpointing = spec.loss === undefined ? 'none' : spec.checkpointing;
  const formatOf = (name: string) => store.formatOf(name);
  const model = new ModelGraph({ ...spec, graph, checkpointing, formatOf });
  const readRows = graph.input('read_rows', 'int32', ['positions']);
  const hidden_LD = hiddenStates(model, readRows);
  const targets_L = graph.input('targets', 'int32', ['positions']);
  const inverseTemperature = graph.input('inverse_temperature', 'float32', []);
  const wantsMean = spec.loss?.name === 'cross_entropy' && spec.loss.smoothed;
  const wantsEntropy = spec.loss !== undefined;
  const head = { hidden_LD, targets_L, inverseTemperature };
  const isPlain =
    spec.config.vocabSize <= spec.vocabularyChunk &&
    formatOf(outputWeightName(spec.config)).kind === 'values';
  const logprobs = (isPlain ? tokenLogprobs : chunkedLogprobs)(model, head, { wantsMean, wantsEntropy });
  graph.output('logprobs', logprobs.target_L);
  if (spec.loss === undefined) return { graph, model, dense: [], rows: [] };

  graph.output('entropy', logprobs.entropy_L!);
  const loss = lossGraph(graph, spec.loss, logprobs);
  graph.output('loss', loss);
  const trainable = (name: string): boolean => store.slot(name) !== undefined;
  return { graph, model, ...showGradients(graph, model, loss, trainable) };
}

function showGradients(
  graph: Graph,
  model: ModelGraph,
  loss: Tensor,
  trainable: (name: string) => boolean,
): Pick<BuiltGraph, 'dense' | 'rows'> {
  const wanted = [...model.parameters].filter(([name]) => trainable(name));
  const found = gradients(
    graph,
    loss,
    wanted.map(([, tensor]) => tensor),
  );
  const dense: string[] = [];
  wanted.forEach(([name], index) => {
    const gradient = found[index];
    if (gradient === undefined) return;
    graph.output(gradientOutput(name), gradient);
    dense.push(name);
  });
  const rows = model.rowGradients
    .filter(({ parameter }) => trainable(parameter.name))
    .map(({ parameter, indices, rows: rowTensor }, index) => {
      const output = `gradient_rows_${index}`;
      graph.output(output, rowTensor);
      return { output, indices: indices.name, parameter: parameter.name };
    });
  return { dense, rows };
}

/** The optimiser merges what is computed twice on purpose, and so keeps in memory what was to be forgotten. */
function isRecomputing({ checkpointing, storedParts }: ModelGraph): boolean {
  return checkpointing !== 'none' || storedParts.size > 0;
}

/** Add each row of `rows` to the row of `target` that `indices` names. */
function scatterRows(target: Float32Array, indices: Int32Array, rows: Float32Array, width: number): void {
  for (let i = 0; i < indices.length; i++) {
    const to = indices[i]! * width;
    const from = i * width;
    for (let j = 0; j < width; j++) target[to + j] = target[to + j]! + rows[from + j]!;
  }
}

export class TrainingSession {
  readonly dropoutSites: readonly DropoutSite[];
  readonly #session: InferenceSession;
  readonly #built: BuiltGraph;

  private constructor(session: InferenceSession, built: BuiltGraph) {
    this.#session = session;
    this.#built = built;
    this.dropoutSites = built.model.dropoutSites;
  }

  static async create(spec: SessionSpec, store: ParameterStore): Promise<TrainingSession> {
    const built = buildGraph(spec, store);
    const session = await InferenceSession.create(built.graph.toBytes(), {
      intraOpNumThreads: spec.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      enableMemPattern: false,
      graphOptimizationLevel: isRecomputing(built.model) ? 'disabled' : 'all',
      logSeverityLevel: 3,
      // Threads that wait for the next run must not take the cores from JavaScript or from SQL workers.
      extra: { session: { force_spinning_stop: '1' } },
    });
    return new TrainingSession(session, built);
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  /** Forward only: log-probabilities of the targets. */
  async run(batch: Feeds, weights: BaseWeights): Promise<Float32Array> {
    const result = await this.#session.run(this.#feeds(batch, weights), ['logprobs']);
    return result.logprobs!.data as Float32Array;
  }

  /** Forward and backward; gradients are added to those of the store. */
  async runWithGradient(batch: Feeds, store: ParameterStore): Promise<RunResult> {
    const target = store.gradientTarget();
    const dense = new Set(this.#built.dense);
    const fetches: Record<string, OrtTensor | null> = { loss: null, logprobs: null, entropy: null };
    for (const { name, shape, start, end } of store.slots) {
      const part = target.subarray(start, end);
      if (dense.has(name)) fetches[gradientOutput(name)] = new OrtTensor('float32', part, shape);
      else part.fill(0);
    }
    for (const { output } of this.#built.rows) fetches[output] = null;
    const result = await this.#session.run(this.#feeds(batch, store.weights), fetches);
    for (const { output, indices, parameter } of this.#built.rows) {
      const { start, end, shape } = store.slot(parameter)!;
      const rows = result[output]!.data as Float32Array;
      scatterRows(target.subarray(start, end), batch[indices]!.data as Int32Array, rows, shape[1]!);
    }
    store.finishGradient(target);
    return {
      lossSum: (result.loss!.data as Float32Array)[0]!,
      logprobs_L: result.logprobs!.data as Float32Array,
      entropy_L: result.entropy!.data as Float32Array,
    };
  }

  /** Exactly the inputs that the graph declares; what another kind of loss would need is left out. */
  #feeds(batch: Feeds, weights: BaseWeights): Record<string, OrtTensor> {
    const feeds: Record<string, OrtTensor> = {};
    const { storedParts } = this.#built.model;
    for (const name of this.#session.inputNames) {
      const part = storedParts.get(name) ?? { weight: name, part: 'values' };
      const value = batch[name] ?? partArray(weights.get(part.weight)!, part);
      feeds[name] = new OrtTensor(value.type, value.data, value.shape);
    }
    return feeds;
  }
}
