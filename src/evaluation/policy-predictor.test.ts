import { describe, expect, it } from 'vitest';
import type { Policy, SampledSequence, SampleRequest } from '../engine/policy.ts';
import type { PromptFormat } from '../prompts/prompt-format.ts';
import { createPolicyPredictor } from './policy-predictor.ts';

/** One token a letter; the "model" answers with the prompt reversed, and probability 1/2 for each token. */
const format: PromptFormat = {
  id: 'letters',
  stopTokens: [0],
  constraint: undefined,
  prepare: (question) => ({
    question,
    promptTokens: Int32Array.from(question, (letter) => letter.charCodeAt(0)),
    bindings: undefined,
  }),
  completionTokens: () => undefined,
  parseCompletion: (tokens) => ({
    sql: String.fromCharCode(...tokens.filter((token) => token !== 0)),
    isComplete: tokens.at(-1) === 0,
  }),
};

function fakePolicy() {
  const requests: SampleRequest[] = [];
  let closed = 0;
  const answer = (prompt: Int32Array): SampledSequence => {
    const isLong = prompt.length > 6;
    const tokens = Int32Array.from([...[...prompt].reverse(), ...(isLong ? [] : [0])]);
    const logprobs = new Float32Array(tokens.length).fill(Math.log(0.5));
    const certain = new Float32Array(tokens.length);
    return { tokens, logprobs: certain, policyLogprobs: logprobs, stopReason: isLong ? 'length' : 'stop' };
  };
  const policy = {
    maxLength: 10,
    sample: async (request: SampleRequest) => {
      requests.push(request);
      return request.prompts.map((prompt) => [answer(prompt)]);
    },
    close: async () => {
      closed++;
    },
  } as unknown as Policy;
  return { policy, requests, closed: () => closed };
}

describe('createPolicyPredictor', () => {
  it('asks greedily, once, and answers in order', async () => {
    const { policy, requests } = fakePolicy();
    const predictor = createPolicyPredictor({ name: 'letters', policy, format });
    const predictions = await predictor.predict(['abc', 'xy']);
    expect(predictions.map((prediction) => prediction.sql)).toEqual(['cba', 'yx']);
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ temperature: 0, samplesPerPrompt: 1, stopTokens: [0] });
  });

  it('is as confident as the unmasked policy finds the whole answer likely', async () => {
    const predictor = createPolicyPredictor({ name: 'letters', policy: fakePolicy().policy, format });
    const [prediction] = await predictor.predict(['ab']);
    expect(prediction!.confidence).toBeCloseTo(1 / 8, 6);
    expect(prediction!.tokens).toBe(3);
  });

  it('gives no SQL for an answer that was cut off, and does not sample a question without room', async () => {
    const { policy, requests } = fakePolicy();
    const predictor = createPolicyPredictor({ name: 'letters', policy, format });
    const predictions = await predictor.predict(['abcdefg', 'far too long a question', 'ab']);
    expect(predictions.map((prediction) => prediction.sql)).toEqual(['', '', 'ba']);
    expect(requests[0]!.prompts).toHaveLength(2);
    expect(predictions[1]!.confidence).toBe(0);
  });

  it('closes the policy only if it owns it', async () => {
    const { policy, closed } = fakePolicy();
    await createPolicyPredictor({ name: 'a', policy, format, ownsPolicy: false }).close();
    expect(closed()).toBe(0);
    await createPolicyPredictor({ name: 'a', policy, format }).close();
    expect(closed()).toBe(1);
  });
});
