/**
 * The prompt format of the embedded model. A question becomes lower-case words in which every linked value is a typed
 * placeholder (`how many projects in [city] <v3>`), the completion is SQL in words with the same placeholders.
 * It does not know the model; it knows a tokenizer, the values of one database and the date that "today" means.
 */
import { z } from 'zod';
import type { ConstraintSpec } from '../../engine/policy.ts';
import type { Tokenizer } from '../../engine/tokenizer/tokenizer.ts';
import type { Random } from '../../foundation/random.ts';
import { type LinkedQuestion, linkQuestion } from '../../schema/link/link.ts';
import { facetsOf, type LinkedValue } from '../../schema/link/linked-value.ts';
import { nearestOf } from '../../schema/link/spelling.ts';
import type { ValueIndex } from '../../schema/link/value-index.ts';
import type { Completion, PreparedPrompt, PromptFormat } from '../prompt-format.ts';
import { withImpliedFrom, withoutImpliedFrom } from './implied-from.ts';
import { addNoise } from './noise.ts';
import { canBeWritten, fuseWords, joinSqlWords, partWords, sqlWords } from './sql-words.ts';
import { type BoundValue, misuseNats } from './value-use.ts';
import { createWordMerger } from './word-merges.ts';

export const placeholderCount = 10;
/** Training asks for the same questions again and again, each time with other noise. */
const linkedQuestionsMax = 100_000;
/**
 * Nats. The least probable right answer among 32 draws of each of 210 development questions had -16.3 (docs/experiments.md);
 * what is less probable than this wanders on to the longest answer.
 */
const hopeless = -30;
export const placeholders: readonly string[] = Array.from({ length: placeholderCount }, (_, i) => `<v${i}>`);

/** What a checkpoint keeps beside the tokenizer, so that the same database gives the same prompts. */
export const compactSettingsSchema = z.strictObject({
  format: z.literal('compact'),
  databaseId: z.string(),
  schemaHash: z.string(),
  lexicalLimit: z.int().min(0),
  today: z.string().optional(),
  /** Other words for values: `Table.Column` -> value -> phrases. */
  aliases: z.record(z.string(), z.record(z.string(), z.array(z.string()))).default({}),
  /** Phrases whose words are not values there. */
  phrases: z.array(z.string()).default([]),
  /** Words that questions are known to use; others are mended or spelled in pieces. */
  questionWords: z.array(z.string()),
  /** Tokens that completions are made of. */
  sqlWords: z.array(z.string()),
  /**
   * Values whose words may mean something else ("client", "blocked"): how often the training examples that mention one
   * do without it, [0, 1]. One that is not here may be left out.
   */
  leftOut: z.record(z.string(), z.number()).default({}),
  /** Pairs of words that completions write as one, in order (`word-merges.ts`). */
  merges: z.array(z.string()).default([]),
  /** Whether completions leave out a FROM clause that their columns imply (`implied-from.ts`). */
  impliedFrom: z.boolean().default(false),
  /** Columns named in front of a placeholder, at most. */
  typeWordsMax: z.int().min(1).default(3),
  /** `table.column` whose values are linked, in lower case; absent: all. */
  linkedColumns: z.array(z.string()).optional(),
  /** Whether people write names without capitals here. */
  lowerCaseNames: z.boolean().default(false),
});
export type CompactSettings = z.infer<typeof compactSettingsSchema>;

/** Which value each placeholder stands for. */
export interface CompactBindings {
  readonly question: string;
  /** `values[i]` is the value of placeholder `slots[i]`. */
  readonly values: readonly LinkedValue[];
  readonly slots: readonly number[];
  /** How often the question mentions `values[i]`. */
  readonly mentions: readonly number[];
  /** Whether the words of `values[i]` mean something else as well. */
  readonly areWords: readonly boolean[];
}

/** The type words in front of a placeholder: the names of the columns that hold the value, or what kind of number it is. */
export function valueTypeWords(value: LinkedValue, max: number): string[] {
  if (value.kind === 'number') return [value.isPercent ? '[percent]' : '[number]'];
  if (value.kind !== 'text') return [`[${value.kind}]`];
  const names = [
    ...new Set(value.columns.map((column) => column.slice(column.lastIndexOf('.') + 1).toLowerCase())),
  ];
  return names.length === 0
    ? ['[text]']
    : names
        .sort()
        .slice(0, max)
        .map((name) => `[${name.replaceAll(/\s+/g, '_')}]`);
}

export interface CompactFormatOptions {
  readonly settings: CompactSettings;
  readonly tokenizer: Tokenizer;
  readonly valueIndex: ValueIndex;
  readonly constraint?: ConstraintSpec;
  /** Names of the tables, to tell `table.column` from `alias.column`. */
  readonly tableNames?: readonly string[];
}

/** Words of a linked question for the tokenizer; also used to gather the vocabulary, before there is a tokenizer. */
export function promptWords(
  linked: LinkedQuestion,
  typeWordsMax: number,
  random?: Random,
): { words: string[]; bindings: CompactBindings } {
  const values = linked.values.slice(0, placeholderCount);
  const all = placeholders.map((_, i) => i);
  const slots = (random === undefined ? all : random.shuffle(all)).slice(0, values.length);
  const words = linked.pieces.flatMap((piece) => {
    if (piece.kind === 'word') return [piece.text];
    const value = linked.values[piece.index]!;
    const slot = slots[piece.index];
    const typed = [...piece.shown, ...valueTypeWords(value, typeWordsMax)];
    return slot === undefined ? typed : [...typed, placeholders[slot]!];
  });
  const plain = words.filter((word) => !/^[?.!]$/.test(word));
  const pieces = values.map((_, i) =>
    linked.pieces.filter((piece) => piece.kind === 'value' && piece.index === i),
  );
  const mentions = pieces.map((own) => own.length);
  const areWords = pieces.map((own) => own.some((piece) => piece.kind === 'value' && piece.shown.length > 0));
  return {
    words: random === undefined ? plain : addNoise(plain, random).filter((word) => !/^[?.!]$/.test(word)),
    bindings: { question: linked.question, values, slots, mentions, areWords },
  };
}

const facetMemory = new WeakMap<
  LinkedValue,
  { today: string | undefined; facets: ReadonlyMap<string, string> }
>();

function rememberedFacets(value: LinkedValue, today: string | undefined): ReadonlyMap<string, string> {
  const known = facetMemory.get(value);
  if (known !== undefined && known.today === today) return known.facets;
  const facets = facetsOf(value, today);
  facetMemory.set(value, { today, facets });
  return facets;
}

/** Literal -> placeholder words, for every facet of every bound value; values' own forms win over derived ones. */
function literalWords(bindings: CompactBindings, today: string | undefined): Map<string, string> {
  const own = new Map<string, string>();
  const derived = new Map<string, string>();
  bindings.values.forEach((value, i) => {
    const slot = placeholders[bindings.slots[i]!]!;
    for (const [facet, literal] of rememberedFacets(value, today)) {
      const target = facet === '' ? own : derived;
      if (!target.has(literal)) target.set(literal, facet === '' ? slot : `${slot} ${facet}`);
    }
  });
  for (const [literal, words] of derived) if (!own.has(literal)) own.set(literal, words);
  return own;
}

/** SQL in words with placeholders; literals that no value gives stay as they are. */
export function completionText(sql: string, bindings: CompactBindings, today: string | undefined): string {
  const byLiteral = literalWords(bindings, today);
  const words = sqlWords(sql).map((word) =>
    word.kind === 'literal' ? (byLiteral.get(word.text) ?? word.text) : word.text,
  );
  return fuseWords(withoutCase(words.join(' '), bindings));
}

/** The words of a label as the question writes them, in whatever case; undefined where it does not. */
function asWritten(label: string, question: string): string | undefined {
  const words = label.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const found = [...question.matchAll(new RegExp(`(?<![\\p{L}\\p{N}])${words}(?![\\p{L}\\p{N}])`, 'giu'))];
  return found.find(([text]) => text === label)?.[0] ?? found[0]?.[0];
}

const label = /(THEN|ELSE) '([A-Za-z][A-Za-z -]*)'/g;

/** A label that the question spells out ("Small below 10k") loses its case: the model sees lower-case words only. */
function withoutCase(text: string, { question }: CompactBindings): string {
  return text.replace(label, (whole, before: string, words: string) =>
    asWritten(words.toLowerCase(), question) === words ? `${before} '${words.toLowerCase()}'` : whole,
  );
}

/** The inverse: a label takes the case of the question, also where the model took it for a value of the database. */
function withCase(sql: string, { question }: CompactBindings): string {
  return sql.replace(
    label,
    (_, before: string, words: string) => `${before} '${asWritten(words, question) ?? words}'`,
  );
}

/** The inverse of `completionText`; undefined where a placeholder is not bound or has no such facet. */
export function sqlOfCompletion(
  text: string,
  bindings: CompactBindings,
  today: string | undefined,
): string | undefined {
  let ok = true;
  const bySlot = new Map(
    bindings.slots.map((slot, i) => [slot, rememberedFacets(bindings.values[i]!, today)]),
  );
  const filled = partWords(text).replace(
    /<v(\d)>(?: (:[a-z_]+))?/g,
    (_, slot: string, facet: string | undefined) => {
      const literal = bySlot.get(Number(slot))?.get(facet ?? '');
      if (literal === undefined) ok = false;
      return literal ?? 'NULL';
    },
  );
  return ok ? withCase(joinSqlWords(filled), bindings) : undefined;
}

export function createCompactFormat(options: CompactFormatOptions): PromptFormat {
  const { settings, tokenizer, valueIndex } = options;
  const idOf = (token: string): number => tokenizer.tokenToId(token)!;
  const start = idOf('<s>');
  const stop = idOf('</s>');
  const turn = idOf('<sql>');
  const knownWords = new Set(settings.questionWords);
  const longWords = settings.questionWords.filter((word) => word.length >= 4 && /^\p{L}+$/u.test(word));
  const isKnownWord = (key: string): boolean => knownWords.has(key);
  const linked = new Map<string, LinkedQuestion>();
  const link = (question: string): LinkedQuestion => {
    const known = linked.get(question);
    if (known !== undefined) return known;
    const found = linkQuestion(question, valueIndex, { isKnownWord });
    if (linked.size >= linkedQuestionsMax) linked.clear();
    linked.set(question, found);
    return found;
  };
  const mergeWords = createWordMerger(settings.merges);
  const tables = new Set(options.tableNames?.map((name) => name.toLowerCase()));
  const boundValues = ({ values, slots, mentions, areWords }: CompactBindings): BoundValue[] =>
    values.map((value, i) => ({
      value,
      slot: slots[i]!,
      mentions: mentions[i]!,
      leftOut: areWords[i]! ? ((value.kind === 'text' ? settings.leftOut[value.text] : undefined) ?? 1) : 0,
    }));
  const mended = new Map<string, string>();
  const mend = (word: string): string => {
    if (knownWords.has(word) || /^[[<]/.test(word)) return word;
    let better = mended.get(word);
    if (better === undefined) {
      better = nearestOf(word, longWords) ?? word;
      mended.set(word, better);
    }
    return better;
  };

  return {
    id: 'compact',
    stopTokens: [stop],
    minLogprob: hopeless,
    constraint: options.constraint,
    prepare: (question, random): PreparedPrompt => {
      const { words, bindings } = promptWords(link(question), settings.typeWordsMax, random);
      const tokens = tokenizer.encode(words.map(mend).join(' '));
      return { question, promptTokens: Int32Array.from([start, ...tokens, turn]), bindings };
    },
    completionTokens: (sql, prompt) => {
      const bindings = prompt.bindings as CompactBindings;
      const shown = settings.impliedFrom ? withoutImpliedFrom(sql) : sql;
      const text = mergeWords(completionText(shown, bindings, settings.today));
      const back = sqlOfCompletion(text, bindings, settings.today);
      if (back === undefined || !canBeWritten(text)) return undefined;
      return Int32Array.from([...tokenizer.encode(text), stop]);
    },
    parseCompletion: (tokens, prompt): Completion => {
      const stopAt = tokens.indexOf(stop);
      const isComplete = stopAt >= 0;
      const text = tokenizer.decode(isComplete ? tokens.subarray(0, stopAt) : tokens);
      const sql = sqlOfCompletion(text, prompt.bindings as CompactBindings, settings.today) ?? '';
      return { sql: settings.impliedFrom ? withImpliedFrom(sql, tables) : sql, isComplete };
    },
    doubtOf: (tokens, prompt): number => {
      const stopAt = tokens.indexOf(stop);
      const text = tokenizer.decode(stopAt >= 0 ? tokens.subarray(0, stopAt) : tokens);
      return misuseNats(partWords(text), boundValues(prompt.bindings as CompactBindings), tables);
    },
  };
}
