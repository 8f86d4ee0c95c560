/** Lists of things, their attributes, with their parents, distinct values, sorted lists. */

import type { Column } from '../../../schema/schema.ts';
import { pluralOf } from '../../../schema/words.ts';
import {
  anyTable,
  labelMarks,
  relationsToParents,
  type SynthesisContext,
  type TableFacts,
} from '../context.ts';
import { valuesNoun } from '../filters.ts';
import { fromPhrase, nounPhrase } from '../noun-phrase.ts';
import { joinToParent } from '../related-filters.ts';
import { col, renderSelect } from '../select.ts';
import { type Intent, phraseSlots } from './intent.ts';

/** Columns worth asking for: not keys, not the label. */
export function attributesOf(context: SynthesisContext, facts: TableFacts): Column[] {
  const { table } = facts;
  return table.columns.filter((column) => {
    const isKey =
      table.foreignKeys.some((key) => key.columns.includes(column.name)) ||
      (table.primaryKey.includes(column.name) && column.kind !== 'text');
    const skipped =
      context.lexicon.column(table.name, column.name).skip === true ||
      column.kind === 'blob' ||
      column.kind === 'boolean';
    return !isKey && !skipped && !facts.label.includes(column);
  });
}

export const listNames: Intent = {
  name: 'list',
  weight: 11,
  frames: {
    thing: [
      'which {np}',
      'list {np}',
      'show me all {np}',
      'what are the {np}',
      'give me the {np}',
      'what {np} do we have',
      'which {np} are there',
      '{np}',
      'names of the {np}',
      'find {np}',
      'show {np}',
      'list all {np}',
      'i need a list of {np}',
      'which {np} do we have',
      "i'm looking for {np}",
      'can you pull up the {np}',
      'get me every {np1}',
      'what are the names of the {np}',
      'tell me which {np} we have',
      'give me a list of all {np}',
      'are there {np} and which ones',
      'display all {np}',
      'i want to see the {np}',
      'name all {np}',
      'let me see {np}',
      'show every {np1}',
      'pull a list of {np} please',
      'do you have the names of all {np}',
    ],
    person: [
      'who are the {np}',
      'who are our {np}',
      'which {np} do we have',
      'list the {np}',
      'name the {np}',
      'show me the {np}',
      'who are all the {np}',
      'give me names of {np}',
      '{np}',
      'tell me who the {np} are',
    ],
    who: [
      'who is {after}',
      'who is currently {after}',
      'list everyone {after}',
      'everybody {after}',
      'which people are {after}',
      'show everyone {after}',
      'who do we have {after}',
      'all people {after}',
      'anyone {after}',
      'who is there {after}',
    ],
  },
  build: (context) => {
    const facts = anyTable(context);
    const phrase = nounPhrase(context, facts);
    const sql = renderSelect({ columns: labelMarks(facts), ...fromPhrase(phrase) });
    const isPerson = context.lexicon.table(facts.table.name).isPerson;
    const only = phrase.filters.length === 1 ? phrase.filters[0] : undefined;
    const verbal =
      only?.after !== undefined &&
      /^(in|on|at|from|working|based|assigned|reporting|under|managing|leading|with|managed|staffed)\b/.test(
        only.after,
      );
    if (isPerson && verbal && context.random.chance(0.5))
      return { variant: 'who', slots: { after: only!.after! }, sql };
    const variant = isPerson && context.random.chance(0.4) ? 'person' : 'thing';
    return { variant, slots: phraseSlots(phrase), sql, front: phrase.front };
  },
};

export const listAttributes: Intent = {
  name: 'attributes',
  weight: 6,
  frames: {
    one: [
      '{attr} of {np}',
      'what is the {attr} of {np}',
      'show the {attr} of all {np}',
      'give me the {attr} for {np}',
      'list the {attr} of {np}',
      'the {attr} for each of the {np} please',
      'what {attr} do the {np} have',
      'get the {attr} of every {np1}',
      'i need the {attr} of {np}',
      'tell me the {attr} of the {np}',
    ],
    named: [
      '{np} with their {attr}',
      'show {np} with their {attr}',
      'list {np} and their {attr}',
      'names and {attr} of {np}',
      'name and {attr} of all {np}',
      'which {np} are there and what is their {attr}',
      'give me {np} along with the {attr}',
      'show each {np1} with its {attr}',
      '{np} incl. {attr}',
      'list the name and {attr} of {np}',
      'what are the names and the {attr} of {np}',
      'i need {np} including their {attr}',
      'for all {np} show name and {attr}',
      '{np} plus {attr}',
    ],
    two: [
      '{attr} and {attr2} of {np}',
      'what are the {attr} and {attr2} of {np}',
      'show {attr} and {attr2} for {np}',
      'give me {attr} as well as {attr2} of {np}',
      'list {attr} and {attr2} of all {np}',
      '{attr}, {attr2} for {np}',
    ],
    namedTwo: [
      '{np} with {attr} and {attr2}',
      'show name, {attr} and {attr2} of {np}',
      'list {np} with their {attr} and {attr2}',
      'names, {attr} and {attr2} of {np}',
      'for {np} give me the name, the {attr} and the {attr2}',
      'show {np} together with {attr} and {attr2}',
    ],
  },
  build: (context) => {
    const facts = anyTable(context);
    const { random, lexicon } = context;
    const attributes = random.shuffle(attributesOf(context, facts)).slice(0, 2);
    if (attributes.length < 2) return undefined;
    const withTwo = random.chance(0.35);
    const chosen = withTwo ? attributes : attributes.slice(0, 1);
    const phrase = nounPhrase(context, facts, { avoid: chosen.map((column) => column.name) });
    const named = random.chance(0.6);
    const marks = chosen.map((column) => col(facts.table.name, column.name));
    const sql = renderSelect({
      columns: [...(named ? labelMarks(facts) : []), ...marks],
      ...fromPhrase(phrase),
    });
    const [attr, attr2] = attributes.map((column) =>
      random.pick(lexicon.column(facts.table.name, column.name).nouns),
    );
    const variant = named ? (withTwo ? 'namedTwo' : 'named') : withTwo ? 'two' : 'one';
    return {
      variant,
      slots: { ...phraseSlots(phrase), attr: attr!, attr2: attr2! },
      sql,
      front: phrase.front,
    };
  },
};

/** Each row with its parent's name. */
export const withParent: Intent = {
  name: 'with-parent',
  weight: 3,
  frames: {
    two: [
      '{np} with their {role}',
      'show {np} and their {role}',
      'list {np} together with the {role}',
      'each {np1} with its {role}',
      'which {role} belongs to which of the {np}',
      'give me {np} and the {role} of each',
      '{np} and {role}',
      'names of {np} with the name of the {role}',
      'for {np} show the {role}',
      'show every {np1} along with its {role}',
    ],
    three: [
      '{np} with their {role} and {attr}',
      'list {np} with {attr} and {role}'.replace('{attr} and {role}', '{role} and {attr}'),
      'show {np}, the {role} and the {attr}',
      'give me {np} including {role} and {attr}',
    ],
  },
  build: (context) => {
    const { random, lexicon } = context;
    const facts = anyTable(context);
    const relations = relationsToParents(context, facts.table.name).filter(
      (relation) => relation.parent.name !== facts.table.name,
    );
    if (relations.length === 0) return undefined;
    const relation = random.pick(relations);
    const parent = context.facts.get(relation.parent.name)!;
    const phrase = nounPhrase(context, facts, { ownOnly: random.chance(0.8), noJoins: true });
    const attributes = attributesOf(context, facts);
    const third = attributes.length > 0 && random.chance(0.3) ? random.pick(attributes) : undefined;
    const columns = [
      ...labelMarks(facts),
      ...labelMarks(parent),
      ...(third === undefined ? [] : [col(facts.table.name, third.name)]),
    ];
    const sql = renderSelect({
      ...fromPhrase(phrase),
      columns,
      joins: [joinToParent(relation), ...phrase.joins],
    });
    const role = random.pick(relation.words.role ?? [lexicon.table(parent.table.name).nouns[0]![0]]);
    const attr = third === undefined ? '' : random.pick(lexicon.column(facts.table.name, third.name).nouns);
    return {
      variant: third === undefined ? 'two' : 'three',
      slots: { ...phraseSlots(phrase), role, attr },
      sql,
    };
  },
};

export const distinctValues: Intent = {
  name: 'distinct',
  weight: 3,
  frames: {
    list: [
      'which {values} do {np} have',
      'what {values} exist among {np}',
      'list the different {values} of {np}',
      'distinct {values} of {np}',
      'all {values} of {np}',
      'what are the {values} of {np}',
      'in which {values} do we have {np}',
      'which different {values} occur for {np}',
      'show the unique {values} of {np}',
      'what {values} are used for {np}',
      'what kinds of {values} do {np} have',
      'give me the various {values} of {np}',
    ],
    count: [
      'how many different {values} do {np} have',
      'number of distinct {values} of {np}',
      'how many {values} are there among {np}',
      'count the different {values} of {np}',
      'in how many {values} do we have {np}',
      'across how many {values} are {np} spread',
      'how many unique {values} for {np}',
      'how many distinct {values} occur in {np}',
    ],
  },
  build: (context) => {
    const facts = anyTable(context);
    if (facts.categories.length === 0) return undefined;
    const column = context.random.pick(facts.categories);
    const phrase = nounPhrase(context, facts, { avoid: [column.name] });
    const values = valuesNoun(context, facts, column);
    const mark = col(facts.table.name, column.name);
    const counted = context.random.chance(0.35);
    const sql = counted
      ? renderSelect({ columns: [`COUNT(DISTINCT ${mark})`], ...fromPhrase(phrase) })
      : renderSelect({
          distinct: true,
          columns: [mark],
          ...fromPhrase(phrase),
          where: [...phrase.where, ...(column.nullCount > 0 ? [`${mark} IS NOT NULL`] : [])],
        });
    return { variant: counted ? 'count' : 'list', slots: { ...phraseSlots(phrase), values }, sql };
  },
};

export const sortedList: Intent = {
  name: 'sorted',
  weight: 3,
  frames: {
    down: [
      '{np} sorted by {attr} descending',
      'list {np} from highest to lowest {attr}',
      '{np} ordered by {attr}, highest first',
      'show {np} by {attr} descending',
      'sort {np} by {attr}, largest first',
      '{np} ranked by {attr}',
      '{np} in descending order of {attr}',
      'order the {np} by {attr} from high to low',
    ],
    up: [
      '{np} sorted by {attr}',
      'list {np} from lowest to highest {attr}',
      '{np} ordered by {attr}, lowest first',
      'show {np} by {attr} ascending',
      'sort {np} by {attr}',
      '{np} in ascending order of {attr}',
      'order the {np} by {attr} from low to high',
    ],
    newest: [
      '{np}, newest first by {attr}',
      'list {np} with the most recent {attr} first',
      '{np} by {attr}, latest first',
      'show {np} sorted by {attr}, newest first',
      '{np} from newest to oldest {attr}',
    ],
    alphabetical: [
      '{np} in alphabetical order',
      'list {np} alphabetically',
      '{np} sorted by name',
      'show {np} ordered by name',
      'alphabetical list of {np}',
      '{np} a to z',
    ],
  },
  build: (context) => {
    const { random, lexicon } = context;
    const facts = anyTable(context);
    const label = labelMarks(facts);
    const roll = random.next();
    if (roll < 0.25 && facts.label[0]!.kind === 'text') {
      const phrase = nounPhrase(context, facts);
      return {
        variant: 'alphabetical',
        slots: phraseSlots(phrase),
        sql: renderSelect({ columns: label, ...fromPhrase(phrase), orderBy: label }),
      };
    }
    const byDate = roll < 0.45 && facts.dates.length > 0;
    const columns = byDate
      ? facts.dates
      : facts.measures.flatMap((measure) => (measure.column === undefined ? [] : [measure.column]));
    if (columns.length === 0) return undefined;
    const column = random.pick(columns);
    const phrase = nounPhrase(context, facts, { avoid: [column.name] });
    const down = byDate || random.chance(0.55);
    const sql = renderSelect({
      columns: label,
      ...fromPhrase(phrase),
      orderBy: [`${col(facts.table.name, column.name)}${down ? ' DESC' : ''}`],
    });
    const attr = random.pick(lexicon.column(facts.table.name, column.name).nouns);
    return {
      variant: byDate ? 'newest' : down ? 'down' : 'up',
      slots: { ...phraseSlots(phrase), attr },
      sql,
    };
  },
};

export function pluralNoun(context: SynthesisContext, table: string): string {
  return context.lexicon.table(table).nouns[0]?.[1] ?? pluralOf(table);
}
