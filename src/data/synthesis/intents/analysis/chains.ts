/** Questions over three and four tables: figures per grandparent, whole chains, children held against their parent. */

import type { Relation } from '../../../../schema/lexicon.ts';
import { pluralOf } from '../../../../schema/words.ts';
import { labelMarks, relationsToParents, type SynthesisContext, sayNumber } from '../../context.ts';
import {
  childrenVersusParentFrames,
  grandparentFrames,
  wholeChainFrames,
} from '../../frames/analysis/chains.ts';
import { nounPhrase } from '../../noun-phrase.ts';
import { joinToParent } from '../../related-filters.ts';
import { col, identifier, type Join, renderSelect, resolveMarks } from '../../select.ts';
import { type Draft, type Intent, phraseSlots } from '../intent.ts';
import {
  aggregated,
  columnNoun,
  filledCategories,
  isSelfRelation,
  joinToChild,
  labelNoun,
  labelsOf,
  relationsWhere,
  roleNoun,
  roleNouns,
  rowFigures,
  someRows,
} from './pieces.ts';

/** From a table to its parent and on to the parent of that, over three different tables. */
interface Chain {
  readonly near: Relation;
  readonly far: Relation;
}

function chain(context: SynthesisContext): Chain | undefined {
  const chains = relationsWhere(context, (relation) => !isSelfRelation(relation)).flatMap((near) =>
    relationsToParents(context, near.parent.name)
      .filter((far) => !isSelfRelation(far) && far.parent.name !== near.child.name)
      .map((far) => ({ near, far })),
  );
  return chains.length === 0 ? undefined : context.random.pick(chains);
}

/** FROM starts at the far end, as the answer does. */
function chainJoins({ near, far }: Chain): { from: string; joins: Join[] } {
  return { from: far.parent.name, joins: [joinToChild(far), joinToChild(near)] };
}

export const grandparent: Intent = {
  name: 'grandparent',
  weight: 2.8,
  frames: grandparentFrames,
  build: (context): Draft | undefined => {
    const { random } = context;
    const found = chain(context);
    if (found === undefined) return undefined;
    const { near, far } = found;
    const child = context.facts.get(near.child.name)!;
    const top = context.facts.get(far.parent.name)!;
    const measures = child.measures.filter((measure) => measure.column !== undefined);
    const measure = measures.length > 0 && random.chance(0.65) ? random.pick(measures) : undefined;
    const isSum = measure?.canSum === true && random.chance(0.75);
    const phrase = someRows(context, child, [near.childColumn.name, measure?.column?.name ?? ''], 0.35);
    const category = random.chance(0.3) && top.categories.length > 0 ? filledCategories(top)[0] : undefined;
    const role = roleNoun(context, far);
    const noun = category === undefined ? '' : columnNoun(context, top, category);
    const key = col(top.table.name, far.parentColumn.name);
    const shown = category === undefined ? labelMarks(top) : [col(top.table.name, category.name)];
    const slots = {
      ...phraseSlots(phrase),
      far: category === undefined ? role : `${role} ${noun}`,
      fars: category === undefined ? roleNouns(context, far) : `${role} ${pluralOf(noun)}`,
      mid: roleNoun(context, near),
      mids: roleNouns(context, near),
    };
    const base = {
      ...chainJoins(found),
      where: phrase.where,
      groupBy: category === undefined ? [key] : shown,
    };
    const others = relationsToParents(context, child.table.name).filter(
      (relation) => relation !== near && !isSelfRelation(relation),
    );
    if (others.length > 0 && random.chance(0.25)) {
      const other = random.pick(others);
      const columns = [...shown, `COUNT(DISTINCT ${col(child.table.name, other.childColumn.name)})`];
      return {
        variant: 'distinct',
        slots: { ...slots, others: roleNouns(context, other) },
        sql: renderSelect({ columns, ...base }),
      };
    }
    const figure = measure === undefined ? 'COUNT(*)' : aggregated(isSum ? 'SUM' : 'AVG', measure.sql);
    const fig =
      measure === undefined ? 'number' : random.pick(isSum ? measure.sumNouns : measure.averageNouns);
    const said = { ...slots, fig: `${fig} of ${phrase.plural}` };
    if (random.chance(0.3)) {
      const n = random.pick([3, 5, 10]);
      const sql = renderSelect({ columns: shown, ...base, orderBy: [`${figure} DESC`], limit: n });
      return { variant: 'top', slots: { ...said, n: sayNumber(random, n) }, sql };
    }
    if (random.chance(0.35)) {
      const mids = `COUNT(DISTINCT ${col(near.child.name, near.childColumn.name)})`;
      const columns = [...shown, mids, figure];
      return { variant: 'midsAndFigure', slots: said, sql: renderSelect({ columns, ...base }) };
    }
    return { variant: 'figure', slots: said, sql: renderSelect({ columns: [...shown, figure], ...base }) };
  },
};

export const wholeChain: Intent = {
  name: 'whole-chain',
  weight: 1,
  frames: wholeChainFrames,
  build: (context): Draft | undefined => {
    const found = chain(context);
    if (found === undefined) return undefined;
    const { near, far } = found;
    const child = context.facts.get(near.child.name)!;
    const phrase = someRows(context, child, [near.childColumn.name], 0.85);
    const sql = renderSelect({
      columns: [
        ...labelMarks(child),
        ...labelsOf(context, near.parent.name),
        ...labelsOf(context, far.parent.name),
      ],
      from: child.table.name,
      joins: [joinToParent(near), joinToParent(far)],
      where: phrase.where,
    });
    const slots = {
      ...phraseSlots(phrase),
      name: labelNoun(context, child),
      mid: roleNoun(context, near),
      far: roleNoun(context, far),
    };
    return { variant: 'three', slots, sql };
  },
};

/** Sums of children beside a figure of the parent itself, and counts of two kinds of children. */
export const childrenVersusParent: Intent = {
  name: 'children-versus-parent',
  weight: 3,
  frames: childrenVersusParentFrames,
  build: (context): Draft | undefined => {
    const { random, lexicon } = context;
    const variant = random.pick(['exceeds', 'exceedsShown', 'percent', 'twoCounts'] as const);
    if (variant === 'twoCounts') return twoCounts(context);
    const relations = relationsWhere(
      context,
      (relation, parent, child) =>
        !isSelfRelation(relation) &&
        rowFigures(parent, { canSum: true }).length > 0 &&
        rowFigures(child, { canSum: true }).length > 0,
    );
    if (relations.length === 0) return undefined;
    const relation = random.pick(relations);
    const parent = context.facts.get(relation.parent.name)!;
    const child = context.facts.get(relation.child.name)!;
    const own = random.pick(rowFigures(parent, { canSum: true }));
    const measure = random.pick(rowFigures(child, { canSum: true }));
    const phrase = someRows(context, child, [relation.childColumn.name, measure.column!.name], 0.3);
    const sum = aggregated('SUM', measure.sql);
    const names = labelMarks(parent);
    const grouped = {
      from: parent.table.name,
      joins: [joinToChild(relation)],
      where: phrase.where,
      groupBy: [col(parent.table.name, relation.parentColumn.name)],
    };
    const noun = lexicon.table(parent.table.name).nouns[0]!;
    const slots = {
      ...phraseSlots(phrase),
      parent: relation.words.role?.[0] ?? noun[0],
      parents: roleNouns(context, relation),
      noun: random.pick(own.nouns),
      agg: random.pick(measure.sumNouns),
    };
    if (variant === 'percent') {
      const columns = [...names, `100.0 * ${sum} / ${own.sql}`];
      return { variant, slots, sql: renderSelect({ columns, ...grouped }) };
    }
    const columns = variant === 'exceeds' ? names : [...names, own.sql, sum];
    return { variant, slots, sql: renderSelect({ columns, ...grouped, having: [`${sum} > ${own.sql}`] }) };
  },
};

/** Two counts over outer joins, so that no parent is lost; distinct, since each join multiplies the rows of the other. */
function twoCounts(context: SynthesisContext): Draft | undefined {
  const { random, lexicon } = context;
  const relations = relationsWhere(
    context,
    (relation, _parent, child) => !isSelfRelation(relation) && child.table.primaryKey.length === 1,
  );
  const pairs = relations.flatMap((first) =>
    relations
      .filter((second) => second.parent === first.parent && second.child !== first.child)
      .map((second) => [first, second] as const),
  );
  if (pairs.length === 0) return undefined;
  const counted = random.pick(pairs).map((relation) => {
    const facts = context.facts.get(relation.child.name)!;
    const filterCount = random.chance(0.3) ? 1 : 0;
    const avoid = [relation.childColumn.name];
    const phrase = nounPhrase(context, facts, { ownOnly: true, avoid, filterCount });
    const { table, left, right } = joinToChild(relation);
    const on = [`${left} = ${right}`, ...phrase.where].join(' AND ');
    const figure = `COUNT(DISTINCT ${col(table, facts.table.primaryKey[0]!)})`;
    return { relation, phrase, figure, join: `LEFT JOIN ${identifier(table)} ON ${on}` };
  });
  const [first, second] = [counted[0]!, counted[1]!];
  const { parent, parentColumn } = first.relation;
  const columns = [...labelsOf(context, parent.name), first.figure, second.figure].join(', ');
  const from = `${identifier(parent.name)} ${first.join} ${second.join}`;
  const sql = `SELECT ${columns} FROM ${from} GROUP BY ${col(parent.name, parentColumn.name)}`;
  const [noun, nouns] = lexicon.table(parent.name).nouns[0]!;
  const slots = { np: first.phrase.plural, np2: second.phrase.plural, parent: noun, parents: nouns };
  return { variant: 'twoCounts', slots, sql: resolveMarks(sql, 'qualified') };
}
