/** The best of each group, ranks, shares of a total and running totals: correlated subqueries and window functions. */
import { correlatedRowsMax, labelMarks, sayNumber } from '../context.ts';
import { ownFilter } from '../filters.ts';
import { fromPhrase, nounPhrase } from '../noun-phrase.ts';
import { col, identifier, renderSelect, resolveMarks } from '../select.ts';
import { type Intent, phraseSlots } from './intent.ts';

/** The best of each group: by correlated subquery (one) or ROW_NUMBER (several). */
export const bestPerGroup: Intent = {
  name: 'best-per-group',
  weight: 3,
  frames: {
    one: [
      'the {np1} with the {high} {noun} in each {group}',
      'which {np1} has the {high} {noun} in every {group}',
      '{word} {np1} per {group}',
      'for each {group} the {np1} with the {high} {noun}',
      '{high} {noun} {np1} by {group}',
      'show the {word} {np1} of every {group}',
      'who or what has the {high} {noun} within each {group}',
      'per {group} find the {np1} with the {high} {noun}',
    ],
    several: [
      'top {n} {np} by {noun} in each {group}',
      'the {n} {np} with the highest {noun} per {group}',
      'for each {group} the top {n} {np} by {noun}',
      'show the {n} largest {np} by {noun} within every {group}',
      'list the top {n} {np} of each {group} by {noun}',
      'per {group} the {n} {np} with the most {noun}',
    ],
  },
  build: (context) => {
    const { random, lexicon } = context;
    const candidates = [...context.facts.values()].filter(
      (facts) =>
        facts.categories.length > 0 && facts.measures.some((measure) => measure.column !== undefined),
    );
    if (candidates.length === 0) return undefined;
    const facts = random.pick(candidates);
    const measure = random.pick(facts.measures.filter((candidate) => candidate.column !== undefined));
    const column = random.pick(
      facts.categories
        .filter((category) => category.name !== measure.column!.name)
        .concat(facts.categories)
        .slice(0, 8),
    );
    if (column.name === measure.column!.name) return undefined;
    const table = identifier(facts.table.name);
    const group = identifier(column.name);
    const value = identifier(measure.column!.name);
    const nouns = lexicon.table(facts.table.name).nouns[0]!;
    const label = facts.label.map((labelColumn) => identifier(labelColumn.name)).join(', ');
    const slots = {
      np: nouns[1],
      np1: nouns[0],
      noun: random.pick(measure.nouns),
      group: random.pick(lexicon.column(facts.table.name, column.name).nouns),
    };
    if (facts.table.rowCount <= correlatedRowsMax && random.chance(0.5)) {
      const down = random.chance(0.75);
      const sql = `SELECT ${group}, ${label} FROM ${table} WHERE ${value} = (SELECT ${down ? 'MAX' : 'MIN'}(b.${value}) FROM ${table} AS b WHERE b.${group} = ${table}.${group})`;
      const high = random.pick(down ? ['highest', 'largest', 'biggest'] : ['lowest', 'smallest']);
      return {
        variant: 'one',
        slots: { ...slots, high, word: random.pick(down ? measure.highest : measure.lowest) },
        sql,
      };
    }
    const n = random.pick([2, 3, 5]);
    const filter = random.chance(0.3) ? ownFilter(context, facts) : undefined;
    const where = filter?.before === undefined ? '' : ` WHERE ${resolveMarks(filter.sql, 'bare')}`;
    const np = filter?.before === undefined ? slots.np : `${filter.before} ${slots.np}`;
    const sql = `SELECT ${group}, ${label} FROM (SELECT ${group}, ${label}, ROW_NUMBER() OVER (PARTITION BY ${group} ORDER BY ${value} DESC) AS position FROM ${table}${where}) WHERE position <= ${n}`;
    return { variant: 'several', slots: { ...slots, np, n: sayNumber(random, n) }, sql };
  },
};

export const rankWindow: Intent = {
  name: 'rank-window',
  weight: 2,
  frames: {
    rank: [
      'rank {np} by {noun}',
      'ranking of {np} by {noun}',
      'give each of the {np} its rank by {noun}',
      'show {np} with their rank in terms of {noun}',
      'position of each {np1} when ranked by {noun}',
      'assign a rank to {np} according to {noun}',
    ],
    rankIn: [
      'rank {np} by {noun} within each {group}',
      'ranking of {np} by {noun} per {group}',
      'rank of every {np1} by {noun} inside its {group}',
      'show {group}, name and rank by {noun} for {np}',
    ],
    share: [
      'each {np1} with its share of the total {noun}',
      'what share of the total {noun} does each {np1} have',
      'percentage of total {noun} for each of the {np}',
      'contribution of each {np1} to the overall {noun} in percent',
    ],
    running: [
      'running total of {noun} of {np} by {date}',
      'cumulative {noun} of {np} over {date}',
      'show the running sum of {noun} for {np} ordered by {date}',
      'how does the {noun} of {np} add up over time by {date}',
    ],
    groupAverage: [
      '{np} with their {noun} and the average {noun} of their {group}',
      'show each {np1}, its {noun} and the {group} average',
      'compare the {noun} of {np} to the average of their {group}',
    ],
  },
  build: (context) => {
    const { random, lexicon } = context;
    const candidates = [...context.facts.values()].filter((facts) =>
      facts.measures.some((measure) => measure.column !== undefined),
    );
    if (candidates.length === 0) return undefined;
    const facts = random.pick(candidates);
    const measure = random.pick(facts.measures.filter((candidate) => candidate.column !== undefined));
    const avoid = [measure.column!.name];
    const phrase = nounPhrase(context, facts, {
      avoid,
      ownOnly: true,
      filterCount: random.chance(0.6) ? 1 : 0,
    });
    const label = labelMarks(facts);
    const slots = { ...phraseSlots(phrase), noun: random.pick(measure.nouns) };
    const category = facts.categories.length === 0 ? undefined : random.pick(facts.categories);
    const date = facts.dates.length === 0 ? undefined : random.pick(facts.dates);
    const roll = random.next();
    const from = fromPhrase(phrase);
    if (roll < 0.3 || category === undefined)
      return {
        variant: 'rank',
        slots,
        sql: renderSelect({ columns: [...label, `RANK() OVER (ORDER BY ${measure.sql} DESC)`], ...from }),
      };
    const group = random.pick(lexicon.column(facts.table.name, category.name).nouns);
    const mark = col(facts.table.name, category.name);
    if (roll < 0.55)
      return {
        variant: 'rankIn',
        slots: { ...slots, group },
        sql: renderSelect({
          columns: [mark, ...label, `RANK() OVER (PARTITION BY ${mark} ORDER BY ${measure.sql} DESC)`],
          ...from,
        }),
      };
    if (roll < 0.7)
      return {
        variant: 'groupAverage',
        slots: { ...slots, group },
        sql: renderSelect({
          columns: [...label, measure.sql, `AVG(${measure.sql}) OVER (PARTITION BY ${mark})`],
          ...from,
        }),
      };
    if (roll < 0.85 && measure.canSum)
      return {
        variant: 'share',
        slots,
        sql: renderSelect({
          columns: [...label, `100.0 * ${measure.sql} / SUM(${measure.sql}) OVER ()`],
          ...from,
        }),
      };
    if (date === undefined || !measure.canSum) return undefined;
    const day = col(facts.table.name, date.name);
    const key = facts.table.primaryKey[0];
    const order = key === undefined ? day : `${day}, ${col(facts.table.name, key)}`;
    const sql = renderSelect({
      columns: [...label, day, `SUM(${measure.sql}) OVER (ORDER BY ${order})`],
      ...from,
      where: [...(from.where ?? []), ...(date.nullCount > 0 ? [`${day} IS NOT NULL`] : [])],
    });
    return {
      variant: 'running',
      slots: { ...slots, date: random.pick(lexicon.column(facts.table.name, date.name).nouns) },
      sql,
    };
  },
};
