/** Refuses sampling requests that cannot be meant, before anything runs. */
import { QuerentError } from '../../foundation/errors.ts';
import type { Policy, SampleRequest } from '../policy.ts';

type Limits = Pick<Policy, 'vocabSize' | 'maxLength'>;

function refuse(problem: string, next = 'Correct the sampling request.'): never {
  throw new QuerentError('engine/invalid-sample-request', problem, { next });
}

const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1;

function checkPrompts(prompts: readonly Int32Array[], { vocabSize, maxLength }: Limits): void {
  prompts.forEach((prompt, i) => {
    if (prompt.length === 0) refuse(`prompt ${i} is empty; at least one token was expected`);
    if (prompt.length >= maxLength) {
      refuse(
        `prompt ${i} has ${prompt.length} tokens; the model takes ${maxLength} with the answer`,
        'Shorten the prompt.',
      );
    }
    const bad = prompt.find((token) => token < 0 || token >= vocabSize);
    if (bad !== undefined) {
      refuse(
        `prompt ${i} holds the token ${bad}; the model knows 0 to ${vocabSize - 1}`,
        'Check that tokenizer and model belong together.',
      );
    }
  });
}

export function checkSampleRequest(request: SampleRequest, limits: Limits): void {
  const { samplesPerPrompt, maxNewTokens, temperature, topK, topP, minProbability, seed } = request;
  checkPrompts(request.prompts, limits);
  if (!isCount(samplesPerPrompt)) refuse(`samplesPerPrompt is ${samplesPerPrompt}; at least 1 was expected`);
  if (!isCount(maxNewTokens)) refuse(`maxNewTokens is ${maxNewTokens}; at least 1 was expected`);
  if (!(temperature >= 0 && temperature < Number.POSITIVE_INFINITY))
    refuse(`temperature is ${temperature}; 0 (greedy) or more was expected`);
  if (topK !== undefined && !isCount(topK)) refuse(`topK is ${topK}; at least 1 was expected`);
  if (topP !== undefined && !(topP > 0 && topP <= 1))
    refuse(`topP is ${topP}; above 0 and at most 1 was expected`);
  if (minProbability !== undefined && !(minProbability >= 0 && minProbability < 1))
    refuse(`minProbability is ${minProbability}; from 0 up to, not including, 1 was expected`);
  if (!Number.isInteger(seed)) refuse(`seed is ${seed}; a whole number was expected`);
}
