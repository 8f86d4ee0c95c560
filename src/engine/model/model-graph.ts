/**
 * What the parts of the transformer share while they add themselves to a graph: parameters by name, the inputs that
 * describe a batch, dropout, and gradients that come as rows instead of whole matrices.
 *
 * Layout: all tokens of a batch lie one after the other, "flat" ([N, ·], no padding); only attention sees a padded grid
 * of rows ([rows, length]). Integer inputs say which flat row each cell of the grid shows (`cells`) and in which cell
 * each token lives (`homes`). The last flat token is a dummy that no loss reads; empty cells show it, so that its
 * gradient, and with it theirs, is exactly 0.
 */
import { checkpointed } from '../graph/autodiff.ts';
import type { ElementType } from '../graph/element-type.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import { SMALL_PARAMETERS_MAX, type StorageFormat, type StoredPart } from './base-tensor.ts';
import type { LoraConfig } from './lora.ts';
import type { ModelConfig } from './model-config.ts';
import { after, partName, type StoredMatrix, storedMatrix } from './stored-matrix.ts';
import { parameterCount } from './weights.ts';

/** Inputs that describe a batch. Q = queries of one key/value head in a row: length · (heads / key-value heads). */
export interface BatchInputs {
  /** [tokens] int32. */
  readonly tokenIds: Tensor;
  /** [tokens, 1] int64, from 0 in each sequence. */
  readonly positions: Tensor;
  /** [rows, keyValueHeads, Q] int32 into the rows of queries [tokens · heads]. */
  readonly queryCells: Tensor;
  /** [rows, keyValueHeads, length] int32 into the rows of keys [tokens · keyValueHeads]. */
  readonly keyCells: Tensor;
  /** [tokens, heads] int32 into the cells of queries, flattened. */
  readonly queryHomes: Tensor;
  /** [tokens, keyValueHeads] int32 into the cells of keys, flattened. */
  readonly keyHomes: Tensor;
  /** [rows, 1, Q, length]: 0 where a query may look, else a large negative number. */
  readonly mask: Tensor;
}

export function declareBatchInputs(graph: Graph, config: ModelConfig): BatchInputs {
  const { headCount, keyValueHeadCount } = config;
  return {
    tokenIds: graph.input('token_ids', 'int32', ['tokens']),
    positions: graph.input('positions', 'int64', ['tokens', 1]),
    queryCells: graph.input('query_cells', 'int32', ['rows', keyValueHeadCount, 'queries']),
    keyCells: graph.input('key_cells', 'int32', ['rows', keyValueHeadCount, 'length']),
    queryHomes: graph.input('query_homes', 'int32', ['tokens', headCount]),
    keyHomes: graph.input('key_homes', 'int32', ['tokens', keyValueHeadCount]),
    mask: graph.input('mask', 'float32', ['rows', 1, 'queries', 'length']),
  };
}

/** A gradient of some rows of a parameter: row `indices[i]` gets `rows[i]` added; rows may repeat. */
export interface RowGradient {
  readonly parameter: Tensor;
  readonly indices: Tensor;
  readonly rows: Tensor;
}

/** One place where dropout acts: the graph input that names a pattern for each token. */
export interface DropoutSite {
  readonly rowsInput: string;
  readonly patternsInput: string;
  readonly probability: number;
  readonly width: number;
}

/** Number of different dropout patterns of one width; each token draws one at each site. A power of 2. */
export const DROPOUT_PATTERN_COUNT = 2048;

/**
 * What the backward pass finds of a layer and what it computes again: `none` keeps everything, `activations` keeps the
 * products with the weights and computes norms, attention and what is elementwise again, `layers` keeps what goes into each
 * layer and computes all of it again.
 */
export type Checkpointing = 'none' | 'activations' | 'layers';

export interface ModelGraphOptions {
  readonly graph: Graph;
  readonly config: ModelConfig;
  /** Longest sequence: the size of the rotary tables. */
  readonly maxLength: number;
  readonly lora?: LoraConfig | undefined;
  /** Probability of dropout on the embeddings and on both branches of each layer; 0 = none. */
  readonly dropout: number;
  /** Probability of dropout before each adapter; 0 = none. */
  readonly loraDropout: number;
  readonly checkpointing: Checkpointing;
  /** Rows of the output matrix that meet the hidden states at once. */
  readonly vocabularyChunk: number;
  /** How a matrix of the model is stored. */
  readonly formatOf: (name: string) => StorageFormat;
}

export class ModelGraph {
  readonly graph: Graph;
  readonly config: ModelConfig;
  readonly maxLength: number;
  readonly lora: LoraConfig | undefined;
  readonly dropout: number;
  readonly loraDropout: number;
  /** Adapters are added to the weights of a small model before they meet the tokens; dropout before them rules that out. */
  readonly mergesAdapters: boolean;
  readonly batch: BatchInputs;
  readonly dropoutSites: DropoutSite[] = [];
  readonly rowGradients: RowGradient[] = [];
  readonly parameters = new Map<string, Tensor>();
  readonly checkpointing: Checkpointing;
  readonly vocabularyChunk: number;
  /** Inputs that are parts of stored weights, by their names in the graph. */
  readonly storedParts = new Map<string, StoredPart>();
  readonly #formatOf: ModelGraphOptions['formatOf'];
  /** Products of the forward pass that are not computed again, by name of the module. */
  readonly #kept = new Map<string, Tensor>();
  #nextSite = 0;
  #isAgain = false;

  constructor(options: ModelGraphOptions) {
    this.graph = options.graph;
    this.config = options.config;
    this.maxLength = options.maxLength;
    this.lora = options.lora;
    this.dropout = options.dropout;
    this.loraDropout = options.loraDropout;
    this.checkpointing = options.checkpointing;
    this.vocabularyChunk = options.vocabularyChunk;
    this.#formatOf = options.formatOf;
    this.mergesAdapters = options.loraDropout === 0 && parameterCount(options.config) <= SMALL_PARAMETERS_MAX;
    this.batch = declareBatchInputs(options.graph, options.config);
  }

  /** A weight by its name: an input of the graph, so that training can change it. */
  parameter(name: string, shape: readonly number[]): Tensor {
    const known = this.parameters.get(name);
    if (known !== undefined) return known;
    const tensor = this.graph.input(name, 'float32', shape);
    this.parameters.set(name, tensor);
    return tensor;
  }

  /** A matrix as it is stored, or some of its rows. */
  matrix(name: string, shape: readonly number[], rows?: readonly [number, number]): StoredMatrix {
    const declare = (part: StoredPart, type: ElementType, partShape: readonly number[]): Tensor => {
      const input = partName(part);
      if (input === name) return this.parameter(name, shape);
      this.storedParts.set(input, part);
      return this.graph.find(input) ?? this.graph.input(input, type, partShape);
    };
    return storedMatrix(declare, name, shape, this.#formatOf(name), rows);
  }

  /** A part of the model whose inner tensors are computed again in the backward pass, where that is asked for. */
  checkpointed(x: Tensor, build: (x: Tensor) => Tensor): Tensor {
    if (this.checkpointing === 'none') return build(x);
    const firstSite = this.#nextSite;
    const rebuild = (from: Tensor, isAgain: boolean): Tensor => {
      const before = [this.#isAgain, this.#nextSite] as const;
      this.#isAgain = isAgain;
      // The second time dropout draws at the sites of the first.
      if (isAgain) this.#nextSite = firstSite;
      const built = build(from);
      if (isAgain) this.#nextSite = before[1];
      this.#isAgain = before[0];
      return built;
    };
    return checkpointed(this.graph, x, rebuild, (from, others) => after(this.graph, from, ...others));
  }

  /** A tensor that is too dear to compute twice, unless whole layers are. */
  kept(name: string, compute: () => Tensor): Tensor {
    const known = this.#kept.get(name);
    if (this.#isAgain && this.checkpointing === 'activations' && known !== undefined)
      return op.identity(this.graph, known);
    const computed = compute();
    this.#kept.set(name, computed);
    return computed;
  }

  /**
   * Each element of `x` [tokens, width] is zeroed with this probability and scaled up otherwise. Masks are whole rows
   * drawn from a fixed table of patterns: making as many random numbers as there are activations would cost more than
   * the layer itself. `rowsOfX`: x has only these tokens.
   */
  applyDropout(x: Tensor, probability: number, rowsOfX?: Tensor): Tensor {
    if (probability === 0) return x;
    const { graph } = this;
    const width = x.shape[1] as number;
    const patternsInput = `dropout_patterns_${probability}_${width}`;
    const patterns =
      graph.find(patternsInput) ?? graph.input(patternsInput, 'float32', [DROPOUT_PATTERN_COUNT, width]);
    const rowsInput = `dropout_rows_${this.#nextSite++}`;
    let drawn = graph.find(rowsInput);
    if (drawn === undefined) {
      drawn = graph.input(rowsInput, 'int32', ['tokens']);
      this.dropoutSites.push({ rowsInput, patternsInput, probability, width });
    }
    const rows = rowsOfX === undefined ? drawn : op.gatherRows(graph, drawn, rowsOfX);
    return op.multiply(graph, x, op.gatherRows(graph, patterns, rows));
  }
}
