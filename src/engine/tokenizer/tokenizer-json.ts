/**
 * The nouns of this folder: `Tokenizer`, and the part of the standard `tokenizer.json` that Querent writes and
 * recognises: a word vocabulary with character fallback (WordPiece over text split at white space). Splits nothing.
 */
import { z } from 'zod';
import { QuerentError } from '../../foundation/errors.ts';

const addedToken = z.looseObject({
  id: z.int().min(0),
  content: z.string().min(1),
  single_word: z.literal(false),
  lstrip: z.literal(false),
  rstrip: z.literal(false),
  normalized: z.literal(false),
  special: z.boolean(),
});

const wordTokenizer = z.looseObject({
  version: z.string(),
  truncation: z.null(),
  padding: z.null(),
  added_tokens: z.array(addedToken),
  normalizer: z.null(),
  pre_tokenizer: z.looseObject({ type: z.literal('WhitespaceSplit') }),
  post_processor: z.null(),
  decoder: z.looseObject({
    type: z.literal('WordPiece'),
    prefix: z.string().min(1),
    cleanup: z.literal(false),
  }),
  model: z.looseObject({
    type: z.literal('WordPiece'),
    unk_token: z.string(),
    continuing_subword_prefix: z.string().min(1),
    max_input_chars_per_word: z.int().min(1),
    vocab: z.record(z.string(), z.int().min(0)),
  }),
});

/** A tokenizer of the kind that `trainWordTokenizer` makes. */
export type WordTokenizerJson = z.infer<typeof wordTokenizer>;

/** Any `tokenizer.json`; only the models that we know are looked into. */
export type TokenizerJson = Readonly<Record<string, unknown>>;

export interface Tokenizer {
  /** One more than the largest id. */
  readonly vocabSize: number;
  /** What `tokenizer.json` holds, to be saved beside the weights. */
  readonly json: TokenizerJson;
  encode(text: string): Int32Array;
  /** Special tokens are written out; an id that does not exist is written as the unknown token. */
  decode(ids: ArrayLike<number>): string;
  tokenToId(token: string): number | undefined;
  idToToken(id: number): string | undefined;
}

/** The file as a word tokenizer, or undefined where it is of another kind and needs the general runtime. */
export function asWordTokenizer(json: TokenizerJson): WordTokenizerJson | undefined {
  if (!wordTokenizer.safeParse(json).success) return undefined;
  // The given object and not zod's copy, which leaves out a word "__proto__".
  const checked = json as WordTokenizerJson;
  return checked.model.continuing_subword_prefix === checked.decoder.prefix ? checked : undefined;
}

/** Ids of the vocabulary and the added tokens together, checked: one token an id, no holes, <unk> present. */
export function tokensById(json: WordTokenizerJson): string[] {
  const tokens: string[] = [];
  const set = (token: string, id: number): void => {
    if (tokens[id] !== undefined && tokens[id] !== token)
      throw invalidTokenizer(
        `id ${id} belongs to both ${JSON.stringify(tokens[id])} and ${JSON.stringify(token)}`,
      );
    tokens[id] = token;
  };
  const ids = Object.entries(json.model.vocab);
  const idMax = ids.length + json.added_tokens.length;
  for (const [token, id] of [...ids, ...json.added_tokens.map((t) => [t.content, t.id] as const)]) {
    if (id >= idMax)
      throw invalidTokenizer(`token ${JSON.stringify(token)} has the id ${id} of ${idMax} tokens`);
    set(token, id);
  }
  for (let id = 0; id < tokens.length; id++) {
    if (tokens[id] === undefined) throw invalidTokenizer(`no token has the id ${id}`);
  }
  if (!Object.hasOwn(json.model.vocab, json.model.unk_token))
    throw invalidTokenizer(
      `the unknown token ${JSON.stringify(json.model.unk_token)} is not in the vocabulary`,
    );
  return tokens;
}

export function invalidTokenizer(problem: string, cause?: unknown): QuerentError {
  return new QuerentError('tokenizer/invalid', `tokenizer.json cannot be used: ${problem}`, {
    next: 'Use the tokenizer.json that was saved with the model.',
    cause,
  });
}
