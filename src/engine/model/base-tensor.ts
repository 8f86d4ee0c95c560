/**
 * How a frozen weight lies in memory: as float32, as halves (float16 or bfloat16, whichever the checkpoint has), or as codes of
 * 8 or 4 bits with one scale a block of neighbours in a row. It knows values and layouts; what a graph does with them is in
 * `stored-matrix.ts`.
 *
 * Blocks are symmetric, as in llama.cpp's Q8_0 and Q4_0: w ≈ scale · code, where 4-bit codes are stored + 8. In Q4_0's way
 * the value of largest size becomes -8, which uses all 16 codes. Byte i of a row of 4-bit codes holds the
 * codes of columns i (low half) and columns / 2 + i (high half): both halves of a row unpack as wholes.
 */
import { z } from 'zod';
import { bfloat16ToFloat32, float16ToFloat32, float32ToFloat16 } from '../checkpoint/half-precision.ts';
import type { TensorData } from '../graph/element-type.ts';
import type { ModelConfig } from './model-config.ts';
import {
  EMBEDDING_NAME,
  type NamedWeights,
  OUTPUT_NAME,
  parameterCount,
  type WeightTensor,
} from './weights.ts';

export interface HalfTensor {
  readonly shape: readonly number[];
  readonly type: 'float16' | 'bfloat16';
  readonly halves: Uint16Array;
}

export interface BlockTensor {
  /** [rows, columns]. */
  readonly shape: readonly number[];
  readonly bits: 4 | 8;
  readonly blockSize: number;
  /** 8 bits: Int8Array [rows, columns]; 4 bits: Uint8Array [rows, columns / 2]. */
  readonly codes: Int8Array | Uint8Array;
  /** [rows, columns / blockSize]. */
  readonly scales: Float32Array;
}

export type BaseTensor = WeightTensor | HalfTensor | BlockTensor;
export type BaseWeights = ReadonlyMap<string, BaseTensor>;

export const baseWeightsSchema = z.enum(['auto', 'fp32', 'stored', 'fp16', 'int8', 'int4']);
/** "stored": matrices that the checkpoint has as halves stay those halves, exactly; what it has as float32 stays float32. */
export type BaseFormat = z.output<typeof baseWeightsSchema>;
export type ChosenFormat = Exclude<BaseFormat, 'auto'>;

/** Up to here weights take so little that speed counts more: float32 can be merged with adapters and packed by the runtime. */
export const SMALL_PARAMETERS_MAX = 64e6;

/** "auto" is "stored", and "fp32" for small models. */
export function chosenFormat(format: BaseFormat, config: ModelConfig): ChosenFormat {
  if (format !== 'auto') return format;
  return parameterCount(config) <= SMALL_PARAMETERS_MAX ? 'fp32' : 'stored';
}

export interface BaseFormatOptions {
  readonly format: ChosenFormat;
  /** Neighbours that share a scale: 16, 32, 64, 128. */
  readonly blockSize: number;
}

/** What a graph must know of a tensor before it runs. */
export type StorageFormat =
  | { readonly kind: 'values' }
  | { readonly kind: 'halves'; readonly type: HalfTensor['type'] }
  | { readonly kind: 'blocks'; readonly bits: 4 | 8; readonly blockSize: number };

export function storageOf(tensor: BaseTensor): StorageFormat {
  if ('data' in tensor) return { kind: 'values' };
  if ('halves' in tensor) return { kind: 'halves', type: tensor.type };
  return { kind: 'blocks', bits: tensor.bits, blockSize: tensor.blockSize };
}

/** The value of largest size becomes ±127, or -8 of 4 bits. */
function scaleOfBlock(values: Float32Array, start: number, end: number, bits: 4 | 8): number {
  let extreme = 0;
  for (let i = start; i < end; i++) if (Math.abs(values[i]!) > Math.abs(extreme)) extreme = values[i]!;
  return Math.fround(bits === 8 ? Math.abs(extreme) / 127 : extreme / -8);
}

function quantize8(values: Float32Array, blockSize: number): Pick<BlockTensor, 'codes' | 'scales'> {
  const codes = new Int8Array(values.length);
  const scales = new Float32Array(values.length / blockSize);
  for (let block = 0; block < scales.length; block++) {
    const start = block * blockSize;
    const scale = scaleOfBlock(values, start, start + blockSize, 8);
    scales[block] = scale;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = start; i < start + blockSize; i++) codes[i] = Math.round(values[i]! * inverse);
  }
  return { codes, scales };
}

function quantize4(
  values: Float32Array,
  columns: number,
  blockSize: number,
): Pick<BlockTensor, 'codes' | 'scales'> {
  const codes = new Uint8Array(values.length / 2);
  const scales = new Float32Array(values.length / blockSize);
  const half = columns / 2;
  const blocksPerRow = columns / blockSize;
  for (let row = 0; row < values.length / columns; row++) {
    for (let block = 0; block < blocksPerRow; block++) {
      const start = row * columns + block * blockSize;
      const scale = scaleOfBlock(values, start, start + blockSize, 4);
      scales[row * blocksPerRow + block] = scale;
      const inverse = scale === 0 ? 0 : 1 / scale;
      for (let i = 0; i < blockSize; i++) {
        const code = Math.min(15, Math.round(values[start + i]! * inverse) + 8);
        const column = block * blockSize + i;
        const at = row * half + (column < half ? column : column - half);
        codes[at] = codes[at]! | (column < half ? code : code << 4);
      }
    }
  }
  return { codes, scales };
}

const BLOCK_SIZE_MIN = 16;

/** The largest block up to the one asked for that divides a row; undefined where none does. */
function fittingBlock(columns: number, blockSize: number): number | undefined {
  for (let size = blockSize; size >= BLOCK_SIZE_MIN; size /= 2) if (columns % size === 0) return size;
  return undefined;
}

/** Embeddings and output matrices keep 8 bits in a 4-bit model: every token passes them, and few matrices are so sensitive. */
function bitsOf(name: string, format: 'int8' | 'int4'): 4 | 8 {
  return format === 'int8' || name === EMBEDDING_NAME || name === OUTPUT_NAME ? 8 : 4;
}

/** A weight in the asked format. Vectors are float32; matrices that no block divides stay as they are. */
export function toBaseTensor(
  name: string,
  stored: WeightTensor | HalfTensor,
  options: BaseFormatOptions,
): BaseTensor {
  const { format, blockSize } = options;
  const isKept =
    format === 'stored' || (format === 'fp16' && 'halves' in stored && stored.type === 'float16');
  if (isKept && stored.shape.length === 2) return stored;
  const tensor = toWeightTensor(stored);
  const { shape, data } = tensor;
  if (format === 'fp32' || format === 'stored' || shape.length !== 2) return tensor;
  if (format === 'fp16') return { shape, type: 'float16', halves: float32ToFloat16(data) };
  const columns = shape[1]!;
  const size = fittingBlock(columns, blockSize);
  if (size === undefined) return tensor;
  const bits = columns % 2 === 0 ? bitsOf(name, format) : 8;
  const parts = bits === 8 ? quantize8(data, size) : quantize4(data, columns, size);
  return { shape, bits, blockSize: size, ...parts };
}

const widened = ({ type, halves }: HalfTensor): Float32Array =>
  type === 'float16' ? float16ToFloat32(halves) : bfloat16ToFloat32(halves);

/** The first `count` values of a tensor, as float32. */
export function firstValues(tensor: WeightTensor | HalfTensor, count: number): Float32Array {
  if ('data' in tensor) return tensor.data.slice(0, count);
  return widened({ ...tensor, halves: tensor.halves.subarray(0, count) });
}

/** The values that a stored tensor stands for. */
export function toWeightTensor(tensor: BaseTensor): WeightTensor {
  if ('data' in tensor) return tensor;
  const { shape } = tensor;
  if ('halves' in tensor) return { shape, data: widened(tensor) };
  const { bits, blockSize, codes, scales } = tensor;
  const [rows, columns] = shape as readonly [number, number];
  const data = new Float32Array(rows * columns);
  const half = columns / 2;
  for (let i = 0; i < data.length; i++) {
    const column = i % columns;
    const row = (i - column) / columns;
    const byte = bits === 8 ? codes[i]! : codes[row * half + (column < half ? column : column - half)]!;
    const code = bits === 8 ? byte : ((column < half ? byte : byte >> 4) & 15) - 8;
    data[i] = code * scales[Math.floor(i / blockSize)]!;
  }
  return { shape, data };
}

/** What stored weights stand for; those that are float32 are the same arrays. */
export function floatWeights(weights: BaseWeights): NamedWeights {
  return new Map([...weights].map(([name, tensor]) => [name, toWeightTensor(tensor)]));
}

/** 4-bit codes with neighbouring columns in one byte, the first in its low half: what the runtime's own kernel reads. */
export function codePairs({ shape, codes }: BlockTensor): Uint8Array {
  const [rows, columns] = shape as readonly [number, number];
  const half = columns / 2;
  const pairs = new Uint8Array(codes.length);
  const codeAt = (row: number, column: number): number => {
    const byte = codes[row * half + (column < half ? column : column - half)]!;
    return column < half ? byte & 15 : byte >> 4;
  };
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < half; i++) pairs[row * half + i] = codeAt(row, 2 * i) | (codeAt(row, 2 * i + 1) << 4);
  }
  return pairs;
}

export function bytesOf(tensor: BaseTensor): number {
  if ('data' in tensor) return tensor.data.byteLength;
  return 'halves' in tensor ? tensor.halves.byteLength : tensor.codes.byteLength + tensor.scales.byteLength;
}

/** One array of a stored tensor, or some of its rows, as the input of a graph. */
export interface StoredPart {
  readonly weight: string;
  readonly part: 'values' | 'halves' | 'codes' | 'scales';
  /** Left out: all. */
  readonly rows?: readonly [number, number] | undefined;
}

export interface PartArray {
  /** bfloat16 comes as words of 16 bits. */
  readonly type: 'float32' | 'float16' | 'uint16' | 'int8' | 'uint8';
  readonly data: TensorData;
  readonly shape: readonly number[];
}

function wholePart(tensor: BaseTensor, part: StoredPart['part']): PartArray {
  const { shape } = tensor;
  if ('data' in tensor) return { type: 'float32', data: tensor.data, shape };
  if ('halves' in tensor)
    return { type: tensor.type === 'float16' ? 'float16' : 'uint16', data: tensor.halves, shape };
  const [rows, columns] = shape as readonly [number, number];
  if (part === 'scales')
    return { type: 'float32', data: tensor.scales, shape: [rows, columns / tensor.blockSize] };
  return tensor.bits === 8
    ? { type: 'int8', data: tensor.codes, shape }
    : { type: 'uint8', data: tensor.codes, shape: [rows, columns / 2] };
}

/** The array itself, without a copy. */
export function partArray(tensor: BaseTensor, { part, rows }: StoredPart): PartArray {
  const whole = wholePart(tensor, part);
  if (rows === undefined) return whole;
  const width = whole.shape[1]!;
  const data = whole.data.subarray(rows[0] * width, rows[1] * width);
  return { type: whole.type, data, shape: [rows[1] - rows[0], width] };
}
