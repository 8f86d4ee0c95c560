/**
 * What holding a language model to the schema costs: milliseconds a token for mask and step, over the gold answers of Spider
 * dev, in a vocabulary of Qwen's size (151,936 byte-level tokens: the pieces of the texts beside the checkout, filled up with
 * made ones). Once as every statement is met first, once again with the masks kept. No baseline: without it, it costs nothing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/foundation/files.ts';
import { createRandom } from '../src/foundation/random.ts';
import { createSchemaConstraint } from '../src/prompts/chat/constraint/schema-constraint.ts';
import { packVocabulary } from '../src/prompts/chat/constraint/vocabulary-trie.ts';
import { type BenchOptions, type Measurement, median } from './harness.ts';

const suite = 'constraint';
const spider = join(packageRoot(), '..', 'shared', 'data', 'spider');
const stopToken = 0;

function vocabularyOf(size: number, text: string): string[] {
  const tokens = new Set(['<stop>', ...Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte))]);
  const random = createRandom(1);
  for (const [word] of text.matchAll(/ ?[A-Za-z]+| ?[^\sA-Za-z0-9]+|\s+/g)) {
    if (tokens.size < size / 2) tokens.add(word.slice(0, 12));
  }
  while (tokens.size < size) {
    const letters = Array.from({ length: 2 + random.int(7) }, () => String.fromCharCode(97 + random.int(26)));
    tokens.add(`${random.next() < 0.5 ? ' ' : ''}${letters.join('')}`);
  }
  return [...tokens];
}

/** The longest token first, as a trained tokenizer mostly does. */
function encode(text: string, ids: ReadonlyMap<string, number>): number[] {
  const bytes = Buffer.from(text).toString('latin1');
  const tokens: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    let length = 14;
    while (!ids.has(bytes.slice(at, at + length))) length -= 1;
    tokens.push(ids.get(bytes.slice(at, at + length))!);
    at += Math.min(length, bytes.length - at);
  }
  return tokens;
}

interface Listed {
  readonly db_id: string;
  readonly table_names_original: readonly string[];
  readonly column_names_original: readonly (readonly [number, string])[];
}

export async function* run(options: BenchOptions): AsyncGenerator<Measurement> {
  if (!existsSync(spider)) {
    options.log('constraint: skipped, Spider is not beside the checkout');
    return;
  }
  const json = (name: string): unknown => JSON.parse(readFileSync(join(spider, name), 'utf8'));
  const gold = (json('dev.json') as { db_id: string; query: string }[]).filter(
    (_, i) => i % (options.quick ? 40 : 4) === 0,
  );
  const listed = new Map((json('tables.json') as Listed[]).map((one) => [one.db_id, one]));
  const size = options.quick ? 8_000 : 151_936;
  const words = vocabularyOf(
    size,
    readFileSync(join(spider, 'train_spider.jsonl'), 'utf8').slice(0, 4_000_000),
  );
  const ids = new Map(words.map((word, id) => [word, id] as const).filter(([, id]) => id !== stopToken));
  const vocabulary = packVocabulary(
    words.map((word, id) => (id === stopToken ? undefined : Buffer.from(word, 'latin1'))),
  );
  const opened = performance.now();
  const constraintOf = (id: string) => {
    const { table_names_original: names, column_names_original: columns } = listed.get(id)!;
    const tables = names.map(
      (name, at) => [name, columns.filter(([table]) => table === at).map(([, column]) => column)] as const,
    );
    return createSchemaConstraint({
      schema: { dialect: 'sqlite', tables },
      vocabulary,
      vocabularyId: 'bench',
      schemaId: id,
      stopTokens: [stopToken],
    });
  };
  constraintOf(gold[0]!.db_id);
  const openMs = performance.now() - opened;
  const allowed_V = new Uint8Array(size);
  const passes: number[][] = [[], []];
  let blocked = 0;
  for (const id of new Set(gold.map(({ db_id }) => db_id))) {
    const asked = gold.filter(({ db_id }) => db_id === id);
    const constraint = constraintOf(id);
    for (const times of passes) {
      for (const { query } of asked) {
        let state = constraint.start(Int32Array.of());
        for (const token of encode(`\`\`\`sql\n${query}\n\`\`\``, ids)) {
          const began = performance.now();
          allowed_V.fill(1);
          constraint.mask(state, allowed_V);
          if (allowed_V[token] === 0) blocked += 1;
          state = constraint.advance(state, token);
          times.push(performance.now() - began);
        }
      }
    }
  }
  const mean = (times: readonly number[]): number => times.reduce((sum, ms) => sum + ms, 0) / times.length;
  const common = { suite, unit: 'ms', baseline: null, ratio: null, baselineName: 'nothing to compare with' };
  for (const [name, times] of [
    ['token, met first', passes[0]!],
    ['token, met again', passes[1]!],
  ] as const) {
    const sorted = [...times].sort((a, b) => a - b);
    const details = {
      vocabulary: size,
      tokens: times.length,
      blocked,
      median: median(times),
      p99: sorted[Math.floor(0.99 * sorted.length)],
    };
    yield { ...common, name, value: mean(times), details };
  }
  yield { ...common, name: 'opening a vocabulary', value: openMs, details: { vocabulary: size } };
}
