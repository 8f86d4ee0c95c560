/**
 * Where the flat arrays of training live, and the loops over them: in WebAssembly memory with SIMD kernels, or, for
 * models beyond its 4 GB, in ordinary arrays with loops in JavaScript. It knows arrays; it does not know parameters.
 */
import { assembleKernels } from './wasm-kernels.ts';

/** What one update multiplies with; see `adamw.ts` for the formula. */
export interface AdamwNumbers {
  readonly scale: number;
  readonly beta1: number;
  readonly beta2: number;
  /** 1 − learning rate · weight decay. */
  readonly keep: number;
  readonly stepSize: number;
  readonly rootCorrection: number;
  readonly eps: number;
}

export interface AdamwArrays {
  readonly parameters: Float32Array;
  readonly gradient: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
}

export interface FlatMemory {
  /** A new array of zeros. */
  allocate(length: number): Float32Array;
  /** On elements `start` to `end`, both multiples of 4, of arrays that this memory made. */
  adamw(arrays: AdamwArrays, start: number, end: number, numbers: AdamwNumbers): void;
  sumOfSquares(values: Float32Array): number;
  /** to += from. */
  add(to: Float32Array, from: Float32Array): void;
}

/** Lengths and ranges are multiples of this, so that kernels have no rest to treat. */
export const LANES = 4;

export function alignUp(length: number): number {
  return Math.ceil(length / LANES) * LANES;
}

const PAGE_BYTES = 65536;
const MAX_PAGES = 65536;

/** The slice of the WebAssembly API that is used here; Node's type declarations leave it out. */
interface WebAssemblyApi {
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}
const { WebAssembly: webAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi };

interface KernelExports {
  adamw(p: number, g: number, m: number, v: number, end: number, ...numbers: number[]): void;
  sumOfSquares(from: number, end: number): number;
  add(to: number, from: number, end: number): void;
}

const endOf = (values: Float32Array): number => values.byteOffset + values.byteLength;

/** Room for `capacity` floats in all; memory that is never touched is never taken from the machine. */
function createWasmMemory(pages: number): FlatMemory {
  const memory = new webAssembly.Memory({ initial: pages, maximum: pages });
  const module = new webAssembly.Module(assembleKernels());
  const { exports } = new webAssembly.Instance(module, { env: { memory } });
  const kernels = exports as KernelExports;
  let used = 0;
  return {
    allocate(length) {
      const array = new Float32Array(memory.buffer, used, alignUp(length));
      used = Math.ceil(endOf(array) / 64) * 64;
      return array;
    },
    adamw({ parameters, gradient, firstMoment, secondMoment }, start, end, numbers) {
      if (end <= start) return;
      const { scale, beta1, beta2, keep, stepSize, rootCorrection, eps } = numbers;
      const [p, g, m, v] = [parameters, gradient, firstMoment, secondMoment].map(
        (array) => array.byteOffset + 4 * start,
      ) as [number, number, number, number];
      const stop = p + 4 * (end - start);
      kernels.adamw(
        p,
        g,
        m,
        v,
        stop,
        scale,
        beta1,
        1 - beta1,
        beta2,
        1 - beta2,
        keep,
        stepSize,
        rootCorrection,
        eps,
      );
    },
    sumOfSquares: (values) =>
      values.length === 0 ? 0 : kernels.sumOfSquares(values.byteOffset, endOf(values)),
    add(to, from) {
      if (to.length > 0) kernels.add(to.byteOffset, from.byteOffset, endOf(to));
    },
  };
}

/** The same loops in JavaScript: for what WebAssembly cannot address, and to test its kernels against. */
export function createPlainMemory(): FlatMemory {
  return {
    allocate: (length) => new Float32Array(alignUp(length)),
    adamw({ parameters, gradient, firstMoment, secondMoment }, start, end, numbers) {
      const { scale, beta1, beta2, keep, stepSize, rootCorrection, eps } = numbers;
      for (let i = start; i < end; i++) {
        const g = gradient[i]! * scale;
        const m = beta1 * firstMoment[i]! + (1 - beta1) * g;
        const v = beta2 * secondMoment[i]! + (1 - beta2) * g * g;
        firstMoment[i] = m;
        secondMoment[i] = v;
        parameters[i] = parameters[i]! * keep - (stepSize * m) / (Math.sqrt(v) * rootCorrection + eps);
      }
    },
    sumOfSquares(values) {
      let sum = 0;
      for (const value of values) sum += value * value;
      return sum;
    },
    add(to, from) {
      for (let i = 0; i < to.length; i++) to[i] = to[i]! + from[i]!;
    },
  };
}

/** Memory for `arrayCount` arrays of `length` floats each. */
export function createFlatMemory(length: number, arrayCount: number): FlatMemory {
  const bytes = arrayCount * (4 * alignUp(length) + 64);
  const pages = Math.max(1, Math.ceil(bytes / PAGE_BYTES));
  return pages <= MAX_PAGES ? createWasmMemory(pages) : createPlainMemory();
}
