/**
 * A complete `Policy` without a network: one row of logits for each pair (first token of the sequence, previous token).
 * Small enough to be read, exact in double precision. Loops are tested with it, and it is the oracle of the loss formulas.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  AdamParams,
  Datum,
  ForwardBackwardResult,
  LossSpec,
  Policy,
  SampledSequence,
  SampleRequest,
} from '../../src/engine/policy.ts';
import { createRandom, type Random, type RandomState } from '../../src/foundation/random.ts';
import { lossGradient } from './policy-loss-oracle.ts';

export interface TabularOptions {
  readonly vocabSize: number;
  readonly maxLength?: number;
  /** Standard deviation of noise on the gradients, from the policy's own generator: shows that its state is restored. */
  readonly gradientNoise?: number;
  readonly seed?: number;
  /** Logits to start from; default all 0. */
  readonly weights?: Float64Array;
}

interface Moments {
  first: Float64Array;
  second: Float64Array;
  step: number;
}

export interface TabularPolicy extends Policy {
  /** Calls so far, for tests that count. */
  readonly calls: { sample: number; forwardBackward: number; sequencesTrained: number; optimStep: number };
  /** The present logits, for tests that compare. */
  weights(): Float64Array;
  /** log softmax(logits / temperature) after (first, previous). */
  distribution(first: number, previous: number, temperature: number): Float64Array;
  gradients(): Float64Array;
}

function logSoftmax(logits: Float64Array, temperature: number): Float64Array {
  let max = Number.NEGATIVE_INFINITY;
  for (const logit of logits) max = Math.max(max, logit / temperature);
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit / temperature - max);
  const logSum = max + Math.log(sum);
  return logits.map((logit) => logit / temperature - logSum);
}

export function createTabularPolicy(options: TabularOptions): TabularPolicy {
  const V = options.vocabSize;
  const size = V * V * V;
  let weights = options.weights?.slice() ?? new Float64Array(size);
  let reference: Float64Array | undefined;
  let gradients = new Float64Array(size);
  let moments: Moments = { first: new Float64Array(size), second: new Float64Array(size), step: 0 };
  let noise: Random = createRandom(options.seed ?? 0);
  const calls = { sample: 0, forwardBackward: 0, sequencesTrained: 0, optimStep: 0 };

  const rowStart = (first: number, previous: number): number => (first * V + previous) * V;
  const rowOf = (table: Float64Array, first: number, previous: number): Float64Array =>
    table.subarray(rowStart(first, previous), rowStart(first, previous) + V);

  const scoreDatum = (table: Float64Array, datum: Datum, temperature: number): Float64Array[] =>
    Array.from(datum.inputTokens_T, (token) =>
      logSoftmax(rowOf(table, datum.inputTokens_T[0]!, token), temperature),
    );

  async function sampleOne(
    request: SampleRequest,
    prompt: Int32Array,
    random: Random,
  ): Promise<SampledSequence> {
    const table = request.useReference ? (reference ?? new Float64Array(size)) : weights;
    const temperature = request.temperature === 0 ? 1 : request.temperature;
    const tokens: number[] = [];
    const logprobs: number[] = [];
    const policyLogprobs: number[] = [];
    let previous = prompt.at(-1)!;
    while (tokens.length < request.maxNewTokens) {
      const logprob_V = logSoftmax(rowOf(table, prompt[0]!, previous), temperature);
      const floor = Math.log(Math.max(request.minProbability ?? 0, 1e-300));
      const top = logprob_V.indexOf(Math.max(...logprob_V));
      const kept = logprob_V.map((value, i) =>
        value < floor && i !== top ? Number.NEGATIVE_INFINITY : value,
      );
      const total = Math.log(kept.reduce((sum, value) => sum + Math.exp(value), 0));
      let token = top;
      if (request.temperature > 0) {
        let left = random.next() * Math.exp(total);
        token = kept.findIndex((value) => {
          left -= Math.exp(value);
          return left < 0;
        });
        if (token === -1) token = top;
      }
      tokens.push(token);
      policyLogprobs.push(logprob_V[token]!);
      logprobs.push(logprob_V[token]! - total);
      previous = token;
      if (request.stopTokens.includes(token)) break;
    }
    return {
      tokens: Int32Array.from(tokens),
      logprobs: Float32Array.from(logprobs),
      policyLogprobs: Float32Array.from(policyLogprobs),
      stopReason: request.stopTokens.includes(tokens.at(-1)!) ? 'stop' : 'length',
    };
  }

  function forwardBackwardOne(datum: Datum, loss: LossSpec, sums: Record<string, number>) {
    const temperature = loss.name === 'cross_entropy' ? 1 : loss.temperature;
    const logprob_TV = scoreDatum(weights, datum, temperature);
    const logprobs_T = new Float32Array(datum.inputTokens_T.length);
    const picked = logprob_TV.map((row, t) => row[datum.targetTokens_T[t]!]!);
    const oracle = lossGradient(datum, picked, logprob_TV, loss);
    for (const [name, value] of Object.entries(oracle.metrics)) sums[name] = (sums[name] ?? 0) + value;
    for (const [t, row] of logprob_TV.entries()) {
      if (datum.weights_T[t] === 0) continue;
      logprobs_T[t] = picked[t]!;
      const start = rowStart(datum.inputTokens_T[0]!, datum.inputTokens_T[t]!);
      const gradient_V = oracle.logitGradient(t, row);
      for (let v = 0; v < V; v++) gradients[start + v]! += gradient_V[v]!;
    }
    return { lossSum: oracle.lossSum, logprobs_T };
  }

  function adamStep(adam: AdamParams): { gradientNorm: number } {
    const sigma = options.gradientNoise ?? 0;
    if (sigma > 0) for (let i = 0; i < size; i += 97) gradients[i]! += sigma * noise.normal();
    const gradientNorm = Math.sqrt(gradients.reduce((sum, g) => sum + g * g, 0));
    const scale =
      adam.gradientClip > 0 && gradientNorm > adam.gradientClip ? adam.gradientClip / gradientNorm : 1;
    moments.step += 1;
    const correction1 = 1 - adam.beta1 ** moments.step;
    const correction2 = 1 - adam.beta2 ** moments.step;
    for (let i = 0; i < size; i++) {
      const g = gradients[i]! * scale;
      moments.first[i] = adam.beta1 * moments.first[i]! + (1 - adam.beta1) * g;
      moments.second[i] = adam.beta2 * moments.second[i]! + (1 - adam.beta2) * g * g;
      const update =
        moments.first[i]! / correction1 / (Math.sqrt(moments.second[i]! / correction2) + adam.eps);
      weights[i] = weights[i]! * (1 - adam.learningRate * adam.weightDecay) - adam.learningRate * update;
    }
    gradients = new Float64Array(size);
    return { gradientNorm };
  }

  const policy: TabularPolicy = {
    vocabSize: V,
    maxLength: options.maxLength ?? 64,
    parameterCount: size,
    trainableCount: size,
    calls,
    weights: () => weights.slice(),
    gradients: () => gradients.slice(),
    distribution: (first, previous, temperature) => logSoftmax(rowOf(weights, first, previous), temperature),
    sample: async (request) => {
      calls.sample += 1;
      const random = createRandom(request.seed);
      const groups: SampledSequence[][] = [];
      for (const prompt of request.prompts) {
        const group: SampledSequence[] = [];
        for (let k = 0; k < request.samplesPerPrompt; k++)
          group.push(await sampleOne(request, prompt, random));
        groups.push(group);
      }
      return groups;
    },
    forwardBackward: async (data, loss): Promise<ForwardBackwardResult> => {
      calls.forwardBackward += 1;
      calls.sequencesTrained += data.length;
      const metrics: Record<string, number> = {};
      const results = data.map((datum) => forwardBackwardOne(datum, loss, metrics));
      return {
        lossSum: results.reduce((sum, result) => sum + result.lossSum, 0),
        logprobs: results.map((result) => result.logprobs_T),
        metrics,
      };
    },
    optimStep: async (adam) => {
      calls.optimStep += 1;
      return adamStep(adam);
    },
    logprobs: async (data, request = {}) =>
      data.map((datum) => {
        const table = request.useReference ? (reference ?? new Float64Array(size)) : weights;
        const rows = scoreDatum(table, datum, request.temperature ?? 1);
        return Float32Array.from(rows, (row, t) =>
          datum.weights_T[t] === 0 ? 0 : row[datum.targetTokens_T[t]!]!,
        );
      }),
    freezeReference: async () => {
      reference = weights.slice();
    },
    save: async (directory, request = {}) => {
      await mkdir(directory, { recursive: true });
      await writeFile(join(directory, 'weights.bin'), new Uint8Array(weights.buffer.slice(0)));
      if (!request.optimizer) return;
      await writeFile(join(directory, 'first.bin'), new Uint8Array(moments.first.buffer.slice(0)));
      await writeFile(join(directory, 'second.bin'), new Uint8Array(moments.second.buffer.slice(0)));
      await writeFile(
        join(directory, 'optimizer.json'),
        JSON.stringify({ step: moments.step, noise: noise.state() }),
      );
    },
    load: async (directory, request = {}) => {
      const read = async (name: string) =>
        new Float64Array((await readFile(join(directory, name))).slice().buffer);
      weights = await read('weights.bin');
      if (!request.optimizer) return;
      const saved = JSON.parse(await readFile(join(directory, 'optimizer.json'), 'utf8')) as {
        step: number;
        noise: RandomState;
      };
      moments = { first: await read('first.bin'), second: await read('second.bin'), step: saved.step };
      noise = createRandom(saved.noise);
    },
    close: async () => {},
  };
  return policy;
}
