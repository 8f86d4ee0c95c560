/** Sums and averages of a child's figures for one named parent or per parent, with the parent's rows first. */
import { anyTable, labelMarks, relationsToChildren, sayNumber } from '../context.ts';
import { childTotalsFrames } from '../frames/child-totals.ts';
import { nounPhrase } from '../noun-phrase.ts';
import { namedRow } from '../related-filters.ts';
import { col, renderSelect } from '../select.ts';
import { type Intent, phraseSlots } from './intent.ts';

export const childTotals: Intent = {
  name: 'child-totals',
  weight: 4,
  frames: childTotalsFrames,
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
    // The condition on the children is only in their noun phrase, so those frames must all name it.
    const isFiltered = phrase.filters.length > 0;
    if (random.chance(0.6)) {
      const named = namedRow(context, facts);
      if (named === undefined) return undefined;
      const where = [named.sql, ...phrase.where];
      const sql = renderSelect({ columns: [key], from: child.table.name, joins: [join], where });
      return {
        variant: isFiltered ? 'namedFiltered' : 'named',
        slots: { ...slots, name: named.name },
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
      variant: isFiltered ? 'rankedFiltered' : 'ranked',
      slots: { ...slots, n: sayNumber(random, n) },
      sql,
    };
  },
};
