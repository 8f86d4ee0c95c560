/**
 * Examples and samples as training sequences. It knows positions, targets and weights; it does not know SQL.
 * Axes: T positions of one sequence, C completion tokens.
 */
import type { Example } from '../data/example.ts';
import type { Datum } from '../engine/policy.ts';
import { QuerentError } from '../foundation/errors.ts';
import type { Random } from '../foundation/random.ts';
import type { PreparedPrompt, PromptFormat } from '../prompts/prompt-format.ts';
import type { ExampleStream } from './example-stream.ts';

/** Examples that may be skipped one after the other before the data is declared unusable. */
const skippedInARowMax = 1000;

/** Inputs, targets shifted by one, and where the completion's targets lie in them. */
export function joinTokens(promptTokens: Int32Array, completionTokens: Int32Array) {
  const all = new Int32Array(promptTokens.length + completionTokens.length);
  all.set(promptTokens);
  all.set(completionTokens, promptTokens.length);
  return {
    inputTokens_T: all.slice(0, -1),
    targetTokens_T: all.slice(1),
    completionStart: promptTokens.length - 1,
  };
}

/** The loss reads the completion's tokens only; each counts `weight`. */
export function supervisedDatum(
  promptTokens: Int32Array,
  completionTokens: Int32Array,
  weight: number,
): Datum {
  const { inputTokens_T, targetTokens_T, completionStart } = joinTokens(promptTokens, completionTokens);
  const weights_T = new Float32Array(inputTokens_T.length);
  weights_T.fill(weight, completionStart);
  return { inputTokens_T, targetTokens_T, weights_T };
}

export interface EncodedExample {
  readonly example: Example;
  readonly prompt: PreparedPrompt;
  readonly completionTokens: Int32Array;
}

/** Undefined where the format cannot express the gold query for this prompt, or it would be too long. */
export function encodeExample(
  example: Example,
  format: PromptFormat,
  maxLength: number,
  random: Random | undefined,
): EncodedExample | undefined {
  const prompt = format.prepare(example.question, random);
  const completionTokens = format.completionTokens(example.sql, prompt);
  if (completionTokens === undefined || completionTokens.length === 0) return undefined;
  if (prompt.promptTokens.length + completionTokens.length > maxLength) return undefined;
  return { example, prompt, completionTokens };
}

export interface EncodedBatch {
  readonly encoded: readonly EncodedExample[];
  /** Examples of the stream that could not be used. */
  readonly skipped: number;
}

/** Draw from the stream until `count` examples are encoded; each is augmented anew. */
export async function drawEncoded(
  stream: ExampleStream,
  count: number,
  encode: (example: Example) => EncodedExample | undefined,
): Promise<EncodedBatch> {
  const encoded: EncodedExample[] = [];
  let skipped = 0;
  let skippedInARow = 0;
  while (encoded.length < count) {
    const example = await stream.next();
    const result = encode(example);
    if (result !== undefined) {
      encoded.push(result);
      skippedInARow = 0;
      continue;
    }
    skipped += 1;
    skippedInARow += 1;
    if (skippedInARow >= skippedInARowMax) throw unusableData(example);
  }
  return { encoded, skipped };
}

function unusableData(example: Example): QuerentError {
  return new QuerentError(
    'training/unusable-examples',
    `${skippedInARowMax} examples in a row cannot be used: their SQL cannot be written in this prompt format, or prompt and SQL are longer than the model allows (last: "${example.question}")`,
    {
      next: 'Check that the examples belong to this database and that the model’s maximum length is large enough.',
      details: { id: example.id, sql: example.sql },
    },
  );
}
