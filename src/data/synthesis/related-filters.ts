/**
 * Conditions that reach over foreign keys: "contracts with suppliers in Berlin" (parent), "projects with signed
 * contracts" (child), "people working on Orion" (link over a child to another parent), "… with more than 5 contracts".
 */
import type { Relation } from '../../schema/lexicon.ts';
import {
  relationsToChildren,
  relationsToParents,
  type SynthesisContext,
  sampleText,
  sayNumber,
  type TableFacts,
} from './context.ts';
import type { Filter } from './filter.ts';
import { ownFilter, simpleFilter } from './filters.ts';
import { whoseClause } from './predicates.ts';
import { col, identifier, type Join, qualified, renderSelect, resolveMarks, textLiteral } from './select.ts';

/** The name of one row and the condition that picks it; only single text labels (and codes) can be mentioned. */
export function namedRow(
  context: SynthesisContext,
  facts: TableFacts,
): { name: string; sql: string; column: string } | undefined {
  const { random } = context;
  const codes = facts.table.columns.filter(
    (column) =>
      column.isUnique &&
      column.kind !== 'integer' &&
      column.textValues.length > 0 &&
      !facts.label.includes(column),
  );
  const column =
    facts.label.length === 1 && facts.label[0]!.kind === 'text' && random.chance(codes.length > 0 ? 0.8 : 1)
      ? facts.label[0]
      : codes[0];
  if (facts.label.length === 2) return namedPerson(context, facts);
  if (column === undefined) return undefined;
  const name = sampleText(context, column);
  if (name === undefined) return undefined;
  return { name, sql: `${col(facts.table.name, column.name)} = ${textLiteral(name)}`, column: column.name };
}

/** First and last name are two columns; by last name alone the row is not certain, so both are given. */
function namedPerson(
  context: SynthesisContext,
  facts: TableFacts,
): { name: string; sql: string; column: string } | undefined {
  const [first, last] = facts.label;
  const lastName = sampleText(context, last!);
  if (lastName === undefined) return undefined;
  const sql = `${col(facts.table.name, last!.name)} = ${textLiteral(lastName)}`;
  return { name: lastName, sql, column: first!.name };
}

function isSelf(relation: Relation): boolean {
  return relation.child.name === relation.parent.name;
}

export function joinToParent(relation: Relation): Join {
  return {
    table: relation.parent.name,
    left: col(relation.child.name, relation.childColumn.name),
    right: col(relation.parent.name, relation.parentColumn.name),
  };
}

function childOfPhrases(context: SynthesisContext, relation: Relation): readonly string[] {
  const noun = context.lexicon.table(relation.parent.name).nouns[0]![0];
  return (
    relation.words.childOf ?? [
      'of {p}',
      'for {p}',
      `of the ${noun} {p}`,
      'belonging to {p}',
      'from {p}',
      'by {p}',
    ]
  );
}

/**
 * The phrases that take a description ("active clients"). "of the client {p}", "in {p}'s team" and "that {p} runs" are for
 * the name of one row.
 */
function forDescriptions(phrases: readonly string[], nouns: readonly string[]): string[] {
  return phrases.filter(
    (phrase) =>
      !nouns.some((noun) => phrase.includes(` ${noun} {p}`)) &&
      !/\{p\}(?:'s| (?:is|was) | \w+$| \w+s on$)/.test(phrase),
  );
}

/** Child rows by a condition on their parent. */
export function parentFilter(context: SynthesisContext, facts: TableFacts): Filter | undefined {
  const relations = relationsToParents(context, facts.table.name);
  if (relations.length === 0) return undefined;
  const { random, lexicon } = context;
  const relation = random.pick(relations);
  const parent = context.facts.get(relation.parent.name)!;
  const uses = [relation.childColumn.name];
  const phrases = childOfPhrases(context, relation);
  const phrase = random.pick(phrases);
  if (isSelf(relation)) return selfParentFilter(context, relation, parent, phrase);
  const joins = [joinToParent(relation)];
  if (random.chance(0.5)) {
    const named = namedRow(context, parent);
    if (named === undefined) return undefined;
    return { sql: named.sql, joins, after: phrase.replace('{p}', named.name), uses };
  }
  const condition = random.chance(0.75) ? simpleFilter(context, parent) : ownFilter(context, parent);
  if (condition === undefined) return undefined;
  const parentWords = lexicon.table(relation.parent.name);
  const heads = relation.words.roleHas ?? parentWords.nouns.slice(0, 1).map(([, plural]) => plural);
  if (random.chance(0.3) && condition.after !== undefined) {
    const role = random.pick(relation.words.role ?? [parentWords.nouns[0]![0]]);
    const clause = whoseClause(role, condition.after);
    if (clause !== undefined) return { sql: condition.sql, joins, after: clause, uses };
  }
  const text = [condition.before, condition.head?.[1] ?? random.pick(heads), condition.after]
    .filter((part) => part !== undefined)
    .join(' ');
  const nouns = [...parentWords.nouns.map(([singular]) => singular), ...(relation.words.role ?? [])];
  const fitting = forDescriptions(phrases, nouns);
  if (fitting.length === 0) return undefined;
  return { sql: condition.sql, joins, after: random.pick(fitting).replace('{p}', () => text), uses };
}

/** "people reporting to Ann Lee": the parent is in the same table, so it is found by a subquery. */
function selfParentFilter(
  context: SynthesisContext,
  relation: Relation,
  facts: TableFacts,
  phrase: string,
): Filter | undefined {
  const named = namedRow(context, facts);
  if (named === undefined) return undefined;
  const inner = renderSelect({
    columns: [col(facts.table.name, relation.parentColumn.name)],
    from: facts.table.name,
    where: [named.sql],
  });
  return {
    sql: `${col(facts.table.name, relation.childColumn.name)} IN (${inner})`,
    after: phrase.replace('{p}', named.name),
    uses: [relation.childColumn.name],
  };
}

/** The words of a child noun phrase ("signed contracts over 1m") and the SELECT of its foreign keys. */
function childPhrase(
  context: SynthesisContext,
  relation: Relation,
  withFilter: boolean,
  isSingular = false,
): { text: string; where: string[]; joins: Join[] } {
  const facts = context.facts.get(relation.child.name)!;
  const filter = withFilter ? ownFilter(context, facts) : undefined;
  const number = isSingular ? 0 : 1;
  const noun = context.random.pick(context.lexicon.table(relation.child.name).nouns.slice(0, 2))[number];
  const text = [filter?.before, filter?.head?.[number] ?? noun, filter?.after]
    .filter((part) => part !== undefined)
    .join(' ');
  return { text, where: filter === undefined ? [] : [filter.sql], joins: [] };
}

function keySelect(relation: Relation, where: readonly string[]): string {
  const key = col(relation.child.name, relation.childColumn.name);
  return renderSelect({ columns: [key], from: relation.child.name, where });
}

/** Parents with (or without) children of some kind. */
export function childFilter(context: SynthesisContext, facts: TableFacts): Filter | undefined {
  const relations = relationsToChildren(context, facts.table.name);
  if (relations.length === 0) return undefined;
  const { random } = context;
  const relation = random.pick(relations);
  const words = relation.words;
  const has = random.chance(0.55);
  const usable = (phrases: readonly string[]): string => random.pick(phrases);
  const phrase = has
    ? usable(words.has ?? ['with {c}', 'that have {c}', 'with at least one of the {c}', 'that have any {c}'])
    : usable(
        words.hasNone ?? ['without {c}', 'without any {c}', 'that have no {c}', 'with no {c}', 'lacking {c}'],
      );
  const child = childPhrase(context, relation, phrase.includes('{c}') && random.chance(has ? 0.65 : 0.3));
  const mark = col(facts.table.name, relation.parentColumn.name);
  const after = phrase.replace('{c}', child.text);
  const uses = [relation.parentColumn.name];
  if (has) return { sql: `${mark} IN (${keySelect(relation, child.where)})`, after, uses };
  return { sql: `NOT EXISTS (${correlated(relation, child.where)})`, after, uses };
}

/** `SELECT 1 FROM child WHERE child.key = parent.key AND …`; a child that is the table itself is called `b`. */
export function correlated(relation: Relation, where: readonly string[]): string {
  const alias = isSelf(relation) ? 'b' : undefined;
  const child = identifier(relation.child.name);
  const key = `${alias ?? child}.${identifier(relation.childColumn.name)}`;
  const on = `${key} = ${qualified(relation.parent.name, relation.parentColumn.name)}`;
  const conditions = [on, ...where.map((condition) => resolveMarks(condition, 'qualified', alias))];
  return `SELECT 1 FROM ${child}${alias === undefined ? '' : ` AS ${alias}`} WHERE ${conditions.join(' AND ')}`;
}

/** "for which there is no contract": the EXISTS form. */
export function existsFilter(context: SynthesisContext, facts: TableFacts): Filter | undefined {
  const relations = relationsToChildren(context, facts.table.name).filter((relation) => !isSelf(relation));
  if (relations.length === 0) return undefined;
  const { random } = context;
  const relation = random.pick(relations);
  const child = childPhrase(context, relation, random.chance(0.5));
  const has = random.chance(0.5);
  const body = correlated(relation, child.where);
  const after = has
    ? random.pick([
        `for which there are ${child.text}`,
        `for which ${child.text} exist`,
        `where ${child.text} exist`,
        `where there are ${child.text}`,
      ])
    : random.pick([
        `for which there are no ${child.text}`,
        `for which no ${child.text} exist`,
        `where no ${child.text} exist`,
        `where there are no ${child.text}`,
      ]);
  return { sql: `${has ? '' : 'NOT '}EXISTS (${body})`, after, uses: [relation.parentColumn.name] };
}

/** "with more than five contracts" as a correlated count. */
export function childCountFilter(context: SynthesisContext, facts: TableFacts): Filter | undefined {
  const relations = relationsToChildren(context, facts.table.name).filter((relation) => !isSelf(relation));
  if (relations.length === 0) return undefined;
  const { random } = context;
  const relation = random.pick(relations);
  const comparison = countComparison(context, relation);
  const child = childPhrase(context, relation, random.chance(0.3), comparison.said.endsWith(' one'));
  const on = `${qualified(relation.child.name, relation.childColumn.name)} = ${qualified(relation.parent.name, relation.parentColumn.name)}`;
  const where = [on, ...child.where.map((condition) => resolveMarks(condition, 'qualified'))];
  const count = `(SELECT COUNT(*) FROM ${identifier(relation.child.name)} WHERE ${where.join(' AND ')})`;
  const verb = random.pick(['with', 'that have', 'having', 'with']);
  return {
    sql: `${count} ${comparison.sql}`,
    after: `${verb} ${comparison.said} ${child.text}`,
    uses: [relation.parentColumn.name],
  };
}

/** A comparison with a number of children near what the data has. */
export function countComparison(
  context: SynthesisContext,
  relation: Relation,
): { sql: string; said: string } {
  const { random } = context;
  const mean = Math.max(1, relation.child.rowCount / Math.max(1, relation.parent.rowCount));
  const n = 1 + random.int(Math.max(2, Math.ceil(mean * 1.6)));
  const said = n === 1 ? 'one' : sayNumber(random, n);
  const choice = random.pick(['more', 'more', 'least', 'fewer', 'exactly'] as const);
  switch (choice) {
    case 'more':
      return { sql: `> ${n}`, said: `${random.pick(['more than', 'over', 'more than'])} ${said}` };
    case 'least':
      return {
        sql: `>= ${n}`,
        said: `${random.pick(['at least', 'no fewer than', 'a minimum of'])} ${said}`,
      };
    case 'fewer':
      return {
        sql: `< ${n + 1}`,
        said: `${random.pick(['fewer than', 'less than'])} ${sayNumber(random, n + 1)}`,
      };
    case 'exactly':
      return {
        sql: `= ${n + 1}`,
        said: `${random.pick(['exactly', 'precisely'])} ${sayNumber(random, n + 1)}`,
      };
    default:
      return choice satisfies never;
  }
}

/** Many-to-many: rows of `from` linked over `via` to rows of `to`. */
export function linkFilter(context: SynthesisContext, facts: TableFacts): Filter | undefined {
  const { random, lexicon } = context;
  const routes = relationsToChildren(context, facts.table.name).flatMap((near) =>
    relationsToParents(context, near.child.name)
      .filter((far) => far.parent.name !== facts.table.name && far.parent.name !== near.child.name)
      .map((far) => ({ near, far })),
  );
  if (routes.length === 0) return undefined;
  const { near, far } = random.pick(routes);
  const link = lexicon.links.find(
    (candidate) =>
      candidate.from === facts.table.name &&
      candidate.via === near.child.name &&
      candidate.to === far.parent.name,
  );
  const target = context.facts.get(far.parent.name)!;
  const noun = lexicon.table(far.parent.name).nouns[0]!;
  const phrases = link?.phrases ?? [
    `with ${lexicon.table(near.child.name).nouns[0]![1]} of {p}`,
    'related to {p}',
    `linked to the ${noun[0]} {p}`,
    'connected with {p}',
  ];
  const named = random.chance(0.55) ? namedRow(context, target) : undefined;
  const fitting = named === undefined ? forDescriptions(phrases, [noun[0]]) : phrases;
  if (fitting.length === 0) return undefined;
  const phrase = random.pick(fitting);
  const condition = named === undefined ? simpleFilter(context, target) : undefined;
  if (named === undefined && condition === undefined) return undefined;
  const said =
    named?.name ??
    [condition!.before, condition!.head?.[1] ?? noun[1], condition!.after]
      .filter((part) => part !== undefined)
      .join(' ');
  const own = random.chance(0.15) ? simpleFilter(context, context.facts.get(near.child.name)!) : undefined;
  const inner = renderSelect({
    columns: [col(near.child.name, near.childColumn.name)],
    from: near.child.name,
    joins: [joinToParent(far)],
    where: [named?.sql ?? condition!.sql, ...(own?.after === undefined ? [] : [own.sql])],
  });
  const extra = own?.after === undefined ? '' : ` ${own.after}`;
  return {
    sql: `${col(facts.table.name, near.parentColumn.name)} IN (${inner})`,
    after: phrase.replace('{p}', () => said) + extra,
    uses: [near.parentColumn.name],
  };
}
