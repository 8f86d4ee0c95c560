/** HAVING: groups with more than n rows, or whose total is above something. */
import { anyTable, roundBetween, sayNumber } from '../context.ts';
import { havingFrames } from '../frames/having.ts';
import { aggregatePerGroupFrames, countPerGroupFrames } from '../frames/per-group.ts';
import { nounPhrase } from '../noun-phrase.ts';
import { renderSelect } from '../select.ts';
import { aggregateOf, tableWithMeasures, unwrap } from './aggregates.ts';
import { isGroupOf, pickGroup } from './groups.ts';
import { type Intent, phraseSlots } from './intent.ts';

export const countPerGroup: Intent = {
  name: 'count-per-group',
  weight: 5,
  frames: countPerGroupFrames,
  build: (context) => {
    const facts = anyTable(context);
    const group = pickGroup(context, facts);
    if (group === undefined) return undefined;
    const phrase = nounPhrase(context, facts, {
      mayFront: true,
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
  frames: aggregatePerGroupFrames,
  build: (context) => {
    const chosen = tableWithMeasures(context);
    if (chosen === undefined) return undefined;
    const { facts, measure } = chosen;
    const group = pickGroup(context, facts);
    if (group === undefined || isGroupOf(group, measure)) return undefined;
    const { random } = context;
    const avoid = [...group.avoid, ...(measure.column === undefined ? [] : [measure.column.name])];
    const phrase = nounPhrase(context, facts, {
      mayFront: true,
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
  frames: havingFrames,
  build: (context) => {
    const { random } = context;
    const byCount = random.chance(0.6);
    const chosen = byCount ? undefined : tableWithMeasures(context);
    const facts = chosen?.facts ?? anyTable(context);
    const group = pickGroup(context, facts);
    if (group === undefined) return undefined;
    if (chosen !== undefined && isGroupOf(group, chosen.measure)) return undefined;
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
    const slots = { ...phraseSlots(phrase), group: group.noun, groups: group.plural };
    if (chosen === undefined) {
      const n = 1 + random.int(random.chance(0.5) ? 8 : 60);
      const atLeast = random.chance(0.25);
      const said = `${atLeast ? 'at least' : cmp} ${n === 1 ? 'one' : sayNumber(random, n)}`;
      const sql = renderSelect({ ...base, having: [`COUNT(*) ${atLeast ? '>=' : operator} ${n}`] });
      return {
        variant: 'count',
        slots: { ...slots, cmp: said, many: `${said} ${n === 1 ? phrase.singular : phrase.plural}` },
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
