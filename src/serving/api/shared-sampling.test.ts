import { describe, expect, it } from 'vitest';
import { wordFormat } from '../../../test/support/word-format.ts';
import { createPolicyGenerator } from '../../agents/generate/query-generator.ts';
import type { Policy, SampleControl, SampledSequence, SampleRequest } from '../../engine/policy.ts';
import { shareSampling } from './shared-sampling.ts';

const format = wordFormat(['how', 'many', 'staff', 'orders', 'SELECT']);

/** Answers every prompt with its own second word, and only when it is told to. */
function heldPolicy() {
  const calls: { readonly request: SampleRequest; readonly control: SampleControl; answer(): void }[] = [];
  const sequenceOf = (prompt: Int32Array): SampledSequence => {
    const tokens = Int32Array.from([prompt.at(-1)!, 0]);
    const logprobs = new Float32Array(tokens.length);
    return { tokens, logprobs, policyLogprobs: logprobs, stopReason: 'stop' };
  };
  const policy = {
    maxLength: 64,
    sample: (request: SampleRequest, control: SampleControl = {}) =>
      new Promise((resolve) => {
        calls.push({
          request,
          control,
          answer: () =>
            resolve(
              request.prompts.map((prompt) =>
                Array.from({ length: request.samplesPerPrompt }, () => sequenceOf(prompt)),
              ),
            ),
        });
      }),
    close: async () => {},
  } as unknown as Policy;
  return { policy, calls };
}

const context = { schemaText: '' };
const asked = (question: string) => [{ question, context }];
const drawing = { samples: 1, temperatures: [1], seed: 0 };

async function untilCalls(calls: readonly unknown[], count: number): Promise<void> {
  while (calls.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('shareSampling', () => {
  it('puts what waits into one call, and gives each its own', async () => {
    const { policy, calls } = heldPolicy();
    const generator = createPolicyGenerator({ name: 'held', policy: shareSampling(policy), format });
    const answers = [generator.greedy(asked('how many')), generator.greedy(asked('how orders'))];
    await untilCalls(calls, 1);
    calls[0]!.answer();
    const [first, second] = await Promise.all(answers);
    expect(calls[0]!.request.prompts).toHaveLength(2);
    expect([first![0]!.sql, second![0]!.sql]).toEqual(['many', 'orders']);
  });

  it('a question that is withdrawn leaves the queue, whether its statement is greedy or drawn', async () => {
    const { policy, calls } = heldPolicy();
    const generator = createPolicyGenerator({ name: 'held', policy: shareSampling(policy), format });
    const running = generator.greedy(asked('how many'));
    await untilCalls(calls, 1);
    const controller = new AbortController();
    const { signal } = controller;
    const withdrawn = [
      generator.greedy(asked('how orders'), { signal }),
      generator.draw(asked('how orders'), drawing, signal),
    ];
    const refusals = withdrawn.map((one) => expect(one).rejects.toMatchObject({ code: 'agents/aborted' }));
    const waiting = generator.greedy(asked('how staff'));
    controller.abort();
    calls[0]!.answer();
    await running;
    await Promise.all(refusals);
    await untilCalls(calls, 2);
    calls[1]!.answer();
    expect((await waiting)[0]!.sql).toBe('staff');
    expect(calls.map(({ request }) => request.prompts.length)).toEqual([1, 1]);
  });

  it('a running call is cancelled once nobody of it waits any more', async () => {
    const { policy, calls } = heldPolicy();
    const shared = shareSampling(policy);
    const controllers = [new AbortController(), new AbortController()];
    const request = { prompts: [Int32Array.of(1)], samplesPerPrompt: 1, maxNewTokens: 4, temperature: 0 };
    const sampled = controllers.map(({ signal }) =>
      shared.sample({ ...request, stopTokens: [0], seed: 0 }, { signal }),
    );
    await untilCalls(calls, 1);
    controllers[0]!.abort();
    expect(calls[0]!.control.signal!.aborted).toBe(false);
    controllers[1]!.abort();
    expect(calls[0]!.control.signal!.aborted).toBe(true);
    calls[0]!.answer();
    await Promise.all(sampled);
  });
});
