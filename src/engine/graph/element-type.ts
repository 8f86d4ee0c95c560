/** Element types of tensors: their ONNX codes and the typed arrays that hold them in JavaScript. */

/** Code of `TensorProto.DataType` (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). */
export const onnxTypeCodes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
} as const;

export type ElementType = keyof typeof onnxTypeCodes;

/** Holds each type; float16 and bfloat16 are stored as raw 16-bit words, bool as one byte. */
export interface TypedArrayOf {
  readonly float32: Float32Array;
  readonly uint8: Uint8Array;
  readonly int8: Int8Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly bool: Uint8Array;
  readonly uint16: Uint16Array;
  readonly float16: Uint16Array;
  readonly bfloat16: Uint16Array;
}

export type TensorData = TypedArrayOf[ElementType];

export const bytesPerElement: Readonly<Record<ElementType, number>> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
  uint16: 2,
  float16: 2,
  bfloat16: 2,
};

/** True where `data` is the array class that holds `type`. */
export function holdsElementType(type: ElementType, data: TensorData): boolean {
  switch (type) {
    case 'float32':
      return data instanceof Float32Array;
    case 'uint8':
    case 'bool':
      return data instanceof Uint8Array;
    case 'int8':
      return data instanceof Int8Array;
    case 'int32':
      return data instanceof Int32Array;
    case 'int64':
      return data instanceof BigInt64Array;
    case 'uint16':
    case 'float16':
    case 'bfloat16':
      return data instanceof Uint16Array;
    default:
      return type satisfies never;
  }
}
