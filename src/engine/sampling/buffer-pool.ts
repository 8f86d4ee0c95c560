/**
 * Float arrays that are used again: allocating and first touching tens of megabytes a request is slow. What was in them
 * stays in them, and is finite: a decoder that meets NaN throws its pool away.
 */
export class BufferPool {
  #free: Float32Array[] = [];

  take(length: number): Float32Array {
    let best = -1;
    for (let i = 0; i < this.#free.length; i++) {
      const size = this.#free[i]!.length;
      if (size >= length && (best < 0 || size < this.#free[best]!.length)) best = i;
    }
    if (best < 0) return new Float32Array(length);
    const [buffer] = this.#free.splice(best, 1);
    return buffer!.subarray(0, length);
  }

  give(array: Float32Array): void {
    if (array.length > 0) this.#free.push(new Float32Array(array.buffer));
  }

  /** Keeps the largest ones only, so that memory stays bounded where sizes change from request to request. */
  trim(countMax: number): void {
    this.#free = this.#free.sort((a, b) => b.length - a.length).slice(0, countMax);
  }
}
