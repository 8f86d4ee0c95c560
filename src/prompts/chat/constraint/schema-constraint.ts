/**
 * The token constraint of language models: an answer whose ```sql block cannot leave the schema (`answer-lexer.ts`), as masks
 * over a byte-level vocabulary. Runs inside the engine's worker, which imports this module by its URL. A mask is worked out
 * once for each state of the lexer and kept.
 */
import type { TokenConstraint } from '../../../engine/policy.ts';
import {
  type AnswerLexer,
  createAnswerLexer,
  type LexerState,
  lexerKey,
  type RunName,
  runBytes,
} from './answer-lexer.ts';
import type { SchemaNameList } from './schema-names.ts';
import {
  allowedTokens,
  type ByteRun,
  buildTrie,
  byteRun,
  type PackedVocabulary,
  type VocabularyTrie,
} from './vocabulary-trie.ts';

export const constraintModuleUrl = import.meta.url;

export interface SchemaConstraintOptions {
  readonly schema: SchemaNameList;
  readonly vocabulary: PackedVocabulary;
  /** Digests: what is built for a vocabulary or a schema serves later sampling calls too. */
  readonly vocabularyId: string;
  readonly schemaId: string;
  /** They may come once a block of SQL has ended; tokens without bytes that are not among them, never inside it. */
  readonly stopTokens: readonly number[];
}

interface Vocabulary {
  readonly trie: VocabularyTrie;
  readonly runs: Readonly<Record<RunName, ByteRun>>;
}

/** Allowed tokens, as a list where they are few. */
type Mask = Int32Array | Uint8Array;

interface Machine {
  readonly lexer: AnswerLexer;
  readonly masks: Map<string, Mask>;
}

const vocabularies = new Map<string, Vocabulary>();
const machines = new Map<string, Machine>();
const keptMax = 4;
/** 64 MB of bytes: 400 dense masks of 152,000 tokens, or a great many lists. */
const maskBytesMax = 64 * 1024 * 1024;

function keep<Value>(kept: Map<string, Value>, key: string, build: () => Value): Value {
  let value = kept.get(key);
  if (value === undefined) {
    value = build();
    for (const oldest of kept.keys()) if (kept.size >= keptMax) kept.delete(oldest);
    kept.set(key, value);
  }
  return value;
}

function openVocabulary(packed: PackedVocabulary): Vocabulary {
  const trie = buildTrie(packed);
  const runs = Object.fromEntries(
    Object.entries(runBytes).map(([name, isInside]) => [name, byteRun(trie, isInside)]),
  ) as Record<RunName, ByteRun>;
  return { trie, runs };
}

function toMask(tokens: readonly number[], size: number): Mask {
  if (tokens.length * 16 < size) return Int32Array.from(tokens);
  const dense = new Uint8Array(size);
  for (const token of tokens) dense[token] = 1;
  return dense;
}

export function createSchemaConstraint(options: SchemaConstraintOptions): TokenConstraint {
  const { vocabulary: packed, stopTokens } = options;
  const { bytes, starts } = packed;
  const { trie, runs } = keep(vocabularies, options.vocabularyId, () => openVocabulary(packed));
  const machineId = `${options.vocabularyId} ${options.schemaId} ${stopTokens.join()}`;
  const { lexer, masks } = keep(machines, machineId, () => ({
    lexer: createAnswerLexer(options.schema),
    masks: new Map<string, Mask>(),
  }));
  let maskBytes = 0;

  const automaton = {
    step: lexer.step,
    runOf: (state: LexerState) => {
      const name = lexer.runOf(state);
      return name === undefined ? undefined : runs[name];
    },
  };
  const maskOf = (state: LexerState): Mask => {
    const key = lexerKey(state);
    let mask = masks.get(key);
    if (mask !== undefined) return mask;
    const tokens: number[] = [];
    allowedTokens(trie, automaton, state, (token) => tokens.push(token));
    if (state.mode === 'text') {
      for (let token = 0; token < trie.size; token++) {
        if (starts[token] === starts[token + 1] && !stopTokens.includes(token)) tokens.push(token);
      }
      if (state.isAnswered) tokens.push(...stopTokens);
    }
    // A vocabulary without some byte may leave no way on: the answer then ends, and is seen to be cut off.
    if (tokens.length === 0) tokens.push(...stopTokens);
    mask = toMask(tokens, trie.size);
    maskBytes += mask.byteLength;
    if (maskBytes > maskBytesMax) {
      masks.clear();
      maskBytes = mask.byteLength;
    }
    masks.set(key, mask);
    return mask;
  };
  const startOf = (promptTokens: Int32Array): LexerState => {
    const tail = [...promptTokens.subarray(-8)].map((token) =>
      Buffer.from(bytes.subarray(starts[token] ?? 0, starts[token + 1] ?? 0)),
    );
    // The beginning of the answer may be given.
    return /```sql(?:ite)?\s+$/i.test(Buffer.concat(tail).toString('latin1'))
      ? lexer.startOfBlock
      : lexer.start;
  };

  return {
    start: startOf,
    mask: (state, allowed_V) => {
      const mask = maskOf(state as LexerState);
      allowed_V.fill(0);
      if (mask instanceof Uint8Array) allowed_V.set(mask);
      else for (const token of mask) allowed_V[token] = 1;
    },
    advance: (state, token) => {
      let next = state as LexerState;
      for (let at = starts[token]!; at < starts[token + 1]!; at++) {
        const after = lexer.step(next, bytes[at]!);
        // Only where no mask was heeded.
        if (after === undefined) return lexer.start;
        next = after;
      }
      return next;
    },
  };
}
