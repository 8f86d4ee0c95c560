/** A noun phrase: rows of one table under some conditions, in SQL and in words ("active projects in Munich"). */
import type { SynthesisContext, TableFacts } from './context.ts';
import type { Filter } from './filter.ts';
import { ownFilter } from './filters.ts';
import { childCountFilter, childFilter, existsFilter, linkFilter, parentFilter } from './related-filters.ts';
import type { Join, Select } from './select.ts';

export interface NounPhrase {
  readonly facts: TableFacts;
  readonly filters: readonly Filter[];
  readonly joins: readonly Join[];
  readonly where: readonly string[];
  readonly plural: string;
  readonly singular: string;
  /** Without the front part, where a filter was moved to the front: "in Munich". */
  readonly front: string | undefined;
}

export interface NounPhraseOptions {
  readonly filterCount?: number;
  /** Columns that the question already speaks of. */
  readonly avoid?: readonly string[];
  /** Only conditions on the table's own columns. */
  readonly ownOnly?: boolean;
  /** No joins (the SELECT will join for another purpose, or group). */
  readonly noJoins?: boolean;
  /** The caller puts `front` in front of the sentence; otherwise no condition is moved there. */
  readonly mayFront?: boolean;
}

const relatedMakers = [
  [parentFilter, 4],
  [childFilter, 2],
  [linkFilter, 2.5],
  [existsFilter, 0.6],
  [childCountFilter, 1],
] as const;

function anyFilter(
  context: SynthesisContext,
  facts: TableFacts,
  options: NounPhraseOptions,
): Filter | undefined {
  if (options.ownOnly === true || context.random.chance(0.7)) return ownFilter(context, facts);
  const makers = options.noJoins === true ? relatedMakers.slice(1) : relatedMakers;
  const [maker] = context.random.pickWeighted(makers, ([, weight]) => weight);
  return maker(context, facts);
}

function conflicts(filter: Filter, taken: readonly Filter[], avoid: readonly string[]): boolean {
  const used = new Set([...taken.flatMap((other) => other.uses), ...avoid]);
  if (filter.uses.some((name) => used.has(name))) return true;
  if (filter.head !== undefined && taken.some((other) => other.head !== undefined)) return true;
  const tables = new Set(taken.flatMap((other) => (other.joins ?? []).map((join) => join.table)));
  return (filter.joins ?? []).some((join) => tables.has(join.table));
}

function filterCount(context: SynthesisContext): number {
  const roll = context.random.next();
  return roll < 0.22 ? 0 : roll < 0.82 ? 1 : roll < 0.98 ? 2 : 3;
}

function singularWords(text: string): string {
  return text
    .replace(/^that are /, 'that is ')
    .replace(/^who are /, 'who is ')
    .replace(/^which are /, 'which is ')
    .replace(/^(that|who) have /, '$1 has ');
}

function assemble(
  filters: readonly Filter[],
  noun: readonly [string, string],
  joiner: string,
): { singular: string; plural: string; front: string | undefined } {
  const before = filters.flatMap((filter) => (filter.before === undefined ? [] : [filter.before]));
  const after = filters.flatMap((filter) => (filter.after === undefined ? [] : [filter.after]));
  const head = filters.find((filter) => filter.head !== undefined)?.head ?? noun;
  const plural = [...before, head[1], after.join(joiner)].filter((part) => part !== '').join(' ');
  const singular = [...before, head[0], after.map(singularWords).join(joiner)]
    .filter((part) => part !== '')
    .join(' ');
  return { singular, plural, front: undefined };
}

/** Random conditions on `facts`; the words and the SQL belong together. */
export function nounPhrase(
  context: SynthesisContext,
  facts: TableFacts,
  options: NounPhraseOptions = {},
): NounPhrase {
  const { random } = context;
  const wanted = options.filterCount ?? filterCount(context);
  const filters: Filter[] = [];
  for (let i = 0; i < wanted; i++) {
    const filter = anyFilter(context, facts, options);
    if (filter !== undefined && !conflicts(filter, filters, options.avoid ?? [])) filters.push(filter);
  }
  const nouns = context.lexicon.table(facts.table.name).nouns;
  const noun = random.chance(0.7) ? nouns[0]! : random.pick(nouns);
  const joiner = random.pick([' ', ' and ', ' and ', ', ', ' ']);
  const words = assemble(filters, noun, joiner);
  const front = options.mayFront === true ? fronted(context, filters) : undefined;
  const shown =
    front === undefined
      ? words
      : assemble(
          filters.filter((filter) => filter !== front),
          noun,
          joiner,
        );
  return {
    facts,
    filters,
    joins: filters.flatMap((filter) => filter.joins ?? []),
    where: filters.map((filter) => filter.sql),
    plural: shown.plural,
    singular: shown.singular,
    front: front?.after,
  };
}

/** Sometimes a condition is named first: "in Munich, which projects …". */
function fronted(context: SynthesisContext, filters: readonly Filter[]): Filter | undefined {
  if (!context.random.chance(0.06)) return undefined;
  return filters.find(
    (filter) => filter.after !== undefined && /^(in|for|at|on|from|during) /.test(filter.after),
  );
}

/** FROM, JOIN and WHERE of a noun phrase, for a SELECT to spread. */
export function fromPhrase(phrase: NounPhrase): Pick<Select, 'from' | 'joins' | 'where'> {
  return { from: phrase.facts.table.name, joins: phrase.joins, where: phrase.where };
}
