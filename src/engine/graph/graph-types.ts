/** What a graph is made of: tensors, nodes, constants. */
import type { ElementType, TensorData } from './element-type.ts';

/** A fixed size, or the name of a size that is only known when the graph runs. */
export type Dimension = number | string;
export type Shape = readonly Dimension[];

export interface Tensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
}

/** Integers, floats and strings become ONNX int, float and string attributes; `{ float: 1 }` forces a float. */
export type AttributeValue =
  | number
  | string
  | { readonly float: number }
  | readonly number[]
  | { readonly floats: readonly number[] };
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface GraphNode {
  readonly type: string;
  readonly domain: string;
  /** `undefined` = an optional input that is left out. */
  readonly inputs: readonly (Tensor | undefined)[];
  readonly outputs: readonly Tensor[];
  readonly attributes: Attributes;
}

export interface Initializer {
  readonly tensor: Tensor;
  readonly data: TensorData;
}

/** Values that lie in a file beside the model, which protobuf limits to 2 GB. */
export interface ExternalInitializer {
  readonly tensor: Tensor;
  /** Relative to the model's folder. */
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

export interface OutputSpec {
  readonly type: ElementType;
  readonly shape: Shape;
  /** Left out: a unique name is made. */
  readonly name?: string;
}

export const MICROSOFT_DOMAIN = 'com.microsoft';

/** A whole graph, as the encoder reads it. */
export interface GraphContent {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  readonly initializers: readonly Initializer[];
  readonly externals?: readonly ExternalInitializer[];
  /** In the order they were added, which is an order that can run. */
  readonly nodes: readonly GraphNode[];
  /** Public output name -> the tensor it shows. */
  readonly outputs: ReadonlyMap<string, Tensor>;
}
