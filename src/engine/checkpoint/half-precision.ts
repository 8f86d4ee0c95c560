/** Bit layouts of the 16-bit floats found in checkpoints. Knows nothing of files or tensors. */

function floatOfHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

let halfTable: Float32Array | undefined;

/** IEEE 754 binary16 to Float32, exact; into `out` where it is given. */
export function float16ToFloat32(bits: Uint16Array, out = new Float32Array(bits.length)): Float32Array {
  if (halfTable === undefined) {
    halfTable = new Float32Array(65536);
    for (let i = 0; i < 65536; i++) halfTable[i] = floatOfHalf(i);
  }
  for (let i = 0; i < bits.length; i++) out[i] = halfTable[bits[i]!]!;
  return out;
}

/** bfloat16 (the upper half of a Float32) to Float32, exact; into `out` where it is given. */
export function bfloat16ToFloat32(bits: Uint16Array, out = new Float32Array(bits.length)): Float32Array {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return out;
}

function halfOfFloatBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
  const unbiased = exponent - 127;
  if (unbiased < -25) return sign;
  // The 24-bit significand is shifted right; `shift` is 13 for normal halves and grows for subnormal ones.
  const shift = unbiased < -14 ? -unbiased - 1 : 13;
  const significand = unbiased < -14 ? fraction | 0x800000 : fraction;
  const base = unbiased < -14 ? 0 : (unbiased + 15) << 10;
  const halfway = 1 << (shift - 1);
  const rest = significand & ((1 << shift) - 1);
  const truncated = significand >>> shift;
  const roundUp = rest > halfway || (rest === halfway && (truncated & 1) === 1) ? 1 : 0;
  // A carry out of the fraction lands in the exponent, as it should; out of range it becomes infinity.
  const rounded = base + truncated + roundUp;
  return sign | Math.min(rounded, 0x7c00);
}

/** Float32 to IEEE 754 binary16, round to nearest even; too large becomes infinity. */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) out[i] = halfOfFloatBits(bits[i]!);
  return out;
}
