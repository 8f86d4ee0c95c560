/** Groups by their count or figure, and parents by the number of their children. */
import { labelMarks, relationsToChildren, sayNumber } from '../context.ts';
import { childrenCountsFrames, topGroupFrames } from '../frames/top-groups.ts';
import { nounPhrase } from '../noun-phrase.ts';
import { col, renderSelect } from '../select.ts';
import { isGroupOf, pickGroup } from './groups.ts';
import { type Intent, phraseSlots } from './intent.ts';

/** "which department has the most active projects", "… the highest total budget". */
export const topGroup: Intent = {
  name: 'top-group',
  weight: 6,
  frames: topGroupFrames,
  build: (context) => {
    const { random } = context;
    const facts = context.facts.get(random.pick(context.tables).name)!;
    const group = pickGroup(context, facts, true);
    if (group === undefined) return undefined;
    const measure =
      facts.measures.length > 0 && random.chance(0.45) ? random.pick(facts.measures) : undefined;
    const avoid = [...group.avoid, ...(measure?.column === undefined ? [] : [measure.column.name])];
    const phrase = nounPhrase(context, facts, {
      avoid,
      noJoins: group.joins.length > 0,
      filterCount: random.chance(0.4) ? 1 : 0,
    });
    if (measure?.column !== undefined && isGroupOf(group, measure)) return undefined;
    const useSum = measure?.canSum === true && random.chance(0.65);
    const key =
      measure === undefined
        ? 'COUNT(*)'
        : `${useSum ? 'SUM' : 'AVG'}(${measure.sql.replace(/^\((.*)\)$/, '$1')})`;
    const multiple = random.chance(0.3);
    const down = multiple || random.chance(0.85);
    const withCounts = multiple && measure === undefined && random.chance(0.3);
    const n = random.pick([3, 5, 10, 2, 4]);
    const sql = renderSelect({
      columns: [...group.columns, ...(withCounts ? [key] : [])],
      from: facts.table.name,
      joins: [...group.joins, ...phrase.joins],
      where: phrase.where,
      groupBy: group.by,
      orderBy: [`${key}${down ? ' DESC' : ''}`],
      limit: multiple ? n : 1,
    });
    const agg = measure === undefined ? '' : random.pick(useSum ? measure.sumNouns : measure.averageNouns);
    const slots = {
      ...phraseSlots(phrase),
      group: group.noun,
      groups: group.plural,
      agg,
      n: sayNumber(random, n),
    };
    if (withCounts) return { variant: 'topCountFigures', slots, sql };
    if (multiple) return { variant: measure === undefined ? 'topCount' : 'topFigure', slots, sql };
    if (measure === undefined) return { variant: down ? 'count' : 'few', slots, sql };
    const bare = down && phrase.filters.length === 0 && random.chance(0.6);
    return { variant: bare ? 'bareFigure' : down ? 'figure' : 'lowFigure', slots, sql };
  },
};

/** Parents by number of (filtered) children, with the HAVING list and the LEFT JOIN that keeps those with none. */
export const childrenCounts: Intent = {
  name: 'children-counts',
  weight: 3,
  frames: childrenCountsFrames,
  build: (context) => {
    const { random, lexicon } = context;
    const facts = context.facts.get(random.pick(context.tables).name)!;
    const relations = relationsToChildren(context, facts.table.name).filter(
      (relation) => relation.child.name !== facts.table.name,
    );
    if (relations.length === 0) return undefined;
    const relation = random.pick(relations);
    const child = context.facts.get(relation.child.name)!;
    const key = col(facts.table.name, relation.parentColumn.name);
    const [noun, nouns] = lexicon.table(facts.table.name).nouns[0]!;
    const phrase = nounPhrase(context, child, {
      ownOnly: true,
      filterCount: random.chance(0.4) ? 1 : 0,
      avoid: [relation.childColumn.name],
    });
    const join = {
      table: child.table.name,
      left: key,
      right: col(child.table.name, relation.childColumn.name),
    };
    const childKey = child.table.primaryKey[0] ?? relation.childColumn.name;
    if (phrase.filters.length === 0 && random.chance(0.35)) {
      const sql = renderSelect({
        columns: [...labelMarks(facts), `COUNT(${col(child.table.name, childKey)})`],
        from: facts.table.name,
        joins: [{ ...join, isLeft: true }],
        groupBy: [key],
      });
      return { variant: 'withZero', slots: { ...phraseSlots(phrase), noun, nouns }, sql };
    }
    const mean = Math.max(1, relation.child.rowCount / Math.max(1, relation.parent.rowCount));
    const n = 1 + random.int(Math.max(2, Math.ceil(mean * 1.8)));
    const [cmp, operator] = random.pick([
      ['more than', '>'],
      ['at least', '>='],
      ['over', '>'],
      ['exactly', '='],
      ['fewer than', '<'],
    ] as const);
    const said = `${cmp} ${n === 1 ? 'one' : sayNumber(random, n)}`;
    const sql = renderSelect({
      columns: labelMarks(facts),
      from: facts.table.name,
      joins: [join],
      where: phrase.where,
      groupBy: [key],
      having: [`COUNT(*) ${operator} ${n}`],
    });
    return {
      variant: 'more',
      slots: {
        ...phraseSlots(phrase),
        noun,
        nouns,
        cmp: said,
        many: `${said} ${n === 1 ? phrase.singular : phrase.plural}`,
      },
      sql,
    };
  },
};
