/**
 * Sampling from a model of the shape of Qwen2.5-Coder-0.5B with an adapter, as reinforcement learning does: 8 samples of 64 tokens
 * from one prompt of 512, against transformers' generate on the same weights (without an adapter) and threads, in turns.
 *
 *   npm run bench -- llm-decode [--quick] [--set rounds=2] [--set only=int4] [--set checkpoint=DIRECTORY]
 *
 * No stop token: both sides do the same work. Ours reads the prompt once for all samples.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BaseFormat } from '../src/engine/model/base-tensor.ts';
import { createRandom } from '../src/foundation/random.ts';
import {
  type BenchOptions,
  type Measurement,
  measurementOf,
  runAlternating,
  startPython,
} from './harness.ts';
import { type LlmReply, startLlmChild } from './support/llm-child.ts';
import { randomCheckpoint, shapeOf } from './support/llm-shape.ts';

const SAMPLES = 8;
const formats: readonly BaseFormat[] = ['fp32', 'int8', 'int4'];

export async function* run(options: BenchOptions): AsyncIterable<Measurement> {
  const { python, threads, settings, quick, log } = options;
  if (python === undefined && settings.checkpoint === undefined) {
    log('llm-decode needs Python to make a random checkpoint, or --set checkpoint=DIRECTORY');
    return;
  }
  const shape = shapeOf(options);
  const [promptTokens, newTokens] = quick ? [64, 8] : [512, 64];
  const random = createRandom(1);
  const prompt = Int32Array.from({ length: promptTokens }, () => random.int(shape.vocab_size));
  const folder = mkdtempSync(join(tmpdir(), 'querent-llm-'));
  const baseline = python === undefined ? undefined : startPython(python, 'engine_decode.py', { threads });
  try {
    const directory = settings.checkpoint ?? (await randomCheckpoint(python!, shape, folder));
    const torch = await baseline?.call<string>('load', { directory, threads });
    for (const baseWeights of formats) {
      if (settings.only !== undefined && !settings.only.split(',').includes(baseWeights)) continue;
      log(`llm-decode ${baseWeights} …`);
      const child = startLlmChild();
      try {
        const policy = { directory, lora: { rank: 16, alpha: 32 }, seed: 1, threads, maxLength: 1024 };
        await child.call({ verb: 'create', options: { ...policy, baseWeights } });
        const replies: LlmReply[] = [];
        const request = {
          prompts: [prompt],
          samplesPerPrompt: SAMPLES,
          maxNewTokens: newTokens,
          temperature: 1,
          stopTokens: [],
        };
        const theirs = async (): Promise<number> => {
          const params = { samples: SAMPLES, newTokens, temperature: 1, clock: 'wall' };
          const prompts = [[...prompt]];
          const said = await baseline!.call<{ seconds: number; tokens: number }>('generate', {
            ...params,
            prompts,
          });
          return said.tokens / said.seconds;
        };
        const result = await runAlternating({
          rounds: Number(settings.rounds ?? (quick ? 1 : 3)),
          warmupRounds: Number(settings.warmup ?? 1),
          ours: async () => {
            const reply = await child.call({
              verb: 'sample',
              request: { ...request, seed: replies.length },
            });
            replies.push(reply);
            return reply.tokens / reply.seconds;
          },
          baseline: baseline && theirs,
        });
        yield measurementOf(
          {
            suite: 'llm-decode',
            name: `${baseWeights}, LoRA r16, ${SAMPLES}×${newTokens} after ${promptTokens}`,
            unit: 'tokens/s',
            better: 'higher',
            baselineName:
              torch === undefined
                ? 'skipped: no Python'
                : `transformers generate, fp32, no adapter, PyTorch ${torch}`,
            details: {
              threads,
              cpuSeconds: replies.at(-1)!.cpuSeconds,
              peakBytes: replies.at(-1)!.peakBytes,
            },
          },
          result,
        );
      } finally {
        child.stop();
      }
    }
  } finally {
    await baseline?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
