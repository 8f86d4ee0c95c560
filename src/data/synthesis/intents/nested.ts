/** "average number of contracts per project": an aggregate of an aggregate. */
import { anyTable, correlatedRowsMax } from '../context.ts';
import { aboveGroupAverageFrames, nestedAggregateFrames } from '../frames/nested.ts';
import { nounPhrase } from '../noun-phrase.ts';
import { identifier, renderSelect, resolveMarks } from '../select.ts';
import { isGroupOf, pickGroup } from './groups.ts';
import { type Intent, phraseSlots } from './intent.ts';

export const nestedAggregate: Intent = {
  name: 'nested-aggregate',
  weight: 3,
  frames: nestedAggregateFrames,
  build: (context) => {
    const { random } = context;
    const facts = anyTable(context);
    const group = pickGroup(context, facts, true);
    if (group === undefined) return undefined;
    const measure = facts.measures.filter((candidate) => candidate.canSum && candidate.column !== undefined);
    const phrase = nounPhrase(context, facts, {
      avoid: group.avoid,
      ownOnly: true,
      filterCount: random.chance(0.4) ? 1 : 0,
    });
    const slots = { ...phraseSlots(phrase), group: group.noun, groups: group.plural };
    const grouped = { from: facts.table.name, joins: group.joins, where: phrase.where, groupBy: group.by };
    const roll = random.next();
    if (roll < 0.45 || measure.length === 0) {
      const inner = renderSelect({ columns: ['COUNT(*) AS n'], ...grouped });
      const max = random.chance(0.3);
      return {
        variant: max ? 'maxCount' : 'count',
        slots,
        sql: `SELECT ${max ? 'MAX' : 'AVG'}(n) FROM (${inner})`,
      };
    }
    if (roll < 0.6) {
      const inner = renderSelect({
        columns: [...group.columns, 'COUNT(*) AS n'],
        ...grouped,
      });
      const names = resolveMarks(group.columns.join(', '), 'bare');
      return {
        variant: 'aboveCount',
        slots,
        sql: `WITH counts AS (${inner}) SELECT ${names} FROM counts WHERE n > (SELECT AVG(n) FROM counts)`,
      };
    }
    const chosen = random.pick(measure);
    if (isGroupOf(group, chosen)) return undefined;
    const agg = random.pick(chosen.sumNouns);
    if (roll < 0.78) {
      const inner = renderSelect({ columns: [`SUM(${chosen.sql}) AS total`], ...grouped, where: [] });
      return { variant: 'sum', slots: { ...slots, agg }, sql: `SELECT AVG(total) FROM (${inner})` };
    }
    const inner = renderSelect({
      columns: [...group.columns, `SUM(${chosen.sql}) AS total`],
      ...grouped,
      where: [],
    });
    const names = resolveMarks(group.columns.join(', '), 'bare');
    return {
      variant: 'above',
      slots: { ...slots, agg },
      sql: `WITH totals AS (${inner}) SELECT ${names} FROM totals WHERE total > (SELECT AVG(total) FROM totals)`,
    };
  },
};

/** "projects with a budget above the average of their department": a correlated subquery. */
export const aboveGroupAverage: Intent = {
  name: 'above-group-average',
  weight: 2,
  frames: aboveGroupAverageFrames,
  build: (context) => {
    const { random, lexicon } = context;
    const candidates = [...context.facts.values()].filter(
      (facts) =>
        facts.categories.length > 0 &&
        facts.table.rowCount <= correlatedRowsMax &&
        facts.measures.some((measure) => measure.column !== undefined),
    );
    if (candidates.length === 0) return undefined;
    const facts = random.pick(candidates);
    const measure = random.pick(facts.measures.filter((candidate) => candidate.column !== undefined));
    const column = random.pick(facts.categories);
    if (column.name === measure.column!.name) return undefined;
    const table = identifier(facts.table.name);
    const [group, value] = [identifier(column.name), identifier(measure.column!.name)];
    const label = facts.label.map((labelColumn) => identifier(labelColumn.name)).join(', ');
    const above = random.chance(0.7);
    const counted = random.chance(0.2);
    const sql = `SELECT ${counted ? 'COUNT(*)' : label} FROM ${table} WHERE ${value} ${above ? '>' : '<'} (SELECT AVG(b.${value}) FROM ${table} AS b WHERE b.${group} = ${table}.${group})`;
    const side = above ? 'Above' : 'Below';
    return {
      variant: counted ? `count${side}` : side.toLowerCase(),
      slots: {
        np: lexicon.table(facts.table.name).nouns[0]![1],
        noun: random.pick(measure.nouns),
        group: random.pick(lexicon.column(facts.table.name, column.name).nouns),
      },
      sql,
    };
  },
};
