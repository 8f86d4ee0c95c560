/** Ranks with further columns, the first rows of each group, the newest of each parent, the n-th of all. */
import { labelMarks, sayNumber } from '../../context.ts';
import {
  groupLeadersFrames,
  newestOfParentFrames,
  nthOverallFrames,
  rankColumnsFrames,
} from '../../frames/analysis/row-ranks.ts';
import { fromPhrase } from '../../noun-phrase.ts';
import { numberedRows } from '../../numbered-rows.ts';
import { col, renderSelect } from '../../select.ts';
import { type Intent, phraseSlots } from '../intent.ts';
import {
  columnNoun,
  filledCategories,
  groupOf,
  isSelfRelation,
  joinToChild,
  labelNoun,
  ordinal,
  relationsWhere,
  roleNoun,
  roleNouns,
  rowFigure,
  someRows,
} from './pieces.ts';

export const rankColumns: Intent = {
  name: 'rank-columns',
  weight: 3,
  frames: rankColumnsFrames,
  build: (context) => {
    const { random } = context;
    const variant = random.pick(['value', 'inGroup', 'inGroup', 'inGroupValue', 'quartile'] as const);
    const isGrouped = variant.startsWith('inGroup');
    const figure = rowFigure(context, {
      isFilled: variant === 'quartile',
      fits: (facts) => !isGrouped || filledCategories(facts).length > 0,
    });
    if (figure === undefined) return undefined;
    const { facts, value, noun, column } = figure;
    const categories = filledCategories(facts, [column.name]);
    const category = categories.length === 0 ? undefined : random.pick(categories);
    if (isGrouped && category === undefined) return undefined;
    const phrase = someRows(context, facts, [column.name, category?.name ?? '']);
    const label = labelMarks(facts);
    const slots = { ...phraseSlots(phrase), noun, name: labelNoun(context, facts) };
    const from = fromPhrase(phrase);
    if (variant === 'quartile') {
      const columns = [...label, `NTILE(4) OVER (ORDER BY ${value}, ${label.join(', ')})`];
      return { variant, slots, sql: renderSelect({ columns, ...from }) };
    }
    if (variant === 'value') {
      const columns = [...label, value, `RANK() OVER (ORDER BY ${value} DESC)`];
      return { variant, slots, sql: renderSelect({ columns, ...from }) };
    }
    const group = col(facts.table.name, category!.name);
    const rank = `RANK() OVER (PARTITION BY ${group} ORDER BY ${value} DESC)`;
    const columns = variant === 'inGroup' ? [...label, group, rank] : [group, ...label, value, rank];
    return {
      variant,
      slots: { ...slots, group: columnNoun(context, facts, category!) },
      sql: renderSelect({ columns, ...from }),
    };
  },
};

/** The first n, the first or the n-th row of each group. */
export const groupLeaders: Intent = {
  name: 'group-leaders',
  weight: 4,
  frames: groupLeadersFrames,
  build: (context) => {
    const { random } = context;
    const figure = rowFigure(context);
    if (figure === undefined) return undefined;
    const { facts, value, noun, column } = figure;
    const group = groupOf(context, facts, figure.measure);
    if (group === undefined) return undefined;
    const phrase = someRows(context, facts, [column.name, ...group.avoid]);
    const variant = random.pick(['top', 'topValue', 'best', 'bestValue', 'nth'] as const);
    const n = random.pick([2, 3, 3, 4, 5]);
    const { k, nth } = ordinal(context);
    const label = labelMarks(facts);
    const keep = variant === 'nth' ? `= ${k}` : variant.startsWith('top') ? `<= ${n}` : '= 1';
    const sql = numberedRows({
      columns: [...group.columns, ...label, ...(variant.endsWith('Value') ? [value] : [])],
      partitionBy: group.by,
      orderBy: [`${value} DESC`, ...label],
      keep,
      select: { from: facts.table.name, joins: group.joins, where: phrase.where },
    });
    if (sql === undefined) return undefined;
    const numbers = { n: sayNumber(random, n), k: String(k), nth };
    return { variant, slots: { ...phraseSlots(phrase), ...numbers, noun, group: group.noun }, sql };
  },
};

export const nthOverall: Intent = {
  name: 'nth-overall',
  weight: 1.5,
  frames: nthOverallFrames,
  build: (context) => {
    const figure = rowFigure(context, { distinctMin: 30 });
    if (figure === undefined) return undefined;
    const { facts, value, noun, column } = figure;
    const phrase = someRows(context, facts, [column.name], 0.6);
    const variant = context.random.chance(0.6) ? 'name' : 'value';
    const { k, nth } = ordinal(context);
    const sql = renderSelect({
      columns: [...labelMarks(facts), ...(variant === 'value' ? [value] : [])],
      ...fromPhrase(phrase),
      orderBy: [`${value} DESC`],
      limit: `1 OFFSET ${k - 1}`,
    });
    return { variant, slots: { ...phraseSlots(phrase), noun, nth, k: String(k) }, sql };
  },
};

/** The latest or the first child of each parent. */
export const newestOfParent: Intent = {
  name: 'newest-of-parent',
  weight: 1.5,
  frames: newestOfParentFrames,
  build: (context) => {
    const { random } = context;
    const relations = relationsWhere(
      context,
      (relation, _parent, child) => !isSelfRelation(relation) && child.dates.length > 0,
    );
    if (relations.length === 0) return undefined;
    const relation = random.pick(relations);
    const parent = context.facts.get(relation.parent.name)!;
    const child = context.facts.get(relation.child.name)!;
    const column = random.pick(child.dates);
    const date = col(child.table.name, column.name);
    const isLast = random.chance(0.7);
    const phrase = someRows(context, child, [column.name, relation.childColumn.name], 0.3);
    const variant = random.chance(0.6) ? 'name' : 'date';
    const label = labelMarks(child);
    const sql = numberedRows({
      columns: [...labelMarks(parent), ...label, ...(variant === 'date' ? [date] : [])],
      partitionBy: [col(parent.table.name, relation.parentColumn.name)],
      orderBy: [`${date}${isLast ? ' DESC' : ''}`, ...label],
      keep: '= 1',
      select: {
        from: parent.table.name,
        joins: [joinToChild(relation)],
        where: [...phrase.where, ...(column.nullCount > 0 ? [`${date} IS NOT NULL`] : [])],
      },
    });
    if (sql === undefined) return undefined;
    const slots = {
      ...phraseSlots(phrase),
      late: random.pick(isLast ? ['most recent', 'latest', 'newest'] : ['earliest', 'first', 'oldest']),
      date: columnNoun(context, child, column),
      group: roleNoun(context, relation),
      groups: roleNouns(context, relation),
    };
    return { variant, slots, sql };
  },
};
