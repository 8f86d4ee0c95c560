/** The best of each group, ranks, shares of a total and running totals: window functions. */
import type { Column } from '../../../schema/schema.ts';
import { labelMarks, sayNumber } from '../context.ts';
import { ownFilter } from '../filters.ts';
import { bestPerGroupFrames, rankWindowFrames } from '../frames/windows.ts';
import { fromPhrase, nounPhrase } from '../noun-phrase.ts';
import { numberedRows } from '../numbered-rows.ts';
import { col, renderSelect } from '../select.ts';
import { type Intent, phraseSlots } from './intent.ts';

/** The first or the first few of each group; the name parts equal figures. */
export const bestPerGroup: Intent = {
  name: 'best-per-group',
  weight: 3,
  frames: bestPerGroupFrames,
  build: (context) => {
    const { random, lexicon } = context;
    const isFilled = (column: Column): boolean => column.nullCount === 0;
    const candidates = [...context.facts.values()].filter(
      (facts) =>
        facts.categories.some(isFilled) && facts.measures.some((measure) => measure.column !== undefined),
    );
    if (candidates.length === 0) return undefined;
    const facts = random.pick(candidates);
    const measure = random.pick(facts.measures.filter((candidate) => candidate.column !== undefined));
    const column = random.pick(facts.categories.filter(isFilled));
    if (column.name === measure.column!.name) return undefined;
    const group = col(facts.table.name, column.name);
    const value = col(facts.table.name, measure.column!.name);
    const label = labelMarks(facts);
    const nouns = lexicon.table(facts.table.name).nouns[0]!;
    const slots = {
      np: nouns[1],
      np1: nouns[0],
      noun: random.pick(measure.nouns),
      group: random.pick(lexicon.column(facts.table.name, column.name).nouns),
    };
    const leading = (where: readonly string[], down: boolean, keep: string): string | undefined =>
      numberedRows({
        columns: [group, ...label],
        partitionBy: [group],
        orderBy: [`${value}${down ? ' DESC' : ''}`, ...label],
        keep,
        select: { from: facts.table.name, where },
      });
    if (random.chance(0.4)) {
      const down = random.chance(0.75);
      const sql = leading(!down && measure.nullable ? [`${value} IS NOT NULL`] : [], down, '= 1');
      if (sql === undefined) return undefined;
      const high = random.pick(down ? ['highest', 'largest', 'biggest'] : ['lowest', 'smallest']);
      return {
        variant: 'one',
        slots: { ...slots, high, word: random.pick(down ? measure.highest : measure.lowest) },
        sql,
      };
    }
    const n = random.pick([2, 3, 5]);
    const filter = random.chance(0.3) ? ownFilter(context, facts) : undefined;
    const isBefore = filter?.before !== undefined;
    const np = isBefore ? `${filter.before} ${slots.np}` : slots.np;
    const sql = leading(isBefore ? [filter.sql] : [], true, `<= ${n}`);
    if (sql === undefined) return undefined;
    return { variant: 'several', slots: { ...slots, np, n: sayNumber(random, n) }, sql };
  },
};

export const rankWindow: Intent = {
  name: 'rank-window',
  weight: 2,
  frames: rankWindowFrames,
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
    const categories = facts.categories.filter((column) => column.name !== measure.column!.name);
    const category = categories.length === 0 ? undefined : random.pick(categories);
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
