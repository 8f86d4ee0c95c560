/**
 * Further examples from those that people wrote: the same sentence with one or two things more in it, one less, about
 * another column, with an opposite or in other words, in words and in SQL.
 * A model that has seen "which suppliers have no signed contract" and "in Munich" learns to put them together. Each pair is
 * executed; broken, slow, empty and order-ambiguous ones are dropped and counted.
 *
 * Source of the idea: data recombination (Jia and Liang 2016, https://aclanthology.org/P16-1002), with conditions from the
 * synthesiser's own words in the place of other examples' entities.
 */
import { ignoreEvents, type Observe } from '../../foundation/events.ts';
import { createRandom } from '../../foundation/random.ts';
import { createLexicon, type Synonyms } from '../../schema/lexicon.ts';
import type { Schema } from '../../schema/schema.ts';
import type { Example } from '../example.ts';
import { createContext, type SynthesisContext } from '../synthesis/context.ts';
import { createJudge, type JudgeOptions } from '../synthesis/judge.ts';
import { turnComparison } from './comparisons.ts';
import { exchangeColumn, renameColumn } from './exchange.ts';
import { addColumn, countRows, type Operation, orderByFigure, type Pair, restrict } from './operations.ts';
import { turnAggregate, turnOrder } from './opposites.ts';
import { dropOutput, swapOutputs } from './outputs.ts';

export interface CompositionOptions extends JudgeOptions {
  readonly schema: Schema;
  readonly synonyms?: Synonyms;
  readonly seed: number;
  readonly examples: readonly Example[];
  /** Variants wanted of each example, and of each time that it is listed; where nothing fits there are fewer. */
  readonly variants: number;
  readonly observe?: Observe;
  readonly signal?: AbortSignal;
}

export interface CompositionResult {
  readonly examples: readonly Example[];
  /** Why pairs were dropped, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

const operations: readonly (readonly [Operation, number])[] = [
  [restrict, 4],
  [addColumn, 2],
  [countRows, 0.8],
  [orderByFigure, 1],
  [exchangeColumn, 4],
  [renameColumn, 2],
  [turnOrder, 2],
  [turnComparison, 2],
  [turnAggregate, 2],
  [swapOutputs, 3],
  [dropOutput, 2],
];
const attempts = 8;
const twiceChance = 0.25;
const batchSize = 1200;

function varied(context: SynthesisContext, pair: Pair): Pair | undefined {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const [operation] = context.random.pickWeighted(operations, ([, weight]) => weight);
    const made = operation(context, pair);
    if (made !== undefined) return made;
  }
  return undefined;
}

function compose(context: SynthesisContext, example: Example): Pair | undefined {
  const once = varied(context, example);
  if (once === undefined || !context.random.chance(twiceChance)) return once;
  return varied(context, once) ?? once;
}

function toExample(source: Example, { question, sql }: Pair, variant: number): Example {
  const { id, databaseId, tags } = source;
  return Object.freeze({
    id: `${id}/${variant}`,
    question,
    sql,
    databaseId,
    tags: [...tags, 'part:composed'],
  });
}

/** Each example's variants depend on the seed, on the example and on how often it came before, not on other examples. */
export async function composeExamples(options: CompositionOptions): Promise<CompositionResult> {
  const { schema, synonyms, seed, examples, variants } = options;
  const observe = options.observe ?? ignoreEvents;
  const lexicon = createLexicon(schema, synonyms);
  const base = createContext(lexicon, createRandom(seed));
  const random = createRandom(seed).fork('compose');
  const judge = createJudge(options);
  const asked = new Set(examples.map(({ question }) => question.toLowerCase()));
  const dropped: Record<string, number> = {};
  const drop = (reason: string): void => {
    dropped[reason] = (dropped[reason] ?? 0) + 1;
  };
  const kept: Example[] = [];
  const timesListed = new Map<string, number>();
  for (let start = 0; start < examples.length; start += batchSize) {
    options.signal?.throwIfAborted();
    const candidates: Example[] = [];
    for (const example of examples.slice(start, start + batchSize)) {
      const name = `${example.id}/${example.question}`;
      const before = timesListed.get(name) ?? 0;
      timesListed.set(name, before + 1);
      const context = { ...base, random: random.fork(before === 0 ? name : `${name}/${before}`) };
      for (let variant = before * variants + 1; variant <= (before + 1) * variants; variant++) {
        const pair = compose(context, example);
        const key = pair?.question.toLowerCase();
        if (pair === undefined || key === undefined) drop('nothing to add');
        else if (asked.has(key)) drop('duplicate');
        else {
          asked.add(key);
          candidates.push(toExample(example, pair, variant));
        }
      }
    }
    const reasons = await judge(candidates.map(({ sql }) => sql));
    candidates.forEach((candidate, i) => {
      const reason = reasons[i];
      if (reason === undefined) kept.push(candidate);
      else drop(reason);
    });
    const done = Math.min(examples.length, start + batchSize);
    observe({
      type: 'progress',
      stage: 'compose',
      label: 'hand-written examples',
      done,
      total: examples.length,
    });
  }
  return { examples: kept, dropped };
}
