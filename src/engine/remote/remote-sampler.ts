/**
 * Sampling and scoring on a server. Querent's worker samples from the weights as they are; others sample from saved ones, so
 * those are saved once after each update. It knows requests of the API; it does not know training.
 */
import { randomBytes } from 'node:crypto';
import { createRandom } from '../../foundation/random.ts';
import type { Datum, SampledSequence, SampleRequest } from '../policy.ts';
import type { Connection, Json } from './connection.ts';
import { unsupported } from './remote-errors.ts';
import type { RemoteModel } from './remote-model.ts';
import { checkTemperature, modelInput, workerLoss } from './wire.ts';

export interface RemoteSamplerOptions {
  readonly connection: Connection;
  readonly model: RemoteModel;
  readonly baseModel: string;
  readonly isWorker: boolean;
  readonly isLora: boolean;
  readonly vocabSize: number;
  readonly maxLength: number;
}

interface Source {
  readonly fields: Json;
}

/** Requests that wait at a time; the worker merges them into batches. */
const parallelMax = 128;

export class RemoteSampler {
  readonly #options: RemoteSamplerOptions;
  /** Saved weights of the present policy, for servers that sample from nothing else. */
  #saved: string | undefined;
  #reference: string | undefined;

  constructor(options: RemoteSamplerOptions) {
    this.#options = options;
  }

  weightsChanged(): void {
    this.#saved = undefined;
  }

  async sample(request: SampleRequest): Promise<SampledSequence[][]> {
    this.#check(request);
    const source = await this.#source(request.useReference ?? false);
    const random = createRandom(request.seed);
    const seeds = request.prompts.map((_prompt, index) => random.fork(`prompt/${index}`).int(0x7fffffff));
    const answers = this.#options.isWorker
      ? await this.#samplePrompts(source, request, seeds)
      : await inParallel(request.prompts, (prompt, index) =>
          this.#ask(source, {
            prompt: modelInput(prompt),
            num_samples: request.samplesPerPrompt,
            sampling_params: { ...this.#params(request, prompt.length), seed: seeds[index] },
          }),
        );
    return answers.map(({ sequences }) =>
      (sequences as WireSequence[]).map((sequence) => sampledSequence(sequence, request.temperature)),
    );
  }

  #check(request: SampleRequest): void {
    const { constraint, minProbability = 0, prompts } = request;
    const { isWorker, maxLength } = this.#options;
    if (constraint !== undefined) {
      throw unsupported(
        'token constraints run beside the logits, in this process only',
        'Sample without the constraint, or train in this process.',
      );
    }
    if (!isWorker && minProbability > 0) {
      throw unsupported('a floor of probability is not part of the public API', 'Set grpo.minProbability=0.');
    }
    const long = prompts.find((prompt) => prompt.length === 0 || prompt.length >= maxLength);
    if (long === undefined) return;
    throw unsupported(
      `a prompt has ${long.length} tokens; the server takes 1 to ${maxLength - 1} and an answer`,
      'Shorten the prompt.',
    );
  }

  /** One request: the worker makes the same batches of it every time, and so draws the same to the last digit. */
  async #samplePrompts(
    source: Source,
    request: SampleRequest,
    seeds: readonly number[],
  ): Promise<readonly Json[]> {
    const longest = request.prompts.reduce((max, prompt) => Math.max(max, prompt.length), 0);
    const answer = await this.#options.connection.future('querent/sample', {
      ...source.fields,
      prompts: request.prompts.map((prompt, index) => ({
        prompt: modelInput(prompt),
        num_samples: request.samplesPerPrompt,
        seed: seeds[index],
      })),
      sampling_params: this.#params(request, longest),
    });
    return answer.groups as Json[];
  }

  #params(request: SampleRequest, promptLength: number): Json {
    const { temperature, topK, topP, minProbability = 0, stopTokens, maxNewTokens } = request;
    return {
      max_tokens: Math.min(maxNewTokens, this.#options.maxLength - promptLength),
      temperature,
      top_k: topK ?? -1,
      top_p: topP ?? 1,
      stop: [...stopTokens],
      ...(minProbability > 0 ? { min_probability: minProbability } : {}),
    };
  }

  #ask(source: Source, body: Json): Promise<Json> {
    return this.#options.connection.future('asample', { type: 'sample', ...source.fields, ...body });
  }

  async #source(useReference: boolean): Promise<Source> {
    const { isWorker, model, baseModel, isLora } = this.#options;
    if (isWorker) return { fields: { model_id: model.id, use_reference: useReference } };
    if (useReference && this.#reference === undefined && isLora) return { fields: { base_model: baseModel } };
    if (useReference) return { fields: { model_path: this.#reference } };
    this.#saved ??= await this.#saveForSampler();
    return { fields: { model_path: this.#saved } };
  }

  async #saveForSampler(): Promise<string> {
    const { model } = this.#options;
    const name = `sampler-${randomBytes(6).toString('hex')}`;
    const answer = await model.ask('save_weights_for_sampler', { path: name });
    return String(answer.path);
  }

  async freezeReference(): Promise<void> {
    this.#reference = await this.#saveForSampler();
  }

  /** Log-probabilities of the policy, or (Querent's worker) of its reference. */
  async forward(data: readonly Datum[], temperature: number, useReference: boolean): Promise<Json> {
    const { isWorker, model } = this.#options;
    if (!isWorker) checkTemperature(temperature);
    const { data: toWire } = workerLoss({ name: 'cross_entropy' });
    return model.ask('forward', {
      forward_input: {
        data: data.map(toWire),
        loss_fn: 'cross_entropy',
        ...(isWorker ? { loss_fn_config: { temperature } } : {}),
      },
      ...(isWorker ? { use_reference: useReference } : {}),
    });
  }

  /** On other servers a reference only samples; what it gives to a prompt's tokens is what is asked for. */
  async referenceLogprobs(data: readonly Datum[], temperature: number): Promise<Float32Array[]> {
    checkTemperature(temperature);
    const source = await this.#source(true);
    return inParallel(data, async (datum) => {
      const { inputTokens_T, targetTokens_T, weights_T } = datum;
      const whole = Int32Array.of(inputTokens_T[0]!, ...targetTokens_T);
      const answer = await this.#ask(source, {
        prompt: modelInput(whole),
        num_samples: 1,
        sampling_params: { max_tokens: 1, temperature: 1, seed: 0 },
        prompt_logprobs: true,
      });
      const given = answer.prompt_logprobs as (number | null)[];
      // The first token has none: the hosted service writes null for it, SkyRL leaves it out.
      const first = 1 - (whole.length - given.length);
      return weights_T.map((weight, t) => (weight === 0 ? 0 : finite(given[t + first])));
    });
  }
}

function finite(logprob: number | null | undefined): number {
  if (typeof logprob === 'number' && Number.isFinite(logprob)) return logprob;
  throw unsupported(
    'the server gives no log-probabilities of the reference',
    'Train without the KL penalty (--set grpo.klBeta=0).',
  );
}

interface WireSequence {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  /** Querent's worker only. */
  readonly policy_logprobs?: readonly number[];
  readonly stop_reason: string;
}

function sampledSequence(sequence: WireSequence, temperature: number): SampledSequence {
  const logprobs = Float32Array.from(sequence.logprobs);
  const { policy_logprobs: policy } = sequence;
  return {
    tokens: Int32Array.from(sequence.tokens),
    // A greedy choice is certain.
    logprobs: temperature === 0 ? new Float32Array(logprobs.length) : logprobs,
    policyLogprobs: policy === undefined ? logprobs : Float32Array.from(policy),
    stopReason: sequence.stop_reason === 'stop' ? 'stop' : 'length',
  };
}

async function inParallel<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallelMax, items.length) }, lane));
  return results;
}
