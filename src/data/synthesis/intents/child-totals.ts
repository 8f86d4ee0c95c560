/** Sums and averages of a child's figures for one named parent or per parent, with the parent's rows first. */
import { anyTable, labelMarks, relationsToChildren, sayNumber } from '../context.ts';
import { nounPhrase } from '../noun-phrase.ts';
import { namedRow } from '../related-filters.ts';
import { col, renderSelect } from '../select.ts';
import { type Intent, phraseSlots } from './intent.ts';

export const childTotals: Intent = {
  name: 'child-totals',
  weight: 4,
  frames: {
    named: [
      '{agg} of the {np} of {name}',
      '{agg} for {name}',
      'what is the {agg} of {name}',
      'how much {noun} do the {np} of {name} have in total',
      'sum of {noun} of all {np} for {name}',
      '{name} {agg}',
      'what is the {agg} of {np} for {name}',
      'add up the {noun} of {name}',
    ],
    ranked: [
      'top {n} {nouns} by {agg}',
      'which {n} {nouns} have the highest {agg}',
      'the {n} {nouns} with the largest {agg} of {np}',
      'top {n} {nouns} in terms of {agg} of their {np}',
      '{nouns} with the most {noun}, top {n}',
    ],
  },
  build: (context) => {
    const { random, lexicon } = context;
    const facts = anyTable(context);
    const relations = relationsToChildren(context, facts.table.name).filter(
      (relation) => relation.child.name !== facts.table.name,
    );
    if (relations.length === 0) return undefined;
    const relation = random.pick(relations);
    const child = context.facts.get(relation.child.name)!;
    const measures = child.measures.filter((measure) => measure.canSum);
    if (measures.length === 0) return undefined;
    const measure = random.pick(measures);
    const phrase = nounPhrase(context, child, {
      ownOnly: true,
      filterCount: random.chance(0.3) ? 1 : 0,
      avoid: [relation.childColumn.name, measure.column?.name ?? ''],
    });
    const join = {
      table: facts.table.name,
      left: col(child.table.name, relation.childColumn.name),
      right: col(facts.table.name, relation.parentColumn.name),
    };
    const key = `SUM(${measure.sql.replace(/^\((.*)\)$/, '$1')})`;
    const nouns = relation.words.roleHas?.[0] ?? lexicon.table(facts.table.name).nouns[0]![1];
    const slots = {
      ...phraseSlots(phrase),
      agg: random.pick(measure.sumNouns),
      noun: random.pick(measure.nouns),
      nouns,
    };
    if (random.chance(0.6)) {
      const named = namedRow(context, facts);
      if (named === undefined) return undefined;
      const where = [named.sql, ...phrase.where];
      const variantNeedsNp = phrase.filters.length > 0;
      const sql = renderSelect({ columns: [key], from: child.table.name, joins: [join], where });
      return {
        variant: 'named',
        slots: { ...slots, name: variantNeedsNp ? `${named.name} for ${phrase.plural}` : named.name },
        sql,
      };
    }
    const n = random.pick([3, 5, 10]);
    const sql = renderSelect({
      columns: labelMarks(facts),
      from: child.table.name,
      joins: [join],
      where: phrase.where,
      groupBy: [col(facts.table.name, relation.parentColumn.name)],
      orderBy: [`${key} DESC`],
      limit: n,
    });
    return {
      variant: 'ranked',
      slots: {
        ...slots,
        agg: phrase.filters.length > 0 ? `${slots.agg} of ${phrase.plural}` : slots.agg,
        n: sayNumber(random, n),
      },
      sql,
    };
  },
};
