/** Float32 values as the bytes of a file: F32, F16, BF16, and llama.cpp's Q8_0. Knows numbers, not files or models. */
import { float32ToFloat16 } from '../checkpoint/half-precision.ts';

export type ElementEncoding = 'F32' | 'F16' | 'BF16' | 'Q8_0';

/** Neighbours of a row that share one scale (https://github.com/ggml-org/llama.cpp, `block_q8_0` in ggml-common.h). */
export const q8BlockSize = 32;
/** A half-precision scale and one byte a value. */
export const q8BlockBytes = 2 + q8BlockSize;

export function encodedBytes(count: number, encoding: ElementEncoding): number {
  switch (encoding) {
    case 'F32':
      return 4 * count;
    case 'F16':
    case 'BF16':
      return 2 * count;
    case 'Q8_0':
      return (count / q8BlockSize) * q8BlockBytes;
    default:
      return encoding satisfies never;
  }
}

const bytesOf = (data: Float32Array | Uint16Array): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** The upper half of a Float32, rounded to nearest even. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    halves[i] = (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return halves;
}

/**
 * The largest value of a block becomes ±127; the scale is kept in half precision, but codes are rounded with the full one. Every
 * step in single precision, so that the bytes are those of `quantize_row_q8_0_ref` (ggml-quants.c); halves round away from zero.
 */
function encodeQ8(values: Float32Array): Uint8Array {
  const blocks = values.length / q8BlockSize;
  const out = new Uint8Array(blocks * q8BlockBytes);
  const codes = new Int8Array(out.buffer);
  const scales = new Float32Array(blocks);
  for (let block = 0; block < blocks; block++) {
    const start = block * q8BlockSize;
    let largest = 0;
    for (let i = start; i < start + q8BlockSize; i++) largest = Math.max(largest, Math.abs(values[i]!));
    const scale = Math.fround(largest / 127);
    scales[block] = scale;
    // A scale too small for its inverse is 0 in half precision: so are its values.
    const inverse = scale < 2 ** -126 ? 0 : Math.fround(1 / scale);
    const target = block * q8BlockBytes + 2;
    for (let i = 0; i < q8BlockSize; i++) {
      const scaled = Math.fround(values[start + i]! * inverse);
      codes[target + i] = Math.sign(scaled) * Math.round(Math.abs(scaled));
    }
  }
  const halves = float32ToFloat16(scales);
  for (let block = 0; block < blocks; block++) {
    out[block * q8BlockBytes] = halves[block]! & 0xff;
    out[block * q8BlockBytes + 1] = halves[block]! >> 8;
  }
  return out;
}

/** For Q8_0 the values are whole blocks. */
export function encodeElements(values: Float32Array, encoding: ElementEncoding): Uint8Array {
  switch (encoding) {
    case 'F32':
      return bytesOf(values);
    case 'F16':
      return bytesOf(float32ToFloat16(values));
    case 'BF16':
      return bytesOf(float32ToBfloat16(values));
    case 'Q8_0':
      return encodeQ8(values);
    default:
      return encoding satisfies never;
  }
}
