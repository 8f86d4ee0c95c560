/**
 * A graph as an ONNX ModelProto. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 * It knows the file format; it does not know operators.
 */
import { onnxTypeCodes, type TensorData } from './element-type.ts';
import {
  type AttributeValue,
  type ExternalInitializer,
  type GraphContent,
  type GraphNode,
  type Initializer,
  MICROSOFT_DOMAIN,
  type Tensor,
} from './graph-types.ts';
import { ProtobufWriter } from './protobuf.ts';

/** The newest opset whose every operator ONNX Runtime 1.30 implements on the CPU with the attributes used here. */
const PLAIN_VERSIONS = { ir: 10, opset: 21 } as const;
/** What BitCast came with: of graphs that hold bfloat16 weights, which only this runtime reads. */
const BIT_CAST_VERSIONS = { ir: 13, opset: 26 } as const;

/** Names in the file: a computed tensor that is shown as an output takes the output's public name. */
type NameOf = (tensor: Tensor) => string;

function attributeProto(name: string, value: AttributeValue): ProtobufWriter {
  const proto = new ProtobufWriter();
  proto.string(1, name);
  if (typeof value === 'string') {
    proto.string(4, value);
    proto.varint(20, 3);
  } else if (typeof value === 'number') {
    if (Number.isInteger(value)) {
      proto.varint(3, value);
      proto.varint(20, 2);
    } else {
      proto.float(2, value);
      proto.varint(20, 1);
    }
  } else if ('float' in value) {
    proto.float(2, value.float);
    proto.varint(20, 1);
  } else if ('floats' in value) {
    proto.packedFloats(7, value.floats);
    proto.varint(20, 6);
  } else {
    proto.packedVarints(8, value);
    proto.varint(20, 7);
  }
  return proto;
}

function nodeProto(node: GraphNode, nameOf: NameOf, index: number): ProtobufWriter {
  const proto = new ProtobufWriter();
  for (const input of node.inputs) proto.string(1, input === undefined ? '' : nameOf(input));
  for (const output of node.outputs) proto.string(2, nameOf(output));
  proto.string(3, `${node.type}_node_${index}`);
  proto.string(4, node.type);
  for (const [name, value] of Object.entries(node.attributes)) proto.message(5, attributeProto(name, value));
  if (node.domain !== '') proto.string(7, node.domain);
  return proto;
}

function rawBytes(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function tensorProto({ tensor, data }: Initializer, nameOf: NameOf): ProtobufWriter {
  const proto = new ProtobufWriter();
  if (tensor.shape.length > 0) proto.packedVarints(1, tensor.shape as readonly number[]);
  proto.varint(2, onnxTypeCodes[tensor.type]);
  proto.string(8, nameOf(tensor));
  proto.bytes(9, rawBytes(data));
  return proto;
}

function externalProto({ tensor, file, offset, length }: ExternalInitializer): ProtobufWriter {
  const proto = new ProtobufWriter();
  if (tensor.shape.length > 0) proto.packedVarints(1, tensor.shape as readonly number[]);
  proto.varint(2, onnxTypeCodes[tensor.type]);
  proto.string(8, tensor.name);
  for (const [key, value] of Object.entries({ location: file, offset, length })) {
    const entry = new ProtobufWriter();
    entry.string(1, key);
    entry.string(2, String(value));
    proto.message(13, entry);
  }
  proto.varint(14, 1);
  return proto;
}

function valueInfoProto(tensor: Tensor, name: string): ProtobufWriter {
  const shape = new ProtobufWriter();
  for (const size of tensor.shape) {
    const dimension = new ProtobufWriter();
    if (typeof size === 'number') dimension.varint(1, size);
    else dimension.string(2, size);
    shape.message(1, dimension);
  }
  const tensorType = new ProtobufWriter();
  tensorType.varint(1, onnxTypeCodes[tensor.type]);
  tensorType.message(2, shape);
  const type = new ProtobufWriter();
  type.message(1, tensorType);
  const proto = new ProtobufWriter();
  proto.string(1, name);
  proto.message(2, type);
  return proto;
}

function opsetProto(domain: string, version: number): ProtobufWriter {
  const proto = new ProtobufWriter();
  proto.string(1, domain);
  proto.varint(2, version);
  return proto;
}

export function encodeModel(graph: GraphContent): Uint8Array {
  const publicNames = new Map([...graph.outputs].map(([name, tensor]) => [tensor.name, name]));
  const nameOf: NameOf = (tensor) => publicNames.get(tensor.name) ?? tensor.name;

  const proto = new ProtobufWriter();
  graph.nodes.forEach((node, index) => {
    proto.message(1, nodeProto(node, nameOf, index));
  });
  proto.string(2, graph.name);
  for (const initializer of graph.initializers) proto.message(5, tensorProto(initializer, nameOf));
  for (const external of graph.externals ?? []) proto.message(5, externalProto(external));
  for (const input of graph.inputs) proto.message(11, valueInfoProto(input, nameOf(input)));
  for (const [name, tensor] of graph.outputs) proto.message(12, valueInfoProto(tensor, name));

  const castsBits = graph.nodes.some(({ type }) => type === 'BitCast');
  const versions = castsBits ? BIT_CAST_VERSIONS : PLAIN_VERSIONS;
  const model = new ProtobufWriter();
  model.varint(1, versions.ir);
  model.string(2, 'querent');
  model.message(7, proto);
  model.message(8, opsetProto('', versions.opset));
  model.message(8, opsetProto(MICROSOFT_DOMAIN, 1));
  return model.toBytes();
}
