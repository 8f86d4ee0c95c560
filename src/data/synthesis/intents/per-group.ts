/** HAVING: groups with more than n rows, or whose total is above something. */
import { anyTable, roundBetween, sayNumber } from '../context.ts';
import { nounPhrase } from '../noun-phrase.ts';
import { renderSelect } from '../select.ts';
import { aggregateOf, tableWithMeasures, unwrap } from './aggregates.ts';
import { pickGroup } from './groups.ts';
import { type Intent, phraseSlots } from './intent.ts';

export const countPerGroup: Intent = {
  name: 'count-per-group',
  weight: 5,
  frames: {
    plain: [
      'number of {np} per {group}',
      'how many {np} per {group}',
      'count {np} by {group}',
      '{np} by {group}',
      'how many {np} are there in each {group}',
      'how many {np} does each {group} have',
      'for each {group} the number of {np}',
      'break down {np} by {group}',
      '{np} per {group}',
      'show the count of {np} for every {group}',
      'how are {np} distributed over {groups}',
      'distribution of {np} by {group}',
      '{group} wise count of {np}',
      'give me the number of {np} for each {group}',
      'how do the {np} split by {group}',
      'number of {np} grouped by {group}',
    ],
  },
  build: (context) => {
    const facts = anyTable(context);
    const group = pickGroup(context, facts);
    if (group === undefined) return undefined;
    const phrase = nounPhrase(context, facts, {
      avoid: group.avoid,
      noJoins: group.joins.length > 0,
      filterCount: context.random.chance(0.5) ? 1 : 0,
    });
    const sql = renderSelect({
      columns: [...group.columns, 'COUNT(*)'],
      from: facts.table.name,
      joins: [...group.joins, ...phrase.joins],
      where: phrase.where,
      groupBy: group.by,
    });
    return {
      variant: 'plain',
      slots: { ...phraseSlots(phrase), group: group.noun, groups: group.plural },
      sql,
      front: phrase.front,
    };
  },
};

export const aggregatePerGroup: Intent = {
  name: 'aggregate-per-group',
  weight: 6,
  frames: {
    sum: [
      '{agg} per {group} for {np}',
      '{agg} of {np} by {group}',
      'what is the {agg} of {np} per {group}',
      'how much {noun} do {np} have per {group}',
      'sum of {noun} of {np} for each {group}',
      'break down the {agg} of {np} by {group}',
      'show the {agg} of {np} for every {group}',
      '{agg} by {group} of {np}',
      'for each {group} what is the {agg} of {np}',
      'sum up {noun} of {np} per {group}',
      '{group} wise {agg} of {np}',
    ],
    average: [
      '{agg} per {group} for {np}',
      '{agg} of {np} by {group}',
      'what is the {agg} of {np} per {group}',
      'mean {noun} of {np} for each {group}',
      'on average what {noun} do {np} have per {group}',
      'show the {agg} of {np} in each {group}',
      'compare the {agg} of {np} across {groups}',
      'avg {noun} of {np} per {group}',
      'for every {group} the {agg} of {np}',
    ],
    highest: [
      'highest {noun} of {np} per {group}',
      'maximum {noun} of {np} in each {group}',
      'largest {noun} of {np} by {group}',
      'what is the highest {noun} of {np} in every {group}',
      'max {noun} per {group} among {np}',
    ],
    lowest: [
      'lowest {noun} of {np} per {group}',
      'minimum {noun} of {np} in each {group}',
      'smallest {noun} of {np} by {group}',
      'what is the lowest {noun} of {np} in every {group}',
      'min {noun} per {group} among {np}',
    ],
    range: [
      'lowest and highest {noun} of {np} per {group}',
      'range of {noun} of {np} by {group}',
      'min and max {noun} of {np} for each {group}',
      'minimum and maximum {noun} of {np} in each {group}',
    ],
    bare: [
      '{agg} per {group}',
      '{agg} by {group}',
      'what is the {agg} per {group}',
      'what is the {agg} in each {group}',
      'show the {agg} for each {group}',
      'give me {agg} by {group}',
      '{agg} of every {group}',
      'how high is the {agg} in every {group}',
      'list the {agg} for all {groups}',
      'compare {agg} between {groups}',
    ],
  },
  build: (context) => {
    const chosen = tableWithMeasures(context);
    if (chosen === undefined) return undefined;
    const { facts, measure } = chosen;
    const group = pickGroup(context, facts);
    if (group === undefined) return undefined;
    const { random } = context;
    const avoid = [...group.avoid, ...(measure.column === undefined ? [] : [measure.column.name])];
    const phrase = nounPhrase(context, facts, {
      avoid,
      noJoins: group.joins.length > 0,
      filterCount: random.chance(0.45) ? 1 : 0,
    });
    const aggregate = aggregateOf(context, measure);
    const sql = unwrap(
      renderSelect({
        columns: [...group.columns, aggregate.sql],
        from: facts.table.name,
        joins: [...group.joins, ...phrase.joins],
        where: phrase.where,
        groupBy: group.by,
      }),
    );
    // Without its noun, a figure names its table only if no other table has a figure of that name.
    const isBare =
      phrase.filters.length === 0 &&
      (aggregate.variant === 'sum' || aggregate.variant === 'average') &&
      random.chance(0.7);
    const slots = {
      ...phraseSlots(phrase),
      noun: random.pick(measure.nouns),
      agg: aggregate.agg,
      group: group.noun,
      groups: group.plural,
    };
    return { variant: isBare ? 'bare' : aggregate.variant, slots, sql, front: phrase.front };
  },
};

export const having: Intent = {
  name: 'having',
  weight: 4,
  frames: {
    count: [
      'which {groups} have {cmp} {np}',
      '{groups} with {cmp} {np}',
      'list {groups} that have {cmp} {np}',
      'show me {groups} having {cmp} {np}',
      'find {groups} with {cmp} {np}',
      'what {groups} have {cmp} {np}',
      'name the {groups} with {cmp} {np}',
      'for which {groups} do we have {cmp} {np}',
    ],
    sum: [
      'which {groups} have a {agg} of {cmp} {value} for {np}',
      '{groups} whose {agg} of {np} is {cmp} {value}',
      '{groups} with {cmp} {value} {agg} of {np}',
      'list {groups} where the {agg} of {np} is {cmp} {value}',
      'show {groups} with a {agg} {cmp} {value} over {np}',
    ],
  },
  build: (context) => {
    const { random } = context;
    const byCount = random.chance(0.6);
    const chosen = byCount ? undefined : tableWithMeasures(context);
    const facts = chosen?.facts ?? anyTable(context);
    const group = pickGroup(context, facts);
    if (group === undefined) return undefined;
    const phrase = nounPhrase(context, facts, {
      avoid: group.avoid,
      noJoins: true,
      ownOnly: true,
      filterCount: random.chance(0.4) ? 1 : 0,
    });
    const base = {
      columns: group.columns,
      from: facts.table.name,
      joins: [...group.joins, ...phrase.joins],
      where: phrase.where,
      groupBy: group.by,
    };
    const more = random.chance(0.7);
    const cmp = more
      ? random.pick(['more than', 'over', 'above', 'more than'])
      : random.pick(['less than', 'fewer than', 'under', 'below']);
    const operator = more ? '>' : '<';
    const slots = { ...phraseSlots(phrase), groups: group.plural };
    if (chosen === undefined) {
      const n = 1 + random.int(random.chance(0.5) ? 8 : 60);
      const atLeast = random.chance(0.25);
      const sql = renderSelect({ ...base, having: [`COUNT(*) ${atLeast ? '>=' : operator} ${n}`] });
      return {
        variant: 'count',
        slots: { ...slots, cmp: `${atLeast ? 'at least' : cmp} ${n === 1 ? 'one' : sayNumber(random, n)}` },
        sql,
      };
    }
    const { measure } = chosen;
    const useSum = measure.canSum && random.chance(0.6);
    const top = Number(measure.column?.max ?? 100_000) * (useSum ? 8 : 0.7);
    const value = roundBetween(random, Number(measure.column?.min ?? 0), top);
    const sql = unwrap(
      renderSelect({ ...base, having: [`${useSum ? 'SUM' : 'AVG'}(${measure.sql}) ${operator} ${value}`] }),
    );
    const agg = random.pick(useSum ? measure.sumNouns : measure.averageNouns);
    return {
      variant: 'sum',
      slots: {
        ...slots,
        cmp: cmp === 'fewer than' ? 'less than' : cmp,
        agg,
        value: sayNumber(random, value),
      },
      sql,
    };
  },
};
