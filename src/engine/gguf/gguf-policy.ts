/**
 * A GGUF file as a `Policy` that answers and does not learn, with what its prompts need. Knows files and life times; sampling is
 * in `gguf-sampler.ts`.
 *
 *   const { policy, text } = await openGguf({ path: 'model-Q8_0.gguf' });
 */
import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import type { ModelText } from '../checkpoint/text-files.ts';
import type { Policy, SampleControl, SampleRequest } from '../policy.ts';
import { checkSampleRequest } from '../sampling/sample-checks.ts';
import { GgufSampler } from './gguf-sampler.ts';
import { ggufText } from './gguf-text.ts';
import {
  type LlamaContext,
  type LlamaModel,
  type LlamaWish,
  loadLlama,
  takeComplaints,
} from './llama-module.ts';

export interface GgufOptions extends LlamaWish {
  readonly path: string;
  /** Longest prompt + completion in tokens; default: what the model was made for, at most 8192. */
  readonly maxLength?: number;
  /** Default: all cores; one for a small model. */
  readonly threads?: number;
}

export interface OpenedGguf {
  readonly policy: Policy;
  readonly text: ModelText;
}

const defaultLengthMax = 8192;
/** Below this many parameters llama.cpp's threads wait for each other longer than they compute, most of all on a busy machine. */
const smallModel = 20e6;

async function cannotLoad(path: string, thrown: unknown): Promise<QuerentError> {
  // The reason is logged on a thread of its own.
  await setImmediate();
  const why = takeComplaints() || messageOf(thrown);
  return new QuerentError('gguf/cannot-load', `llama.cpp cannot read ${path}: ${why}`, {
    next: 'Check that the file is whole, and that it fits into memory; export or copy it again.',
    details: { path },
    cause: thrown,
  });
}

interface Loaded {
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  readonly maxLength: number;
}

async function load(options: GgufOptions): Promise<Loaded> {
  const { path, gpu } = options;
  if (!existsSync(path)) {
    throw new QuerentError('gguf/no-file', `there is no file ${path}; a GGUF model was expected`, {
      next: 'Check the path, or write one with `querent export --format gguf`.',
      details: { path },
    });
  }
  const llama = await loadLlama(options);
  takeComplaints();
  let model: LlamaModel | undefined;
  try {
    model = await llama.loadModel({ modelPath: path, ...(gpu === false ? { gpuLayers: 0 } : {}) });
    const maxLength = Math.min(options.maxLength ?? defaultLengthMax, model.trainContextSize);
    const threads = options.threads ?? (parameterCount(model) < smallModel ? 1 : undefined);
    const context = await model.createContext({
      contextSize: maxLength,
      ...(threads === undefined ? {} : { threads }),
    });
    return { model, context, maxLength: Math.min(maxLength, context.contextSize) };
  } catch (thrown) {
    await model?.dispose();
    throw await cannotLoad(path, thrown);
  }
}

const parameterCount = ({ fileInfo }: LlamaModel): number =>
  (fileInfo.fullTensorInfo ?? []).reduce(
    (sum, { dimensions }) => sum + dimensions.reduce<number>((product, size) => product * Number(size), 1),
    0,
  );

function servesOnly(verb: string): () => Promise<never> {
  return async () => {
    throw new QuerentError('gguf/serves-only', `a GGUF model answers questions, and cannot ${verb}`, {
      next: 'Use the checkpoint that it was made from (a Hugging Face directory), and export that again.',
    });
  };
}

/** Errors: `gguf/no-file`, `gguf/no-llama`, `gguf/llama-failed`, `gguf/cannot-load`, `gguf/no-tokenizer`. */
export async function openGguf(options: GgufOptions): Promise<OpenedGguf> {
  const { model, context, maxLength } = await load(options);
  let text: ModelText;
  try {
    text = ggufText(model, options.path);
  } catch (thrown) {
    await model.dispose();
    throw thrown;
  }
  const limits = { vocabSize: text.tokenizer.vocabSize, maxLength };
  const sampler = new GgufSampler(context, limits);
  let queue: Promise<unknown> = Promise.resolve();
  let isClosed = false;

  const sample = async (request: SampleRequest, control?: SampleControl) => {
    if (isClosed)
      throw new QuerentError('engine/closed', 'the policy was closed', { next: 'Open the file again.' });
    checkSampleRequest(request, limits);
    if (request.useReference === true) return servesOnly('be its own reference')();
    const turn = queue.then(() => sampler.sample(request, control));
    queue = turn.catch(() => {});
    return turn;
  };
  const policy: Policy = {
    ...limits,
    parameterCount: parameterCount(model),
    trainableCount: 0,
    sample,
    forwardBackward: servesOnly('be trained'),
    optimStep: servesOnly('be trained'),
    logprobs: servesOnly('score given answers'),
    freezeReference: servesOnly('be trained'),
    save: servesOnly('be saved'),
    load: servesOnly('take other weights'),
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      await queue;
      await context.dispose();
      await model.dispose();
    },
  };
  return { policy: Object.freeze(policy), text };
}
