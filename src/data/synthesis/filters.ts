/**
 * Conditions on one table's own columns: SQL with column marks, and the words for it before or after the noun.
 * Conditions that reach into other tables are in `related-filters.ts`.
 */
import type { Column } from '../../schema/schema.ts';
import { isPluralNoun, pluralOf, withArticle } from '../../schema/words.ts';
import {
  markBraces,
  pickPhrase,
  roundBetween,
  type SynthesisContext,
  sampleText,
  sayNumber,
  type TableFacts,
} from './context.ts';
import { dateFilter } from './date-filters.ts';
import type { Filter } from './filter.ts';
import {
  atLeastWords,
  atMostWords,
  fillValue,
  lessWords,
  moreWords,
  sayBefore,
  sayPlain,
  sayValue,
} from './saying.ts';
import { col, renderSelect, textLiteral } from './select.ts';

type FilterMaker = (context: SynthesisContext, facts: TableFacts) => Filter | undefined;

function valueLiteral(column: Column, value: string | number): string {
  return typeof value === 'number' || column.kind === 'integer' ? String(value) : textLiteral(value);
}

function categoryValue(context: SynthesisContext, column: Column): string | number | undefined {
  if (column.kind === 'text') return sampleText(context, column);
  const numbers = column.sampleValues.filter((value): value is number => typeof value === 'number');
  return numbers.length === 0 ? undefined : context.random.pick(numbers);
}

const categoryEquals: FilterMaker = (context, facts) => {
  if (facts.categories.length === 0) return undefined;
  const { random } = context;
  const column = random.pick(facts.categories);
  const value = categoryValue(context, column);
  if (value === undefined) return undefined;
  const words = context.lexicon.column(facts.table.name, column.name);
  const sql = `${col(facts.table.name, column.name)} = ${valueLiteral(column, value)}`;
  const uses = [column.name];
  const heads = words.valueNouns?.[String(value)];
  if (heads !== undefined && random.chance(0.7)) {
    const plural = random.pick(heads);
    return { sql, head: [plural.replace(/s$/, ''), plural], uses };
  }
  const said = sayValue(context, facts, column, value);
  const phrase = pickPhrase(
    context,
    words.valueAfter ?? [
      `with ${words.nouns[0]} {v}`,
      `whose ${words.nouns[0]} is {v}`,
      `in ${words.nouns[0]} {v}`,
      `with {v} as ${words.nouns[0]}`,
    ],
  )!;
  const after = fillValue(phrase, said, sayPlain(context, value));
  if (words.adjective === true && random.chance(0.55))
    return { sql, before: sayBefore(said, words.values?.[String(value)]), apart: after, uses };
  return { sql, after, uses };
};

const categoryEither: FilterMaker = (context, facts) => {
  if (facts.categories.length === 0) return undefined;
  const column = context.random.pick(facts.categories);
  const first = categoryValue(context, column);
  const second = categoryValue(context, column);
  if (first === undefined || second === undefined || first === second) return undefined;
  const words = context.lexicon.column(facts.table.name, column.name);
  const list = [first, second].map((value) => valueLiteral(column, value)).join(', ');
  const said = [first, second].map((value) => (typeof value === 'number' ? String(value) : value));
  const either = context.random.pick([
    `${said[0]} or ${said[1]}`,
    `either ${said[0]} or ${said[1]}`,
    `${said[0]} and ${said[1]}`,
  ]);
  const phrase = pickPhrase(context, words.valueAfter ?? [`with ${words.nouns[0]} {v}`])!;
  // Only what ends in the value takes "either … or …", and only places and the like take "Rome and Oslo".
  const isLast = phrase.endsWith('{v}');
  const isPlace = isLast && /^(in|at|from|based in|located in) /.test(phrase);
  const fitting = isPlace || (isLast && !either.includes(' and ')) ? either : `${said[0]} or ${said[1]}`;
  return {
    sql: `${col(facts.table.name, column.name)} IN (${list})`,
    after: phrase.replace(/\ban? \{v\}/, '{v}').replace('{v}', () => fitting),
    uses: [column.name],
  };
};

const categoryNot: FilterMaker = (context, facts) => {
  if (facts.categories.length === 0) return undefined;
  const column = context.random.pick(facts.categories);
  const value = categoryValue(context, column);
  if (value === undefined) return undefined;
  const words = context.lexicon.column(facts.table.name, column.name);
  const said = sayValue(context, facts, column, value);
  const noun = words.nouns[0]!;
  const choices = [
    `outside ${said}`,
    `whose ${noun} is not ${said}`,
    `with ${withArticle(noun)} other than ${said}`,
    `that are not ${said}`,
    `not in ${said}`,
    `except ${said}`,
    `other than ${said}`,
  ];
  const fits =
    words.adjective === true ? choices.slice(1, 4) : [choices[0]!, choices[1]!, choices[2]!, choices[4]!];
  return {
    sql: `${col(facts.table.name, column.name)} <> ${valueLiteral(column, value)}`,
    after: context.random.pick(fits),
    uses: [column.name],
  };
};

const numberCompare: FilterMaker = (context, facts) => {
  const columns = facts.measures.flatMap((measure) => (measure.column === undefined ? [] : [measure.column]));
  if (columns.length === 0) return undefined;
  const { random } = context;
  const column = random.pick(columns);
  const value = roundBetween(
    random,
    Number(column.min ?? 0),
    Math.min(Number(column.max ?? 1), 4 * typicalValue(column)),
  );
  const words = context.lexicon.column(facts.table.name, column.name);
  const mark = col(facts.table.name, column.name);
  const said = sayNumber(random, value);
  const noun = random.pick(words.nouns);
  const uses = [column.name];
  const general = (list: readonly string[]): string => {
    const comparison = random.pick(list);
    const of = isOf(comparison) ? 'of ' : '';
    const verb = isPluralNoun(noun) ? 'are' : 'is';
    return random.pick([
      `with ${withArticle(noun)} ${of}${comparison} ${said}`,
      isPluralNoun(noun) && (of !== '' || /^(over|under|above|below)$/.test(comparison))
        ? `with ${comparison} ${said} ${noun}`
        : `with ${withArticle(noun)} ${of}${comparison} ${said}`,
      `whose ${noun} ${verb} ${comparison} ${said}`,
      `with ${noun} ${of}${comparison} ${said}`,
      `where the ${noun} ${verb} ${comparison} ${said}`,
    ]);
  };
  const roll = random.next();
  if (roll < 0.4) {
    const own =
      words.moreThan !== undefined && random.chance(0.6)
        ? random.pick(words.moreThan).replace('{v}', said)
        : general(moreWords);
    return { sql: `${mark} > ${value}`, after: own, uses };
  }
  if (roll < 0.7) {
    const own =
      words.lessThan !== undefined && random.chance(0.6)
        ? random.pick(words.lessThan).replace('{v}', said)
        : general(lessWords);
    return { sql: `${mark} < ${value}`, after: own, uses };
  }
  if (roll < 0.85)
    return {
      sql: `${mark} >= ${value}`,
      after: random.chance(0.3) ? `with ${noun} of ${said} or more` : general(atLeastWords),
      uses,
    };
  return {
    sql: `${mark} <= ${value}`,
    after: random.chance(0.3) ? `with ${noun} of ${said} or less` : general(atMostWords),
    uses,
  };
};

function isOf(comparison: string): boolean {
  return /^(more|less|at |no |a |up|not (less|more|under|above))/.test(comparison);
}

/** A value in the middle of the column, from the samples. */
function typicalValue(column: Column): number {
  const numbers = column.sampleValues
    .filter((value): value is number => typeof value === 'number')
    .sort((a, b) => a - b);
  return numbers[Math.floor(numbers.length / 2)] ?? Number(column.max ?? 1);
}

const numberBetween: FilterMaker = (context, facts) => {
  const columns = facts.measures.flatMap((measure) => (measure.column === undefined ? [] : [measure.column]));
  if (columns.length === 0) return undefined;
  const { random } = context;
  const column = random.pick(columns);
  const high = Math.min(Number(column.max ?? 1), 4 * typicalValue(column));
  const a = roundBetween(random, Number(column.min ?? 0), high);
  const b = roundBetween(random, Number(column.min ?? 0), high);
  if (a === b) return undefined;
  const [low, top] = a < b ? [a, b] : [b, a];
  const noun = random.pick(context.lexicon.column(facts.table.name, column.name).nouns);
  const [x, y] = [sayNumber(random, low), sayNumber(random, top)];
  const after = random.pick([
    `with ${withArticle(noun)} between ${x} and ${y}`,
    `whose ${noun} ${isPluralNoun(noun) ? 'are' : 'is'} between ${x} and ${y}`,
    `with ${noun} from ${x} to ${y}`,
    `between ${x} and ${y} in ${noun}`,
    `with ${withArticle(noun)} in the range ${x} to ${y}`,
    `with ${noun} ${x}-${y}`,
  ]);
  return {
    sql: `${col(facts.table.name, column.name)} BETWEEN ${low} AND ${top}`,
    after,
    uses: [column.name],
  };
};

const isNull: FilterMaker = (context, facts) => {
  if (facts.nullables.length === 0) return undefined;
  const { random } = context;
  const column = random.pick(facts.nullables);
  const words = context.lexicon.column(facts.table.name, column.name);
  const noun = random.pick(words.nouns);
  const mark = col(facts.table.name, column.name);
  const uses = [column.name];
  if (random.chance(0.7)) {
    const after = random.pick(
      words.isNull ?? [
        `without ${withArticle(noun)}`,
        `with no ${noun}`,
        `whose ${noun} is missing`,
        `that have no ${noun}`,
        `where the ${noun} is empty`,
        `lacking ${withArticle(noun)}`,
        `with unknown ${noun}`,
      ],
    );
    return { sql: `${mark} IS NULL`, after, uses };
  }
  const after = random.pick(
    words.isNotNull ?? [
      `with ${withArticle(noun)}`,
      `that have ${withArticle(noun)}`,
      `whose ${noun} is known`,
      `where the ${noun} is filled in`,
    ],
  );
  return { sql: `${mark} IS NOT NULL`, after, uses };
};

const isTrue: FilterMaker = (context, facts) => {
  if (facts.booleans.length === 0) return undefined;
  const { random } = context;
  const column = random.pick(facts.booleans);
  const words = context.lexicon.column(facts.table.name, column.name);
  const yes = random.chance(0.65);
  const phrases = yes ? words.isTrue : words.isFalse;
  const before = random.pick(phrases ?? [yes ? words.nouns[0]! : `not ${words.nouns[0]}`]);
  return { sql: `${col(facts.table.name, column.name)} = ${yes ? 1 : 0}`, before, uses: [column.name] };
};

const namedCondition: FilterMaker = (context, facts) => {
  const { conditions } = context.lexicon.table(facts.table.name);
  if (conditions.length === 0) return undefined;
  const { random } = context;
  const condition = random.pick(conditions);
  const uses = [...condition.sql.matchAll(/\{([^{}]+)\}/g)].map((match) => match[1]!);
  const sql = markBraces(condition.sql, facts.table.name);
  if (condition.before !== undefined && random.chance(0.35))
    return { sql, before: random.pick(condition.before), uses };
  return condition.after === undefined ? undefined : { sql, after: random.pick(condition.after), uses };
};

const aboveAverage: FilterMaker = (context, facts) => {
  const { random } = context;
  const plain = facts.measures.filter((measure) => measure.column !== undefined);
  if (plain.length === 0) return undefined;
  const measure = random.pick(plain);
  const noun = random.pick(measure.nouns);
  const isAbove = random.chance(0.7);
  const word = isAbove
    ? random.pick(['above', 'higher than', 'over', 'greater than', 'more than'])
    : random.pick(['below', 'lower than', 'under', 'less than']);
  const after = random.pick([
    `with ${withArticle(noun)} ${word} the average`,
    `whose ${noun} ${isPluralNoun(noun) ? 'are' : 'is'} ${word} the average`,
    `with ${isAbove ? 'above' : 'below'}-average ${noun}`,
    `with ${withArticle(noun)} ${word} the average ${noun}`,
    `with ${isAbove ? 'more' : 'less'} ${noun} than the average`,
    `with ${noun} ${word} the overall mean`,
  ]);
  const name = measure.column!.name;
  const average = `(${renderSelect({ columns: [`AVG(${measure.sql})`], from: facts.table.name })})`;
  return { sql: `${measure.sql} ${isAbove ? '>' : '<'} ${average}`, after, uses: [name] };
};

const labelPattern: FilterMaker = (context, facts) => {
  const column = facts.label[0];
  if (column === undefined || column.kind !== 'text') return undefined;
  const { random } = context;
  const text = sampleText(context, column);
  const word = text === undefined ? undefined : random.pick(text.split(/\s+/));
  if (word === undefined || !/^\p{L}{3,}$/u.test(word)) return undefined;
  const said = random.pick([`"${word}"`, `'${word}'`, word]);
  const mark = col(facts.table.name, column.name);
  if (random.chance(0.7)) {
    const after = random.pick([
      `whose name contains ${said}`,
      `with a name containing ${said}`,
      `that contain ${said} in their name`,
      `whose name includes "${word}"`,
      `with "${word}" in the name`,
      `named like "${word}"`,
      `matching "${word}"`,
    ]);
    return { sql: `${mark} LIKE ${textLiteral(`%${word}%`)}`, after, uses: [column.name] };
  }
  const start = text!.split(/\s+/)[0]!;
  if (!/^\p{L}{3,}$/u.test(start)) return undefined;
  const after = random.pick([
    `whose name starts with "${start}"`,
    `starting with "${start}"`,
    `with names beginning with "${start}"`,
    `whose name begins with ${start}`,
  ]);
  return { sql: `${mark} LIKE ${textLiteral(`${start}%`)}`, after, uses: [column.name] };
};

const ownFilters: readonly (readonly [FilterMaker, number])[] = [
  [categoryEquals, 10],
  [categoryEither, 1.5],
  [categoryNot, 1.2],
  [numberCompare, 5],
  [numberBetween, 1.2],
  [dateFilter, 4],
  [isNull, 2],
  [isTrue, 1.5],
  [namedCondition, 3],
  [aboveAverage, 1],
  [labelPattern, 0.7],
];

/** A random condition on the table's own columns. */
export function ownFilter(context: SynthesisContext, facts: TableFacts): Filter | undefined {
  for (let attempt = 0; attempt < 6; attempt++) {
    const [maker] = context.random.pickWeighted(ownFilters, ([, weight]) => weight);
    const filter = maker(context, facts);
    if (filter !== undefined) return filter;
  }
  return undefined;
}

/** Only a simple "column = value", for places where more would be too much. */
export function simpleFilter(context: SynthesisContext, facts: TableFacts): Filter | undefined {
  return categoryEquals(context, facts) ?? numberCompare(context, facts);
}

/** Plural of the noun for a column's values: "cities". */
export function valuesNoun(context: SynthesisContext, facts: TableFacts, column: Column): string {
  const words = context.lexicon.column(facts.table.name, column.name);
  return context.random.pick(words.plurals ?? words.nouns.slice(0, 1).map(pluralOf));
}
