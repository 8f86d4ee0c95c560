/** Figures by year or by month of a date column. */
import { labelMarks } from '../context.ts';
import { durationFrames, timeSeriesFrames } from '../frames/time.ts';
import { fromPhrase, nounPhrase } from '../noun-phrase.ts';
import { namedRow } from '../related-filters.ts';
import { col, renderSelect } from '../select.ts';
import { type Intent, phraseSlots } from './intent.ts';

export const timeSeries: Intent = {
  name: 'time-series',
  weight: 4,
  frames: timeSeriesFrames,
  build: (context) => {
    const { random, lexicon } = context;
    const candidates = [...context.facts.values()].filter((facts) => facts.dates.length > 0);
    if (candidates.length === 0) return undefined;
    const facts = random.pick(candidates);
    const column = random.pick(facts.dates);
    const words = lexicon.column(facts.table.name, column.name);
    const participles = (words.dateVerbs ?? []).filter((verb) => /^\w+(ed|ing)$/.test(verb));
    const verb = participles.length > 0 ? random.pick(participles) : `by ${words.nouns[0]}`;
    const unit = random.pick(['year', 'year', 'month', 'quarter'] as const);
    const mark = col(facts.table.name, column.name);
    const quarter = `strftime('%Y', ${mark}) || '-Q' || ((strftime('%m', ${mark}) + 2) / 3)`;
    const bucket =
      unit === 'year' ? `strftime('%Y', ${mark})` : unit === 'month' ? `strftime('%Y-%m', ${mark})` : quarter;
    const phrase = nounPhrase(context, facts, {
      avoid: [column.name],
      ownOnly: true,
      filterCount: random.chance(0.45) ? 1 : 0,
    });
    const where = [...phrase.where, ...(column.nullCount > 0 ? [`${mark} IS NOT NULL`] : [])];
    const base = { from: facts.table.name, where, groupBy: [bucket] };
    const slots = { ...phraseSlots(phrase), verb, unit };
    const measures = facts.measures.filter((measure) => measure.canSum && measure.column !== undefined);
    if (random.chance(0.15))
      return {
        variant: 'best',
        slots,
        sql: renderSelect({ columns: [bucket], ...base, orderBy: ['COUNT(*) DESC'], limit: 1 }),
      };
    if (measures.length === 0 || random.chance(0.6))
      return { variant: 'count', slots, sql: renderSelect({ columns: [bucket, 'COUNT(*)'], ...base }) };
    const measure = random.pick(measures);
    const sum = random.chance(0.7);
    const agg = random.pick(sum ? measure.sumNouns : measure.averageNouns);
    return {
      variant: 'sum',
      slots: { ...slots, agg, noun: random.pick(measure.nouns) },
      sql: renderSelect({ columns: [bucket, `${sum ? 'SUM' : 'AVG'}(${measure.sql})`], ...base }),
    };
  },
};

/** Days between two date columns of one row. */
export const duration: Intent = {
  name: 'duration',
  weight: 2,
  frames: durationFrames,
  build: (context) => {
    const { random } = context;
    const candidates = [...context.facts.values()].filter(
      (facts) =>
        facts.dates.length >= 2 &&
        facts.dates.some((column) => /^(start|begin|assigned|hire|from|open|order|ship)/i.test(column.name)),
    );
    if (candidates.length === 0) return undefined;
    const facts = random.pick(candidates);
    const start = facts.dates.find((column) =>
      /^(start|begin|assigned|hire|from|open|order)/i.test(column.name),
    );
    const end = facts.dates.find((column) =>
      /^(end|finish|release|termination|to|clos|shipped)/i.test(column.name),
    );
    if (start === undefined || end === undefined) return undefined;
    const days = `julianday(${col(facts.table.name, end.name)}) - julianday(${col(facts.table.name, start.name)})`;
    const phrase = nounPhrase(context, facts, {
      avoid: [start.name, end.name],
      ownOnly: true,
      filterCount: random.chance(0.4) ? 1 : 0,
    });
    const from = fromPhrase(phrase);
    const roll = random.next();
    const n = random.pick([30, 60, 90, 100, 180, 200, 300, 365, 500, 730]);
    const slots = { ...phraseSlots(phrase), n: String(n) };
    if (roll < 0.25)
      return {
        variant: 'longer',
        slots,
        sql: renderSelect({
          columns: labelMarks(facts),
          ...from,
          where: [...phrase.where, `${days} > ${n}`],
        }),
      };
    if (roll < 0.4)
      return {
        variant: 'shorter',
        slots,
        sql: renderSelect({
          columns: labelMarks(facts),
          ...from,
          where: [...phrase.where, `${days} < ${n}`],
        }),
      };
    if (roll < 0.7)
      return { variant: 'average', slots, sql: renderSelect({ columns: [`AVG(${days})`], ...from }) };
    if (roll < 0.85)
      return {
        variant: 'longest',
        slots,
        sql: renderSelect({ columns: labelMarks(facts), ...from, orderBy: [`${days} DESC`], limit: 1 }),
      };
    const named = namedRow(context, facts);
    if (named === undefined) return undefined;
    return {
      variant: 'one',
      slots: { ...slots, name: named.name },
      sql: renderSelect({ columns: [days], from: facts.table.name, where: [named.sql] }),
    };
  },
};
