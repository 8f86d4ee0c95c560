/**
 * What the parts of the transformer share while they add themselves to a graph: parameters by name, the inputs that
 * describe a batch, dropout, and gradients that come as rows instead of whole matrices.
 *
 * Layout: all tokens of a batch lie one after the other, "flat" ([N, ·], no padding); only attention sees a padded grid
 * of rows ([rows, length]). Integer inputs say which flat row each cell of the grid shows (`cells`) and in which cell
 * each token lives (`homes`). The last flat token is a dummy that no loss reads; empty cells show it, so that its
 * gradient, and with it theirs, is exactly 0.
 */
import type { Graph, Tensor } from '../graph/graph.ts';
import * as op from '../graph/operations.ts';
import type { LoraConfig } from './lora.ts';
import type { ModelConfig } from './model-config.ts';
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
}

/** Up to here a second copy of the adapted weights costs less than the adapter's own products save. */
const MERGED_PARAMETERS_MAX = 64e6;

export class ModelGraph {
  readonly graph: Graph;
  readonly config: ModelConfig;
  readonly maxLength: number;
  readonly lora: LoraConfig | undefined;
  readonly dropout: number;
  readonly loraDropout: number;
  /** Adapters are added to the weights before they meet the tokens; dropout before them rules that out. */
  readonly mergesAdapters: boolean;
  readonly batch: BatchInputs;
  readonly dropoutSites: DropoutSite[] = [];
  readonly rowGradients: RowGradient[] = [];
  readonly parameters = new Map<string, Tensor>();

  constructor(options: ModelGraphOptions) {
    this.graph = options.graph;
    this.config = options.config;
    this.maxLength = options.maxLength;
    this.lora = options.lora;
    this.dropout = options.dropout;
    this.loraDropout = options.loraDropout;
    this.mergesAdapters =
      options.loraDropout === 0 && parameterCount(options.config) <= MERGED_PARAMETERS_MAX;
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
    const rowsInput = `dropout_rows_${this.dropoutSites.length}`;
    const drawn = graph.input(rowsInput, 'int32', ['tokens']);
    this.dropoutSites.push({ rowsInput, patternsInput, probability, width });
    const rows = rowsOfX === undefined ? drawn : op.gatherRows(graph, drawn, rowsOfX);
    return op.multiply(graph, x, op.gatherRows(graph, patterns, rows));
  }
}
