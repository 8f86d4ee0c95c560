/**
 * Three loops over flat float32 arrays as WebAssembly SIMD: AdamW's update, a sum of squares, an addition. JavaScript
 * computes in float64, one value at a time; four float32 at once take a third of the time, and the optimizer is a tenth
 * of a training step. The module is assembled here, so that no binary file is needed.
 * Encoding: https://webassembly.github.io/spec/core/binary and https://github.com/WebAssembly/simd (opcodes).
 */

type Code = readonly (number | Code)[];

const flatten = (code: Code): number[] =>
  code.flatMap((part) => (typeof part === 'number' ? [part] : flatten(part)));

function leb128(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const byte = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? byte : byte | 0x80);
  } while (rest !== 0);
  return bytes;
}

const counted = (bytes: readonly number[]): number[] => [...leb128(bytes.length), ...bytes];
const section = (id: number, ...items: readonly (readonly number[])[]): number[] => [
  id,
  ...counted([...leb128(items.length), ...items.flat()]),
];
const text = (value: string): number[] => counted([...new TextEncoder().encode(value)]);

const types = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;
type ValueType = keyof typeof types;

const get = (local: number): Code => [0x20, leb128(local)];
const set = (local: number, value: Code): Code => [value, 0x21, leb128(local)];
const simd = (opcode: number): Code => [0xfd, leb128(opcode)];
const load = (pointer: number): Code => [get(pointer), simd(0x00), 4, 0];
const store = (pointer: number, value: Code): Code => [get(pointer), value, simd(0x0b), 4, 0];
const splat = (scalar: number): Code => [get(scalar), simd(0x13)];
const binary =
  (opcode: number) =>
  (a: Code, b: Code): Code => [a, b, simd(opcode)];
const [add4, subtract4, multiply4, divide4] = [0xe4, 0xe5, 0xe6, 0xe7].map(binary) as [
  ReturnType<typeof binary>,
  ReturnType<typeof binary>,
  ReturnType<typeof binary>,
  ReturnType<typeof binary>,
];
const squareRoot4 = (a: Code): Code => [a, simd(0xe3)];
const add2 = binary(0xf0);
const multiply2 = binary(0xf2);
const promoteLow = (a: Code): Code => [a, simd(0x5f)];
/** The upper two floats moved to the lower half. */
const upperHalf = (a: Code): Code => [
  a,
  a,
  simd(0x0d),
  [8, 9, 10, 11, 12, 13, 14, 15],
  [0, 1, 2, 3, 4, 5, 6, 7],
];
const lane = (a: Code, index: number): Code => [a, simd(0x21), index];
/** Pointers go on by 16 bytes as long as the first is below `end`. */
const loop = (pointers: readonly number[], end: number, body: Code): Code => [
  [0x03, 0x40],
  body,
  pointers.map((pointer) => set(pointer, [get(pointer), 0x41, 16, 0x6a])),
  [get(pointers[0]!), get(end), 0x49, 0x0d, 0x00],
  0x0b,
];

interface KernelFunction {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
  readonly locals: number;
  readonly body: Code;
}

const pointer = 'i32' as const;

/** adamw(p, g, m, v, end, scale, beta1, 1−beta1, beta2, 1−beta2, keep, stepSize, rootCorrection, eps). */
function adamwFunction(): KernelFunction {
  const [p, g, m, v, end, firstScalar, scalars] = [0, 1, 2, 3, 4, 5, 9] as const;
  const vector = (index: number): number => firstScalar + scalars + index;
  const constant = (index: number): Code => get(vector(index));
  const [scale, beta1, rest1, beta2, rest2, keep, stepSize, root, eps] = Array.from({ length: 9 }, (_, i) =>
    constant(i),
  ) as [Code, Code, Code, Code, Code, Code, Code, Code, Code];
  const [gradient, first, second] = [vector(9), vector(10), vector(11)] as const;
  const body = loop([p, g, m, v], end, [
    set(gradient, multiply4(load(g), scale)),
    set(first, add4(multiply4(load(m), beta1), multiply4(get(gradient), rest1))),
    set(second, add4(multiply4(load(v), beta2), multiply4(multiply4(get(gradient), rest2), get(gradient)))),
    store(m, get(first)),
    store(v, get(second)),
    store(
      p,
      subtract4(
        multiply4(load(p), keep),
        divide4(multiply4(get(first), stepSize), add4(multiply4(squareRoot4(get(second)), root), eps)),
      ),
    ),
  ]);
  const splats = Array.from({ length: scalars }, (_, i) => set(vector(i), splat(firstScalar + i)));
  return {
    name: 'adamw',
    parameters: [...new Array<ValueType>(5).fill(pointer), ...new Array<ValueType>(scalars).fill('f32')],
    results: [],
    locals: 12,
    body: [splats, body],
  };
}

/** sumOfSquares(g, end): float64. */
function sumOfSquaresFunction(): KernelFunction {
  const [g, end, value, half, low, high] = [0, 1, 2, 3, 4, 5] as const;
  const square = (sum: number, floats: Code): Code => [
    set(half, promoteLow(floats)),
    set(sum, add2(get(sum), multiply2(get(half), get(half)))),
  ];
  const body = loop([g], end, [
    set(value, load(g)),
    square(low, get(value)),
    square(high, upperHalf(get(value))),
  ]);
  const total: Code = [set(low, add2(get(low), get(high))), lane(get(low), 0), lane(get(low), 1), 0xa0];
  return {
    name: 'sumOfSquares',
    parameters: [pointer, pointer],
    results: ['f64'],
    locals: 4,
    body: [body, total],
  };
}

/** add(to, from, end): to += from. */
function addFunction(): KernelFunction {
  const [to, from, end] = [0, 1, 2] as const;
  const body = loop([to, from], end, store(to, add4(load(to), load(from))));
  return { name: 'add', parameters: [pointer, pointer, pointer], results: [], locals: 0, body };
}

function functionType({ parameters, results }: KernelFunction): number[] {
  const list = (values: readonly ValueType[]): number[] => counted(values.map((value) => types[value]));
  return [0x60, ...list(parameters), ...list(results)];
}

function functionCode({ locals, body }: KernelFunction): number[] {
  const declared = locals === 0 ? [0] : [1, ...leb128(locals), types.v128];
  return counted([...declared, ...flatten(body), 0x0b]);
}

/** The module; it imports its memory as `env.memory`. */
export function assembleKernels(): Uint8Array<ArrayBuffer> {
  const functions = [adamwFunction(), sumOfSquaresFunction(), addFunction()];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, ...functions.map(functionType)),
    ...section(2, [...text('env'), ...text('memory'), 0x02, 0x00, 0x00]),
    ...section(3, ...functions.map((_, index) => [index])),
    ...section(7, ...functions.map(({ name }, index) => [...text(name), 0x00, index])),
    ...section(10, ...functions.map(functionCode)),
  ]);
}
