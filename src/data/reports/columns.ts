/** The columns of a row in a list: its own, its parents', days between its dates, what differs from its parent. */
import type { Column } from '../../schema/schema.ts';
import {
  labelMarks,
  relationsToParents,
  type SynthesisContext,
  type TableFacts,
} from '../synthesis/context.ts';
import {
  columnNoun,
  isSelfRelation,
  isYearFigure,
  labelNoun,
  roleNoun,
} from '../synthesis/intents/analysis/pieces.ts';
import { joinToParent } from '../synthesis/related-filters.ts';
import { col, type Join } from '../synthesis/select.ts';
import { mergedJoins } from './clauses.ts';
import type { OrderKind } from './wording.ts';

/** A column of a row in a list. */
export interface RowColumn {
  readonly sql: string;
  readonly noun: string;
  readonly kind: OrderKind;
  readonly joins: readonly Join[];
}

function ownColumn(context: SynthesisContext, facts: TableFacts, column: Column, kind: OrderKind): RowColumn {
  const noun = columnNoun(context, facts, column);
  return { sql: col(facts.table.name, column.name), noun, kind, joins: [] };
}

function parentColumn(context: SynthesisContext, facts: TableFacts): RowColumn | undefined {
  const { random } = context;
  const relations = relationsToParents(context, facts.table.name).filter((r) => !isSelfRelation(r));
  if (relations.length === 0) return undefined;
  const relation = random.pick(relations);
  const parent = context.facts.get(relation.parent.name)!;
  const role = roleNoun(context, relation);
  const joins = [joinToParent(relation)];
  if (parent.categories.length > 0 && random.chance(0.4)) {
    const column = random.pick(parent.categories);
    const noun = columnNoun(context, parent, column);
    const words = [`${noun} of the ${role}`, `${role} ${noun}`, `the ${role}'s ${noun}`];
    return { sql: col(parent.table.name, column.name), noun: random.pick(words), kind: 'text', joins };
  }
  const labels = labelMarks(parent);
  if (labels.length !== 1) return undefined;
  const name = labelNoun(context, parent);
  const noun = random.pick([role, role, `name of the ${role}`, `${role} ${name}`]);
  return { sql: labels[0]!, noun: name === 'id' ? role : noun, kind: 'text', joins };
}

function daysBetween(context: SynthesisContext, facts: TableFacts): RowColumn | undefined {
  const { random } = context;
  const filled = facts.dates.filter((column) => column.kind === 'date');
  if (filled.length < 2) return undefined;
  const [first, last] = filled.slice(0, 2);
  const [from, to] = [columnNoun(context, facts, first!), columnNoun(context, facts, last!)];
  return {
    sql: `julianday(${col(facts.table.name, last!.name)}) - julianday(${col(facts.table.name, first!.name)})`,
    noun: random.pick([
      `days between ${from} and ${to}`,
      `number of days from ${from} to ${to}`,
      `days from ${from} to ${to}`,
    ]),
    kind: 'number',
    joins: [],
  };
}

/** Different columns of a row besides its name. */
export function rowColumns(context: SynthesisContext, facts: TableFacts, count: number): RowColumn[] {
  const { random } = context;
  const measures = facts.measures.filter((measure) => !isYearFigure(measure));
  const columns: RowColumn[] = [];
  for (let attempt = 0; attempt < 14 && columns.length < count; attempt++) {
    const roll = random.next();
    let column: RowColumn | undefined;
    if (roll < 0.35 && measures.length > 0) {
      const measure = random.pick(measures);
      const sql = measure.sql.replace(/^\((.*)\)$/, '$1');
      column = { sql, noun: random.pick(measure.nouns), kind: 'number', joins: [] };
    } else if (roll < 0.55 && facts.categories.length > 0)
      column = ownColumn(context, facts, random.pick(facts.categories), 'text');
    else if (roll < 0.7 && facts.dates.length > 0)
      column = ownColumn(context, facts, random.pick(facts.dates), 'date');
    else if (roll < 0.93) column = parentColumn(context, facts);
    else column = daysBetween(context, facts);
    if (column === undefined || columns.some(({ sql, noun }) => sql === column.sql || noun === column.noun))
      continue;
    const joined = columns.map(({ joins }) => joins);
    if (mergedJoins(column.joins, ...joined) === undefined) continue;
    columns.push(column);
  }
  return columns;
}

/** Columns of one name on both sides of a relation: "whose city differs from that of the project". */
export function unlikeParent(
  context: SynthesisContext,
  facts: TableFacts,
  joined: readonly Join[],
): { readonly sql: string; readonly said: string; readonly joins: readonly Join[] } | undefined {
  const { random } = context;
  const found = relationsToParents(context, facts.table.name)
    .filter((relation) => !isSelfRelation(relation))
    .flatMap((relation) => {
      const parent = context.facts.get(relation.parent.name)!;
      return facts.categories
        .filter((column) => parent.categories.some(({ name }) => name === column.name))
        .map((column) => ({ relation, column, parent }));
    });
  if (found.length === 0) return undefined;
  const { relation, column, parent } = random.pick(found);
  const joins = [joinToParent(relation)];
  if (mergedJoins(joined, joins) === undefined) return undefined;
  const noun = columnNoun(context, facts, column);
  const role = roleNoun(context, relation);
  const isSame = random.chance(0.35);
  return {
    sql: `${col(facts.table.name, column.name)} ${isSame ? '=' : '<>'} ${col(parent.table.name, column.name)}`,
    said: isSame
      ? random.pick([
          `only where the ${noun} is also that of the ${role}`,
          `only those of the same ${noun} as their ${role}`,
        ])
      : random.pick([
          `only where the ${noun} differs from that of the ${role}`,
          `only those of another ${noun} than their ${role}`,
        ]),
    joins,
  };
}
