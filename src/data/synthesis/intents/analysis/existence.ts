/** Parents by what children they have and have not: EXISTS with NOT EXISTS, all of them, several kinds, over two tables. */

import type { Relation } from '../../../../schema/lexicon.ts';
import { pluralOf } from '../../../../schema/words.ts';
import {
  labelMarks,
  relationsToChildren,
  relationsToParents,
  type SynthesisContext,
  sayNumber,
  type TableFacts,
} from '../../context.ts';
import type { Filter } from '../../filter.ts';
import { valuesNoun } from '../../filters.ts';
import {
  everyChildFrames,
  hasAndHasNotFrames,
  linkedConditionsFrames,
  severalKindsFrames,
} from '../../frames/analysis/existence.ts';
import { type NounPhrase, nounPhrase } from '../../noun-phrase.ts';
import { correlated, joinToParent, parentFilter } from '../../related-filters.ts';
import { sayValue } from '../../saying.ts';
import { col, identifier, type Join, renderSelect, textLiteral } from '../../select.ts';
import { type Intent, phraseSlots } from '../intent.ts';
import {
  filledCategories,
  isSelfRelation,
  joinToChild,
  labelsOf,
  relationsWhere,
  roleNouns,
  someRows,
} from './pieces.ts';

function children(context: SynthesisContext, table: string): Relation[] {
  return relationsToChildren(context, table).filter((relation) => !isSelfRelation(relation));
}

function childRows(context: SynthesisContext, relation: Relation, filterCount: number): NounPhrase {
  const facts = context.facts.get(relation.child.name)!;
  return nounPhrase(context, facts, { ownOnly: true, avoid: [relation.childColumn.name], filterCount });
}

function anyChild(context: SynthesisContext): Relation | undefined {
  const relations = relationsWhere(context, (relation) => !isSelfRelation(relation));
  return relations.length === 0 ? undefined : context.random.pick(relations);
}

/** Two kinds of children: of one table under two conditions, or of two tables. */
export const hasAndHasNot: Intent = {
  name: 'has-and-has-not',
  weight: 3,
  frames: hasAndHasNotFrames,
  build: (context) => {
    const { random, lexicon } = context;
    const first = anyChild(context);
    if (first === undefined) return undefined;
    const others = children(context, first.parent.name).filter((relation) => relation !== first);
    const second = others.length > 0 && random.chance(0.45) ? random.pick(others) : first;
    const isSame = second === first;
    const a = childRows(context, first, isSame || random.chance(0.4) ? 1 : 0);
    const b = childRows(context, second, isSame || random.chance(0.4) ? 1 : 0);
    if (a.where.join() === b.where.join() && second.child === first.child) return undefined;
    const variant = random.pick(['but', 'but', 'both', 'neither'] as const);
    const has = `EXISTS (${correlated(first, a.where)})`;
    const hasOther = `EXISTS (${correlated(second, b.where)})`;
    const where = {
      but: [has, `NOT ${hasOther}`],
      both: [has, hasOther],
      neither: [`NOT ${has}`, `NOT ${hasOther}`],
    }[variant];
    const plain = lexicon.table(first.parent.name).nouns[0]![1];
    const slots = {
      parents: isSame && variant !== 'neither' ? roleNouns(context, first) : plain,
      a: a.plural,
      a1: a.singular,
      b: b.plural,
      b1: b.singular,
    };
    const names = labelsOf(context, first.parent.name);
    return { variant, slots, sql: renderSelect({ columns: names, from: first.parent.name, where }) };
  },
};

interface Property {
  readonly is: string;
  readonly isNot: string;
  readonly pred: string;
  readonly pred1: string;
}

/** A value of a category or a flag that every row has, with its opposite. */
function propertyOf(context: SynthesisContext, facts: TableFacts): Property | undefined {
  const { random, lexicon } = context;
  const flags = facts.booleans.filter((column) => column.nullCount === 0);
  const categories = filledCategories(facts).filter((column) => column.kind === 'text');
  const said = (text: string, isWord: boolean): { pred: string; pred1: string } =>
    isWord ? { pred: `are ${text}`, pred1: `is ${text}` } : { pred: `have ${text}`, pred1: `has ${text}` };
  if (flags.length > 0 && (categories.length === 0 || random.chance(0.35))) {
    const column = random.pick(flags);
    const { isTrue, nouns } = lexicon.column(facts.table.name, column.name);
    const mark = col(facts.table.name, column.name);
    return { is: `${mark} = 1`, isNot: `${mark} = 0`, ...said(random.pick(isTrue ?? nouns), true) };
  }
  if (categories.length === 0) return undefined;
  const column = random.pick(categories);
  const value = random.pick(column.textValues);
  if (value === undefined) return undefined;
  const words = lexicon.column(facts.table.name, column.name);
  const isWord = words.adjective === true && /^status$/i.test(column.name) && random.chance(0.6);
  const text = isWord ? sayValue(context, facts, column, value) : `${random.pick(words.nouns)} ${value}`;
  const mark = col(facts.table.name, column.name);
  return {
    is: `${mark} = ${textLiteral(value)}`,
    isNot: `${mark} <> ${textLiteral(value)}`,
    ...said(text, isWord),
  };
}

export const everyChild: Intent = {
  name: 'every-child',
  weight: 1.6,
  frames: everyChildFrames,
  build: (context) => {
    const { random } = context;
    const relation = anyChild(context);
    if (relation === undefined) return undefined;
    const child = context.facts.get(relation.child.name)!;
    const property = propertyOf(context, child);
    if (property === undefined) return undefined;
    const variant = random.chance(0.65) ? 'every' : 'none';
    const other = variant === 'every' ? property.isNot : property.is;
    const where = [`EXISTS (${correlated(relation, [])})`, `NOT EXISTS (${correlated(relation, [other])})`];
    const { pred, pred1 } = property;
    const slots = {
      ...phraseSlots(childRows(context, relation, 0)),
      parents: roleNouns(context, relation),
      pred,
      pred1,
    };
    const names = labelsOf(context, relation.parent.name);
    return { variant, slots, sql: renderSelect({ columns: names, from: relation.parent.name, where }) };
  },
};

/** What can be counted without repetition among the children of a relation, with its plural noun. */
function countable(
  context: SynthesisContext,
  relation: Relation,
): { mark: string; joins: ReturnType<typeof joinToParent>[]; nouns: string; most: number } | undefined {
  const { random } = context;
  const child = context.facts.get(relation.child.name)!;
  const far = relationsToParents(context, child.table.name).filter(
    (candidate) => candidate.parent.name !== relation.parent.name && !isSelfRelation(candidate),
  );
  const own = filledCategories(child);
  if (own.length > 0 && (far.length === 0 || random.chance(0.4))) {
    const column = random.pick(own);
    const nouns = valuesNoun(context, child, column);
    return { mark: col(child.table.name, column.name), joins: [], nouns, most: column.distinctCount };
  }
  if (far.length === 0) return undefined;
  const other = random.pick(far);
  const parent = context.facts.get(other.parent.name)!;
  const categories = filledCategories(parent);
  if (categories.length === 0 || random.chance(0.4)) {
    const mark = col(child.table.name, other.childColumn.name);
    return { mark, joins: [], nouns: roleNouns(context, other), most: 8 };
  }
  const column = random.pick(categories);
  const role = other.words.role?.[0] ?? context.lexicon.table(other.parent.name).nouns[0]![0];
  const noun = context.lexicon.column(parent.table.name, column.name).nouns[0]!;
  const nouns = noun.startsWith(`${role} `) ? pluralOf(noun) : `${role} ${pluralOf(noun)}`;
  const mark = col(parent.table.name, column.name);
  return { mark, joins: [joinToParent(other)], nouns, most: column.distinctCount };
}

export const severalKinds: Intent = {
  name: 'several-kinds',
  weight: 2.5,
  frames: severalKindsFrames,
  build: (context) => {
    const { random } = context;
    const relation = anyChild(context);
    if (relation === undefined) return undefined;
    const variant = random.pick(['kinds', 'kindsCount', 'perParent', 'parentsWith'] as const);
    const child = context.facts.get(relation.child.name)!;
    const phrase = someRows(context, child, [relation.childColumn.name], 0.3);
    const parents = roleNouns(context, relation);
    const parent = relation.words.role?.[0] ?? context.lexicon.table(relation.parent.name).nouns[0]![0];
    const slots = { ...phraseSlots(phrase), parent, parents };
    if (variant === 'parentsWith') {
      const mean = Math.max(1, relation.child.rowCount / Math.max(1, relation.parent.rowCount));
      const n = 1 + random.int(Math.max(3, Math.ceil(mean * 1.5)));
      const [said, operator] = random.pick([
        ['at least', '>='],
        ['more than', '>'],
        ['exactly', '='],
      ] as const);
      const key = col(child.table.name, relation.childColumn.name);
      const filled = relation.childColumn.nullCount > 0 ? [`${key} IS NOT NULL`] : [];
      const inner = renderSelect({
        columns: [key],
        from: child.table.name,
        where: [...phrase.where, ...filled],
        groupBy: [key],
        having: [`COUNT(*) ${operator} ${n}`],
      });
      const many = `${said} ${n === 1 ? 'one' : sayNumber(random, n)} ${n === 1 ? phrase.singular : phrase.plural}`;
      return { variant, slots: { ...slots, many }, sql: `SELECT COUNT(*) FROM (${inner})` };
    }
    const counted = countable(context, relation);
    if (counted === undefined) return undefined;
    const figure = `COUNT(DISTINCT ${counted.mark})`;
    const n = 2 + random.int(Math.max(1, Math.min(4, counted.most - 1)));
    const sql = renderSelect({
      columns: [...labelsOf(context, relation.parent.name), ...(variant === 'kinds' ? [] : [figure])],
      from: relation.parent.name,
      joins: [joinToChild(relation), ...counted.joins],
      where: phrase.where,
      groupBy: [col(relation.parent.name, relation.parentColumn.name)],
      having: variant === 'perParent' ? [] : [`${figure} >= ${n}`],
    });
    return { variant, slots: { ...slots, cats: counted.nouns, n: sayNumber(random, n) }, sql };
  },
};

/** Children of a relation by a condition on another of their parents. */
function farCondition(
  context: SynthesisContext,
): { relation: Relation; far: Filter & { joins: readonly Join[]; after: string } } | undefined {
  for (let attempt = 0; attempt < 12; attempt++) {
    const relation = anyChild(context);
    if (relation === undefined) return undefined;
    const far = parentFilter(context, context.facts.get(relation.child.name)!);
    const { joins, after } = far ?? {};
    if (far === undefined || joins === undefined || after === undefined) continue;
    if (joins[0]!.table !== relation.parent.name) return { relation, far: { ...far, joins, after } };
  }
  return undefined;
}

/** "people in Munich with billable assignments on critical projects": conditions on three tables. */
export const linkedConditions: Intent = {
  name: 'linked-conditions',
  weight: 1.8,
  frames: linkedConditionsFrames,
  build: (context) => {
    const route = farCondition(context);
    if (route === undefined) return undefined;
    const { relation, far } = route;
    const child = context.facts.get(relation.child.name)!;
    const parent = context.facts.get(relation.parent.name)!;
    const some = someRows(context, child, [relation.childColumn.name, ...far.uses], 0.6);
    // A condition after the noun would stand between it and the other one.
    const isBefore = some.filters.every((filter) => filter.after === undefined);
    const rows = isBefore ? some : someRows(context, child, [], 0);
    const phrase = someRows(context, parent, [relation.parentColumn.name], 0.55);
    const inner = renderSelect({
      columns: [col(child.table.name, relation.childColumn.name)],
      from: child.table.name,
      joins: far.joins,
      where: [...rows.where, far.sql],
    });
    const sql = renderSelect({
      columns: labelMarks(parent),
      from: parent.table.name,
      where: [...phrase.where, `${identifier(relation.parentColumn.name)} IN (${inner})`],
    });
    return { variant: 'linked', slots: { ...phraseSlots(rows), parents: phrase.plural, on: far.after }, sql };
  },
};
