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
    const predictor = createPolicyPredictor({ name: 'letters', policy, format, repairSamples: 0 });
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

  describe('where something speaks against the greedy answer', () => {
    /** Greedy "bad"; samples "bad", "fit" (likelier) and "fat". */
    const answers = { bad: 0.9, fit: 0.3, fat: 0.1 } as const;
    const sequence = (text: keyof typeof answers): SampledSequence => ({
      tokens: Int32Array.from([...text].map((letter) => letter.charCodeAt(0)).concat(0)),
      logprobs: new Float32Array(4),
      policyLogprobs: Float32Array.from([Math.log(answers[text]), 0, 0, 0]),
      stopReason: 'stop',
    });
    const policy = {
      maxLength: 10,
      sample: async ({ prompts, samplesPerPrompt }: SampleRequest) =>
        prompts.map(() =>
          samplesPerPrompt === 1 ? [sequence('bad')] : [sequence('bad'), sequence('fat'), sequence('fit')],
        ),
    } as unknown as Policy;
    const ask = async (options: Partial<Parameters<typeof createPolicyPredictor>[0]>) => {
      const predictor = createPolicyPredictor({ name: 'letters', policy, format, ...options });
      return (await predictor.predict(['q']))[0]!.sql;
    };
    const refuse = (refused: readonly string[]) => async (statements: readonly string[]) =>
      statements.map((sql) => (refused.includes(sql) ? null : 0));
    const doubting = (nats: number): PromptFormat => ({
      ...format,
      doubtOf: (tokens) => (tokens[0] === 'b'.charCodeAt(0) ? nats : 0),
    });

    it('takes the likeliest usable sample', async () => {
      expect(await ask({ inspect: refuse(['bad']) })).toBe('fit');
      expect(await ask({ inspect: refuse(['bad', 'fit']) })).toBe('fat');
    });

    it('abstains where nothing is usable, or no samples are allowed', async () => {
      expect(await ask({ inspect: refuse(['bad', 'fit', 'fat']) })).toBe('');
      expect(await ask({ inspect: refuse(['bad']), repairSamples: 0 })).toBe('');
    });

    it('prefers an answer that uses the values of the question, unless it is far less likely', async () => {
      expect(await ask({ format: doubting(3) })).toBe('fit');
      expect(await ask({ format: doubting(0) })).toBe('bad');
      answersLike(0.01);
      expect(await ask({ format: doubting(3) })).toBe('bad');
      answersLike(0.3);
    });

    it('prefers an answer that finds something, and samples where the greedy one is improbable', async () => {
      const findsNothing = async (statements: readonly string[]) =>
        statements.map((sql) => (sql === 'bad' ? 3 : 0));
      expect(await ask({ inspect: findsNothing })).toBe('fit');
      (answers as { bad: number }).bad = 0.25;
      expect(await ask({})).toBe('fit');
      (answers as { bad: number }).bad = 0.9;
      expect(await ask({})).toBe('bad');
    });

    function answersLike(probability: number): void {
      (answers as { fit: number; fat: number }).fit = probability;
      (answers as { fit: number; fat: number }).fat = probability / 3;
    }
  });
});
