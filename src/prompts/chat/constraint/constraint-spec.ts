/** Describes `schema-constraint.ts` for one schema and tokenizer, as data that a worker can be sent. */
import { createHash } from 'node:crypto';
import type { ConstraintSpec } from '../../../engine/policy.ts';
import type { Tokenizer, TokenizerJson } from '../../../engine/tokenizer/tokenizer.ts';
import { QuerentError } from '../../../foundation/errors.ts';
import type { Schema } from '../../../schema/schema.ts';
import { constraintModuleUrl, type SchemaConstraintOptions } from './schema-constraint.ts';
import { packVocabulary } from './vocabulary-trie.ts';

/** GPT-2's printable stand-ins for bytes (https://github.com/openai/gpt-2/blob/master/src/encoder.py): letter -> byte. */
function byteOfLetter(): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    bytes.set(String.fromCodePoint(isPrintable ? byte : next++), byte);
  }
  return bytes;
}

type Json = Readonly<Record<string, unknown>>;
const asObject = (value: unknown): Json =>
  typeof value === 'object' && value !== null ? (value as Json) : {};

function isByteLevel(json: TokenizerJson): boolean {
  const decoder = asObject(json.decoder);
  const parts = Array.isArray(decoder.decoders) ? decoder.decoders.map(asObject) : [decoder];
  return asObject(json.model).type === 'BPE' && parts.some(({ type }) => type === 'ByteLevel');
}

/** The bytes of each token; none for special tokens, which write nothing. */
function tokenBytes({ json, vocabSize }: Tokenizer): (Uint8Array | undefined)[] {
  const letters = byteOfLetter();
  const tokens = Array.from({ length: vocabSize }, (): Uint8Array | undefined => undefined);
  for (const [token, id] of Object.entries(asObject(asObject(json.model).vocab))) {
    const bytes = Array.from(token, (letter) => letters.get(letter));
    if (bytes.every((byte) => byte !== undefined)) tokens[id as number] = Uint8Array.from(bytes);
  }
  for (const { id, content, special } of ((json.added_tokens as unknown[]) ?? []).map(asObject))
    tokens[id as number] = special === true ? undefined : Buffer.from(String(content), 'utf8');
  return tokens;
}

const digest = (...parts: readonly (string | Uint8Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

export function schemaConstraint(
  schema: Schema,
  tokenizer: Tokenizer,
  stopTokens: readonly number[],
): ConstraintSpec {
  if (!isByteLevel(tokenizer.json)) {
    throw new QuerentError(
      'prompts/no-byte-level-tokenizer',
      'the schema constraint needs a byte-level tokenizer (as of Qwen, Llama 3 and Mistral Nemo), and this model has another kind',
      { next: 'Set chat.schemaConstraint to false for this model.' },
    );
  }
  const vocabulary = packVocabulary(tokenBytes(tokenizer));
  const { dialect } = schema;
  const tables = schema.tables.map(
    ({ name, columns }) => [name, columns.map((column) => column.name)] as const,
  );
  const options: SchemaConstraintOptions = {
    schema: { dialect, tables },
    vocabulary,
    vocabularyId: digest(vocabulary.bytes, new Uint8Array(vocabulary.starts.buffer)),
    schemaId: digest(JSON.stringify([dialect, tables])),
    stopTokens,
  };
  return { moduleUrl: constraintModuleUrl, exportName: 'createSchemaConstraint', options };
}
