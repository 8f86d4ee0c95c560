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
import { distinctFrames, sortedFrames } from '../frames/distinct-sorted.ts';
import { attributesFrames, listFrames, withParentFrames } from '../frames/lists.ts';
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
  frames: listFrames,
  build: (context) => {
    const facts = anyTable(context);
    const phrase = nounPhrase(context, facts, { mayFront: true });
    const sql = renderSelect({ columns: labelMarks(facts), ...fromPhrase(phrase) });
    const isPerson = context.lexicon.table(facts.table.name).isPerson;
    const only = phrase.filters.length === 1 ? phrase.filters[0] : undefined;
    const verbal =
      only?.after !== undefined &&
      /^(in|on|at|from|working|based|assigned|reporting|under|managing|leading|managed|staffed)\b/.test(
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
  frames: attributesFrames,
  build: (context) => {
    const facts = anyTable(context);
    const { random, lexicon } = context;
    const attributes = random.shuffle(attributesOf(context, facts)).slice(0, 2);
    if (attributes.length < 2) return undefined;
    const withTwo = random.chance(0.35);
    const chosen = withTwo ? attributes : attributes.slice(0, 1);
    const phrase = nounPhrase(context, facts, { mayFront: true, avoid: chosen.map((column) => column.name) });
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
  frames: withParentFrames,
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
  frames: distinctFrames,
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
  frames: sortedFrames,
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
