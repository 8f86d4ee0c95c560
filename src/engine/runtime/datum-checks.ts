/** Refuses data that the engine could not run, naming the datum and the field. */
import { QuerentError } from '../../foundation/errors.ts';
import { fieldsOf } from '../batching/loss-feeds.ts';
import type { Datum, LossSpec } from '../policy.ts';

function refuse(index: number, problem: string): never {
  throw new QuerentError('engine/invalid-datum', `datum ${index}: ${problem}`, {
    next: 'Every array of a datum has one entry for each input token, and tokens are below the vocabulary size.',
    details: { datum: index },
  });
}

const perToken = [
  'targetTokens_T',
  'weights_T',
  'advantages_T',
  'oldLogprobs_T',
  'referenceLogprobs_T',
] as const;

function checkTokens(index: number, key: string, tokens: Int32Array, vocabSize: number): void {
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i]! < 0 || tokens[i]! >= vocabSize) {
      refuse(index, `${key}[${i}] is ${tokens[i]}, outside of the vocabulary of ${vocabSize}`);
    }
  }
}

export function checkData(data: readonly Datum[], vocabSize: number, maxLength: number): void {
  data.forEach((datum, index) => {
    const length = datum.inputTokens_T.length;
    if (length === 0) refuse(index, 'it has no tokens');
    if (length > maxLength) refuse(index, `it has ${length} tokens, the model takes at most ${maxLength}`);
    for (const key of perToken) {
      const values = datum[key];
      if (values !== undefined && values.length !== length) {
        refuse(index, `${key} has ${values.length} entries for ${length} input tokens`);
      }
    }
    for (const key of ['weights_T', 'advantages_T', 'oldLogprobs_T', 'referenceLogprobs_T'] as const) {
      const position = datum[key]?.findIndex((value) => !Number.isFinite(value)) ?? -1;
      if (position >= 0) refuse(index, `${key}[${position}] is ${datum[key]![position]}`);
    }
    checkTokens(index, 'inputTokens_T', datum.inputTokens_T, vocabSize);
    checkTokens(index, 'targetTokens_T', datum.targetTokens_T, vocabSize);
  });
}

/** Before anything runs: a loss that failed half-way would leave half of its gradients. */
export function checkLoss(data: readonly Datum[], loss: LossSpec): void {
  for (const [key, value] of Object.entries(loss)) {
    const isValid = typeof value === 'string' || (Number.isFinite(value) && value >= 0);
    if (isValid && !(key === 'temperature' && value === 0)) continue;
    throw new QuerentError('engine/invalid-loss', `${key} of the loss ${loss.name} is ${value}`, {
      next: 'Numbers of a loss are finite and not negative; the temperature is above 0.',
    });
  }
  for (const field of fieldsOf(loss)) {
    const index = data.findIndex((datum) => datum[field] === undefined);
    if (index >= 0) refuse(index, `it has no ${field}, which the loss ${loss.name} reads`);
  }
}
