/** "average number of contracts per project": an aggregate of an aggregate. */
import { anyTable, correlatedRowsMax } from '../context.ts';
import { nounPhrase } from '../noun-phrase.ts';
import { identifier, renderSelect } from '../select.ts';
import { pickGroup } from './groups.ts';
import { type Intent, phraseSlots } from './intent.ts';

export const nestedAggregate: Intent = {
  name: 'nested-aggregate',
  weight: 3,
  frames: {
    count: [
      'average number of {np} per {group}',
      'how many {np} does a {group} have on average',
      'on average how many {np} are there per {group}',
      'mean count of {np} per {group}',
      'what is the average {np} count by {group}',
      'how many {np} per {group} on average',
    ],
    maxCount: [
      'what is the largest number of {np} in any {group}',
      'highest count of {np} for a single {group}',
      'maximum number of {np} per {group}',
      'most {np} that any {group} has, just the number',
    ],
    sum: [
      'average of the {agg} per {group}',
      'what is the average {agg} of a {group}',
      'mean {agg} per {group} over all {groups}',
      'on average what {agg} does a {group} have',
    ],
    above: [
      'which {groups} have a {agg} above the average of all {groups}',
      '{groups} whose {agg} is higher than the average over {groups}',
      '{groups} with above-average {agg}',
      'list {groups} with a {agg} above the mean {agg} per {group}',
    ],
    aboveCount: [
      'which {groups} have more {np} than the average {group}',
      '{groups} with an above-average number of {np}',
      '{groups} that have more {np} than average',
    ],
  },
  build: (context) => {
    const { random } = context;
    const facts = anyTable(context);
    const group = pickGroup(context, facts);
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
        columns: [...group.columns.map((column, i) => `${column} AS g${i || ''}`), 'COUNT(*) AS n'],
        ...grouped,
      });
      const names = group.columns.map((_, i) => `g${i || ''}`).join(', ');
      return {
        variant: 'aboveCount',
        slots,
        sql: `WITH counts AS (${inner}) SELECT ${names} FROM counts WHERE n > (SELECT AVG(n) FROM counts)`,
      };
    }
    const chosen = random.pick(measure);
    const agg = random.pick(chosen.sumNouns);
    if (roll < 0.78) {
      const inner = renderSelect({ columns: [`SUM(${chosen.sql}) AS total`], ...grouped, where: [] });
      return { variant: 'sum', slots: { ...slots, agg }, sql: `SELECT AVG(total) FROM (${inner})` };
    }
    const inner = renderSelect({
      columns: [
        ...group.columns.map((column, i) => `${column} AS g${i || ''}`),
        `SUM(${chosen.sql}) AS total`,
      ],
      ...grouped,
      where: [],
    });
    const names = group.columns.map((_, i) => `g${i || ''}`).join(', ');
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
  frames: {
    above: [
      '{np} with a {noun} above the average of their {group}',
      '{np} whose {noun} is higher than the average in their {group}',
      'which {np} have more {noun} than the average of their {group}',
      '{np} above their {group} average in {noun}',
      'list {np} with {noun} above the {group} average',
    ],
    below: [
      '{np} with a {noun} below the average of their {group}',
      '{np} whose {noun} is lower than the average in their {group}',
      'which {np} have less {noun} than the average of their {group}',
      '{np} below their {group} average in {noun}',
    ],
  },
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
    const nouns = lexicon.table(facts.table.name).nouns[0]!;
    const np = counted ? `number of ${nouns[1]}` : nouns[1];
    return {
      variant: above ? 'above' : 'below',
      slots: {
        np,
        noun: random.pick(measure.nouns),
        group: random.pick(lexicon.column(facts.table.name, column.name).nouns),
      },
      sql,
    };
  },
};
