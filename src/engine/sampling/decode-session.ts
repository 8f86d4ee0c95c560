/** One compiled decoding graph. Knows the runtime; the graphs are in `prefill-graph.ts` and `step-graph.ts`. */
import { InferenceSession, Tensor as RuntimeTensor } from 'onnxruntime-node';
import type { DecodeGraph } from './decode-transformer.ts';

export type Feeds = Record<string, RuntimeTensor>;

export class DecodeSession {
  readonly #session: InferenceSession;
  readonly #weightFeeds: Feeds;

  private constructor(session: InferenceSession, weightFeeds: Feeds) {
    this.#session = session;
    this.#weightFeeds = weightFeeds;
  }

  static async create({ graph, weightFeeds }: DecodeGraph, threads: number): Promise<DecodeSession> {
    const session = await InferenceSession.create(graph.toBytes(), {
      executionProviders: ['cpu'],
      executionMode: 'sequential',
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // The graphs are written as they should run; optimising them takes longer than a whole run of a small model.
      graphOptimizationLevel: 'disabled',
      enableMemPattern: false,
    });
    return new DecodeSession(session, weightFeeds);
  }

  async run(feeds: Feeds, outputs: readonly string[]): Promise<(name: string) => Float32Array> {
    const results = await this.#session.run({ ...this.#weightFeeds, ...feeds }, outputs);
    return (name) => results[name]!.data as Float32Array;
  }

  close(): Promise<void> {
    return this.#session.release();
  }
}

export function floats(data: Float32Array, shape: readonly number[]): RuntimeTensor {
  return new RuntimeTensor('float32', data, shape);
}

export function int32(data: Int32Array, shape: readonly number[]): RuntimeTensor {
  return new RuntimeTensor('int32', data, shape);
}

export function int64(
  values: readonly number[] | Int32Array,
  shape: readonly number[] = [values.length],
): RuntimeTensor {
  const data = new BigInt64Array(values.length);
  for (let i = 0; i < values.length; i++) data[i] = BigInt(values[i]!);
  return new RuntimeTensor('int64', data, shape);
}
