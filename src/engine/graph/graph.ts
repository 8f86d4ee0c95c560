/**
 * A typed builder of ONNX graphs. It knows tensors (name, element type, shape), nodes in the order they were added,
 * and refuses duplicate or foreign names. It does not know what any operator means: shapes of outputs are stated by
 * the caller (`operations.ts` states them for the operators we use), gradients live in `autodiff.ts`.
 */
import { QuerentError } from '../../foundation/errors.ts';
import { type ElementType, holdsElementType, type TensorData } from './element-type.ts';
import type {
  Attributes,
  GraphContent,
  GraphNode,
  Initializer,
  OutputSpec,
  Shape,
  Tensor,
} from './graph-types.ts';
import { encodeModel } from './onnx-encoding.ts';

export type {
  Attributes,
  AttributeValue,
  Dimension,
  GraphNode,
  Initializer,
  OutputSpec,
  Shape,
  Tensor,
} from './graph-types.ts';
export { MICROSOFT_DOMAIN } from './graph-types.ts';

function builderError(reason: string, message: string, next: string): QuerentError {
  return new QuerentError(`engine/${reason}`, message, { next });
}

export class Graph implements GraphContent {
  readonly name: string;
  readonly inputs: Tensor[] = [];
  readonly initializers: Initializer[] = [];
  readonly nodes: GraphNode[] = [];
  /** Public output name -> the tensor it shows. */
  readonly outputs = new Map<string, Tensor>();
  #tensors = new Map<string, Tensor>();
  #constants = new Map<string, Tensor>();
  #counter = 0;

  constructor(name: string) {
    this.name = name;
  }

  input(name: string, type: ElementType, shape: Shape): Tensor {
    const tensor = this.#declare({ name, type, shape });
    this.inputs.push(tensor);
    return tensor;
  }

  /** The tensor of that name, if there is one. */
  find(name: string): Tensor | undefined {
    return this.#tensors.get(name);
  }

  /** A tensor whose values are part of the model file. */
  initializer(name: string, type: ElementType, shape: readonly number[], data: TensorData): Tensor {
    const count = shape.reduce((product, size) => product * size, 1);
    if (!holdsElementType(type, data) || data.length !== count) {
      throw builderError(
        'initializer-mismatch',
        `initializer "${name}" is declared ${type}[${shape.join(',')}] = ${count} elements, but its data are ${data.length} elements of ${data.constructor.name}`,
        'Pass data of the declared type and size.',
      );
    }
    const tensor = this.#declare({ name, type, shape });
    this.initializers.push({ tensor, data });
    return tensor;
  }

  /** A small nameless constant; equal constants are stored once. */
  constant(type: ElementType, shape: readonly number[], values: readonly number[]): Tensor {
    const key = `${type}[${shape.join(',')}]:${values.join(',')}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const tensor = this.initializer(this.#freshName('constant'), type, shape, toTypedArray(type, values));
    this.#constants.set(key, tensor);
    return tensor;
  }

  scalar(value: number): Tensor {
    return this.constant('float32', [], [value]);
  }

  /** A one-dimensional int64 constant: shapes, axes, starts, ends. */
  integers(values: readonly number[]): Tensor {
    return this.constant('int64', [values.length], values);
  }

  /** Add a node of any operator. Outputs are declared by the caller, since the builder infers nothing. */
  op(
    type: string,
    inputs: readonly (Tensor | undefined)[],
    attributes: Attributes,
    options: { readonly outputs: readonly OutputSpec[]; readonly domain?: string },
  ): Tensor[] {
    for (const input of inputs) if (input !== undefined) this.#checkOwned(input, type);
    const outputs = options.outputs.map((spec) =>
      this.#declare({ name: spec.name ?? this.#freshName(type), type: spec.type, shape: spec.shape }),
    );
    this.nodes.push({ type, domain: options.domain ?? '', inputs, outputs, attributes });
    return outputs;
  }

  /** Show a tensor as an output of the graph under a public name. */
  output(name: string, tensor: Tensor): void {
    this.#checkOwned(tensor, `output "${name}"`);
    if (this.outputs.has(name)) throw duplicate(name);
    const other = this.#tensors.get(name);
    const isComputed = this.nodes.some((node) => node.outputs.includes(tensor));
    const isShown = [...this.outputs.values()].includes(tensor);
    if (other !== undefined && (other !== tensor || !isComputed)) throw duplicate(name);
    // An input, an initializer or a tensor that is shown twice needs a node of its own to have another name.
    const shown = isComputed && !isShown ? tensor : this.#identity(tensor);
    this.outputs.set(name, shown);
  }

  /** The model in ONNX's file format, without nodes that lead to no output (the runtime would run them). */
  toBytes(): Uint8Array {
    const read = new Set<Tensor>(this.outputs.values());
    const nodes: GraphNode[] = [];
    for (const node of this.nodes.toReversed()) {
      if (!node.outputs.some((output) => read.has(output))) continue;
      nodes.push(node);
      for (const input of node.inputs) if (input !== undefined) read.add(input);
    }
    const { name, inputs, initializers, outputs } = this;
    return encodeModel({ name, inputs, initializers, outputs, nodes: nodes.reverse() });
  }

  #identity(tensor: Tensor): Tensor {
    return this.op('Identity', [tensor], {}, { outputs: [{ type: tensor.type, shape: tensor.shape }] })[0]!;
  }

  #declare(tensor: Tensor): Tensor {
    if (tensor.name === '') throw builderError('empty-name', 'a tensor needs a name', 'Give it one.');
    if (this.#tensors.has(tensor.name) || this.outputs.has(tensor.name)) throw duplicate(tensor.name);
    for (const size of tensor.shape) {
      if (typeof size === 'number' && (!Number.isInteger(size) || size < 0)) {
        throw builderError(
          'bad-shape',
          `tensor "${tensor.name}" has the shape [${tensor.shape.join(',')}]: sizes are whole numbers ≥ 0 or names`,
          'Correct the shape.',
        );
      }
    }
    const frozen = Object.freeze({ ...tensor, shape: Object.freeze([...tensor.shape]) });
    this.#tensors.set(tensor.name, frozen);
    return frozen;
  }

  #checkOwned(tensor: Tensor, reader: string): void {
    if (this.#tensors.get(tensor.name) === tensor) return;
    throw builderError(
      'foreign-tensor',
      `${reader} reads tensor "${tensor.name}", which graph "${this.name}" did not make`,
      'Use tensors of the same graph.',
    );
  }

  #freshName(stem: string): string {
    let name: string;
    do name = `${stem}_${this.#counter++}`;
    while (this.#tensors.has(name) || this.outputs.has(name));
    return name;
  }
}

function duplicate(name: string): QuerentError {
  return builderError(
    'duplicate-name',
    `the graph already has a tensor or output named "${name}"`,
    'ONNX Runtime would silently read the wrong one: choose another name.',
  );
}

function toTypedArray(type: ElementType, values: readonly number[]): TensorData {
  switch (type) {
    case 'float32':
      return Float32Array.from(values);
    case 'uint8':
    case 'bool':
      return Uint8Array.from(values);
    case 'int8':
      return Int8Array.from(values);
    case 'uint16':
      return Uint16Array.from(values);
    case 'int32':
      return Int32Array.from(values);
    case 'int64':
      return BigInt64Array.from(values.map(BigInt));
    case 'float16':
    case 'bfloat16':
      throw builderError(`no-${type}-constant`, `a ${type} constant cannot be made from numbers`, 'Cast it.');
    default:
      return type satisfies never;
  }
}
