/** Durations and ages: per group, in bands, until today, and dates of children held against those of their parent. */
import type { Column } from '../../../../schema/schema.ts';
import { labelMarks, type SynthesisContext, type TableFacts } from '../../context.ts';
import { afterParentFrames, agesFrames, durationsFrames } from '../../frames/analysis/durations.ts';
import { fromPhrase } from '../../noun-phrase.ts';
import { col, renderSelect, textLiteral } from '../../select.ts';
import { type Draft, type Intent, phraseSlots } from '../intent.ts';
import {
  columnNoun,
  groupOf,
  isSelfRelation,
  joinToChild,
  labelNoun,
  labelsOf,
  relationsWhere,
  roleNoun,
  roleNouns,
  someRows,
  tableWhere,
} from './pieces.ts';

const startNames = /^(start|begin|assigned|hire|from|open|order)/i;
const endNames = /^(end|finish|release|termination|to|clos|shipped)/i;

interface Span {
  readonly facts: TableFacts;
  readonly start: Column;
  readonly end: Column;
  /** Days, with marks. */
  readonly days: string;
}

function span(context: SynthesisContext): Span | undefined {
  const named = (facts: TableFacts, names: RegExp): Column | undefined =>
    facts.dates.find((column) => names.test(column.name));
  const facts = tableWhere(
    context,
    (candidate) => named(candidate, startNames) !== undefined && named(candidate, endNames) !== undefined,
  );
  if (facts === undefined) return undefined;
  const [start, end] = [named(facts, startNames)!, named(facts, endNames)!];
  const table = facts.table.name;
  const days = `julianday(${col(table, end.name)}) - julianday(${col(table, start.name)})`;
  return { facts, start, end, days };
}

const bandNames = [
  ['short', 'medium', 'long'],
  ['Short', 'Medium', 'Long'],
  ["'Short'", "'Medium'", "'Long'"],
  ['quick', 'normal', 'slow'],
  ["'Quick'", "'Normal'", "'Slow'"],
] as const;

export const durations: Intent = {
  name: 'durations',
  weight: 3,
  frames: durationsFrames,
  build: (context) => {
    const { random } = context;
    const variant = random.pick([
      'perGroup',
      'perGroup',
      'shown',
      'bands',
      'between',
      'betweenMean',
    ] as const);
    if (variant === 'between' || variant === 'betweenMean') return between(context, variant);
    const found = span(context);
    if (found === undefined) return undefined;
    const { facts, start, end, days } = found;
    const group = variant === 'perGroup' ? groupOf(context, facts) : undefined;
    if (variant === 'perGroup' && group === undefined) return undefined;
    const phrase = someRows(context, facts, [start.name, end.name, ...(group?.avoid ?? [])]);
    const from = fromPhrase(phrase);
    const slots = {
      ...phraseSlots(phrase),
      name: labelNoun(context, facts),
      start: columnNoun(context, facts, start),
      end: columnNoun(context, facts, end),
      group: group?.noun ?? '',
      groups: group?.plural ?? '',
    };
    if (group !== undefined) {
      const columns = [...group.columns, `AVG(${days})`];
      return {
        variant,
        slots,
        sql: renderSelect({ columns, ...from, joins: group.joins, groupBy: group.by }),
      };
    }
    if (variant === 'shown') {
      const n = random.pick([30, 60, 90, 100, 180, 200, 300, 365, 400, 500, 730]);
      const columns = [...labelMarks(facts), days];
      const sql = renderSelect({ columns, ...from, where: [...phrase.where, `${days} > ${n}`] });
      return { variant, slots: { ...slots, n: String(n) }, sql };
    }
    const [a, b] = random.pick([
      [90, 365],
      [180, 365],
      [365, 730],
      [100, 300],
      [30, 90],
      [200, 500],
    ] as const);
    const names = random.pick(bandNames);
    const [low, mid, high] = names.map((name) => textLiteral(name.replaceAll("'", '')));
    const band = `CASE WHEN ${days} <= ${a} THEN ${low} WHEN ${days} <= ${b} THEN ${mid} ELSE ${high} END AS band`;
    const filled = end.nullCount > 0 ? [`${col(facts.table.name, end.name)} IS NOT NULL`] : [];
    const where = [...phrase.where, ...filled];
    const sql = renderSelect({ columns: [band, 'COUNT(*)'], ...from, where, groupBy: ['band'] });
    const limits = { a: String(a), b: String(b), low: names[0], mid: names[1], high: names[2] };
    return { variant, slots: { ...slots, ...limits }, sql };
  },
};

/** Days from any date of a row to a later one. */
function between(context: SynthesisContext, variant: 'between' | 'betweenMean'): Draft | undefined {
  const { random } = context;
  const facts = tableWhere(context, (candidate) => candidate.dates.length >= 2);
  if (facts === undefined) return undefined;
  const [one, two] = random.shuffle([...facts.dates]);
  const [start, end] = String(one!.min) <= String(two!.min) ? [one!, two!] : [two!, one!];
  const group = variant === 'betweenMean' ? groupOf(context, facts) : undefined;
  if (variant === 'betweenMean' && group === undefined) return undefined;
  const [from, to] = [start, end].map((column) => columnNoun(context, facts, column));
  if (from === to || /birth/i.test(start.name)) return undefined;
  const phrase = someRows(context, facts, [start.name, end.name, ...(group?.avoid ?? [])], 0.6);
  const days = `julianday(${col(facts.table.name, end.name)}) - julianday(${col(facts.table.name, start.name)})`;
  const sql = renderSelect({
    columns: group === undefined ? [...labelMarks(facts), days] : [...group.columns, `AVG(${days})`],
    ...fromPhrase(phrase),
    joins: group?.joins ?? [],
    groupBy: group?.by ?? [],
  });
  const slots = {
    ...phraseSlots(phrase),
    name: labelNoun(context, facts),
    start: from!,
    end: to!,
    group: group?.noun ?? '',
    groups: group?.plural ?? '',
  };
  return { variant, slots, sql };
}

/** Days and years until today, where the schema says what today is. */
export const ages: Intent = {
  name: 'ages',
  weight: 2.5,
  frames: agesFrames,
  build: (context) => {
    const { random, today } = context;
    if (context.lexicon.today === undefined) return undefined;
    const variant = random.pick(['days', 'years', 'meanYears', 'overdue', 'daysLeft'] as const);
    const isAhead = variant === 'overdue' || variant === 'daysLeft';
    const isDue = (column: Column): boolean => endNames.test(column.name) && String(column.max) > today;
    const facts = tableWhere(context, (candidate) =>
      isAhead ? candidate.dates.some(isDue) : candidate.dates.some((column) => !isDue(column)),
    );
    if (facts === undefined) return undefined;
    const column = random.pick(facts.dates.filter((candidate) => isDue(candidate) === isAhead));
    const group = variant === 'meanYears' ? groupOf(context, facts) : undefined;
    if (variant === 'meanYears' && group === undefined) return undefined;
    const phrase = someRows(context, facts, [column.name, ...(group?.avoid ?? [])], 0.6);
    const mark = col(facts.table.name, column.name);
    const days = `julianday('${today}') - julianday(${mark})`;
    const n = random.pick([7, 14, 30, 45, 60, 90, 120, 180, 365]);
    const last = new Date(Date.parse(today) + n * 86_400_000).toISOString().slice(0, 10);
    const figure = {
      days,
      years: `(${days}) / 365.25`,
      meanYears: `AVG((${days}) / 365.25)`,
      overdue: days,
      daysLeft: `julianday(${mark}) - julianday('${today}')`,
    }[variant];
    const limits = {
      days: [],
      years: [],
      meanYears: [],
      overdue: [`${mark} < '${today}'`],
      daysLeft: [`${mark} > '${today}'`, `${mark} <= '${last}'`],
    }[variant];
    const sql = renderSelect({
      columns: [...(group?.columns ?? labelMarks(facts)), figure],
      ...fromPhrase(phrase),
      joins: group?.joins ?? [],
      where: [...phrase.where, ...limits],
      groupBy: group?.by ?? [],
    });
    const slots = {
      ...phraseSlots(phrase),
      name: labelNoun(context, facts),
      date: columnNoun(context, facts, column),
      n: String(n),
      group: group?.noun ?? '',
      groups: group?.plural ?? '',
    };
    return { variant, slots, sql };
  },
};

export const afterParent: Intent = {
  name: 'after-parent',
  weight: 2.2,
  frames: afterParentFrames,
  build: (context) => {
    const { random } = context;
    const variant = random.pick(['later', 'firstAfter', 'firstLast', 'lastBefore'] as const);
    const needsParentDate = variant === 'later' || variant === 'firstAfter';
    const relations = relationsWhere(
      context,
      (relation, parent, child) =>
        !isSelfRelation(relation) &&
        child.dates.length > 0 &&
        (!needsParentDate || parent.dates.some((column) => column.nullCount === 0)),
    );
    if (relations.length === 0) return undefined;
    const relation = random.pick(relations);
    const parent = context.facts.get(relation.parent.name)!;
    const child = context.facts.get(relation.child.name)!;
    // "The first contract" is the first by the main date, which comes first.
    const column = variant === 'firstAfter' ? child.dates[0]! : random.pick(child.dates);
    const date = col(child.table.name, column.name);
    const parentDates = parent.dates.filter((candidate) => candidate.nullCount === 0);
    const parentColumn = needsParentDate ? random.pick(parentDates) : undefined;
    const parentDate = col(parent.table.name, parentColumn?.name ?? '');
    const phrase = someRows(context, child, [column.name, relation.childColumn.name], 0.3);
    const slots = {
      ...phraseSlots(phrase),
      date: columnNoun(context, child, column),
      parent: roleNoun(context, relation),
      parents: roleNouns(context, relation),
      parent_date: parentColumn === undefined ? '' : columnNoun(context, parent, parentColumn),
    };
    const perParent = {
      from: parent.table.name,
      joins: [joinToChild(relation)],
      where: phrase.where,
      groupBy: [col(parent.table.name, relation.parentColumn.name)],
    };
    const names = labelsOf(context, parent.table.name);
    if (variant === 'later') {
      const n = random.pick([30, 60, 90, 100, 180, 200, 365, 500, 730]);
      const days = `julianday(${date}) - julianday(${parentDate})`;
      const join = joinToChild(relation);
      const sql = renderSelect({
        columns: labelMarks(child),
        from: child.table.name,
        joins: [{ table: parent.table.name, left: join.right, right: join.left }],
        where: [...phrase.where, `${days} > ${n}`],
      });
      return { variant, slots: { ...slots, n: String(n) }, sql };
    }
    if (variant === 'firstAfter') {
      const days = `julianday(MIN(${date})) - julianday(${parentDate})`;
      return { variant, slots, sql: renderSelect({ columns: [...names, days], ...perParent }) };
    }
    if (variant === 'firstLast') {
      const columns = [...names, `MIN(${date})`, `MAX(${date})`];
      return { variant, slots, sql: renderSelect({ columns, ...perParent }) };
    }
    const last = String(column.max).slice(0, 4);
    const day = `${Number(last) - random.int(3)}-${random.pick(['01-01', '04-01', '07-01', '10-01'])}`;
    const having = [`MAX(${date}) < '${day}'`];
    const sql = renderSelect({ columns: [...names, `MAX(${date})`], ...perParent, having });
    return { variant, slots: { ...slots, day }, sql };
  },
};
