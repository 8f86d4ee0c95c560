/**
 * What the questions of analysts are put together from: a table with a figure, rows under a condition, groups of them, a
 * figure of a group, the first rows of each group. It knows SQL shapes and slots; the sentences are in `frames/analysis/`.
 */
import type { Relation } from '../../../../schema/lexicon.ts';
import type { Column } from '../../../../schema/schema.ts';
import { labelMarks, type Measure, type SynthesisContext, type TableFacts } from '../../context.ts';
import { type NounPhrase, nounPhrase } from '../../noun-phrase.ts';
import { isYear } from '../../saying.ts';
import { col, type Join, type Select } from '../../select.ts';
import { type Group, isGroupOf, pickGroup } from '../groups.ts';

/** A random table among those that fit. */
export function tableWhere(
  context: SynthesisContext,
  fits: (facts: TableFacts) => boolean,
): TableFacts | undefined {
  const fitting = [...context.facts.values()].filter(fits);
  return fitting.length === 0 ? undefined : context.random.pick(fitting);
}

/** A plain column to rank, compare and add up rows by. */
export interface RowFigure {
  readonly facts: TableFacts;
  readonly measure: Measure;
  readonly column: Column;
  /** The column's mark. */
  readonly value: string;
  readonly noun: string;
}

export interface RowFigureOptions {
  readonly rowsMax?: number;
  /** Only figures whose sum means something. */
  readonly canSum?: boolean;
  /** Only figures that every row has. */
  readonly isFilled?: boolean;
  /** Figures with few values rank badly. Default 15. */
  readonly distinctMin?: number;
  readonly fits?: (facts: TableFacts) => boolean;
}

/** Nobody asks for the average fiscal year. */
export function isYearFigure({ column }: Measure): boolean {
  return column !== undefined && isYear(Number(column.min)) && isYear(Number(column.max));
}

export function rowFigures(facts: TableFacts, options: RowFigureOptions = {}): Measure[] {
  return facts.measures.filter(
    (measure) =>
      measure.column !== undefined &&
      !isYearFigure(measure) &&
      measure.column.distinctCount >= (options.distinctMin ?? 15) &&
      (options.canSum !== true || measure.canSum) &&
      (options.isFilled !== true || !measure.nullable),
  );
}

export function rowFigure(context: SynthesisContext, options: RowFigureOptions = {}): RowFigure | undefined {
  const facts = tableWhere(
    context,
    (candidate) =>
      rowFigures(candidate, options).length > 0 &&
      candidate.table.rowCount <= (options.rowsMax ?? Number.POSITIVE_INFINITY) &&
      (options.fits?.(candidate) ?? true),
  );
  if (facts === undefined) return undefined;
  const measure = context.random.pick(rowFigures(facts, options));
  const column = measure.column!;
  const noun = context.random.pick(measure.nouns);
  return { facts, measure, column, value: col(facts.table.name, column.name), noun };
}

/** Rows of a table, with one condition on its own columns now and then. */
export function someRows(
  context: SynthesisContext,
  facts: TableFacts,
  avoid: readonly string[] = [],
  chance = 0.4,
): NounPhrase {
  const filterCount = context.random.chance(chance) ? 1 : 0;
  return nounPhrase(context, facts, { avoid, ownOnly: true, filterCount });
}

/** What the column that names a row is called. */
export function labelNoun(context: SynthesisContext, facts: TableFacts): string {
  const [first, second] = facts.label;
  if (second === undefined) return context.lexicon.column(facts.table.name, first!.name).nouns[0]!;
  return second.kind === 'text' ? 'name' : 'id';
}

/** Categories that every row has. */
export function filledCategories(facts: TableFacts, avoid: readonly string[] = []): Column[] {
  return facts.categories.filter((column) => column.nullCount === 0 && !avoid.includes(column.name));
}

/** One of several nouns of a column. */
export function columnNoun(context: SynthesisContext, facts: TableFacts, column: Column): string {
  return context.random.pick(context.lexicon.column(facts.table.name, column.name).nouns);
}

/** The parent as people call it in this relation. */
export function roleNoun(context: SynthesisContext, relation: Relation): string {
  const noun = context.lexicon.table(relation.parent.name).nouns[0]![0];
  const guess = isSelfRelation(relation) ? `parent ${noun}` : noun;
  return context.random.pick(relation.words.role ?? [guess]);
}

/** Plural of `roleNoun`. */
export function roleNouns(context: SynthesisContext, relation: Relation): string {
  const noun = context.lexicon.table(relation.parent.name).nouns[0]![1];
  return context.random.pick(relation.words.roleHas ?? [noun]);
}

export function isSelfRelation(relation: Relation): boolean {
  return relation.child.name === relation.parent.name;
}

/** The join that brings the children of a relation to its parents. */
export function joinToChild(relation: Relation): Join {
  return {
    table: relation.child.name,
    left: col(relation.parent.name, relation.parentColumn.name),
    right: col(relation.child.name, relation.childColumn.name),
  };
}

/** Relations between two tables whose rows both have facts. */
export function relationsWhere(
  context: SynthesisContext,
  fits: (relation: Relation, parent: TableFacts, child: TableFacts) => boolean,
): Relation[] {
  return context.lexicon.relations.filter((relation) => {
    const parent = context.facts.get(relation.parent.name);
    const child = context.facts.get(relation.child.name);
    return parent !== undefined && child !== undefined && fits(relation, parent, child);
  });
}

/** Groups without a NULL among them: categories that every row has, names and categories of parents. */
export function groupOf(
  context: SynthesisContext,
  facts: TableFacts,
  measure?: Measure,
  isCompound = true,
): Group | undefined {
  const mayBeNull = new Set(
    facts.categories
      .filter((column) => column.nullCount > 0)
      .map((column) => col(facts.table.name, column.name)),
  );
  for (let attempt = 0; attempt < 5; attempt++) {
    const group = pickGroup(context, facts, isCompound);
    if (group === undefined) return undefined;
    if (measure !== undefined && isGroupOf(group, measure)) continue;
    if (group.columns.every((column) => !mayBeNull.has(column))) return group;
  }
  return undefined;
}

/** An aggregate without the brackets of a computed figure inside its own. */
export function aggregated(name: 'SUM' | 'AVG' | 'MIN' | 'MAX', sql: string): string {
  return `${name}(${sql.replace(/^\((.*)\)$/, '$1')})`;
}

/** An aggregate over rows of one table, in words that name the rows: "total budget of active projects". */
export interface GroupFigure {
  readonly facts: TableFacts;
  readonly group: Group;
  readonly phrase: NounPhrase;
  readonly sql: string;
  readonly said: string;
  readonly kind: 'count' | 'sum' | 'average';
  /** What it is called inside a statement, and a CTE of it. */
  readonly alias: string;
  readonly cte: string;
  readonly measure: Measure | undefined;
  /** FROM … GROUP BY of the figure per group. */
  readonly grouped: Pick<Select, 'from' | 'joins' | 'where' | 'groupBy'>;
}

export interface GroupFigureOptions {
  readonly kinds?: readonly ('count' | 'sum' | 'average')[];
  readonly filterChance?: number;
}

export function groupFigure(
  context: SynthesisContext,
  options: GroupFigureOptions = {},
): GroupFigure | undefined {
  const { random } = context;
  const kind = random.pick(options.kinds ?? (['count', 'sum', 'sum', 'average'] as const));
  const measuresOf = ({ measures }: TableFacts): Measure[] =>
    measures.filter((measure) => (kind === 'average' || measure.canSum) && !isYearFigure(measure));
  const facts = tableWhere(context, (candidate) =>
    kind === 'count'
      ? candidate.categories.length > 0 || candidate.table.foreignKeys.length > 0
      : measuresOf(candidate).length > 0,
  );
  if (facts === undefined) return undefined;
  const measures = measuresOf(facts);
  const measure = kind === 'count' ? undefined : random.pick(measures);
  const group = groupOf(context, facts, measure);
  if (group === undefined) return undefined;
  const avoid = [...group.avoid, ...(measure?.column === undefined ? [] : [measure.column.name])];
  const phrase = someRows(context, facts, avoid, options.filterChance ?? 0.35);
  const sql = measure === undefined ? 'COUNT(*)' : aggregated(kind === 'sum' ? 'SUM' : 'AVG', measure.sql);
  const noun =
    measure === undefined
      ? random.pick(['number', 'number', 'count'])
      : random.pick(kind === 'sum' ? measure.sumNouns : measure.averageNouns);
  const grouped = {
    from: facts.table.name,
    joins: group.joins,
    where: phrase.where,
    groupBy: group.by,
  };
  const alias = { count: 'n', sum: 'total', average: 'mean' }[kind];
  const cte = { count: 'counts', sum: 'totals', average: 'means' }[kind];
  const said = `${noun} of ${phrase.plural}`;
  return { facts, group, phrase, sql, said, kind, alias, cte, measure, grouped };
}

/** The slots of a figure per group. */
export function figureSlots(figure: GroupFigure): { fig: string; group: string; groups: string } {
  return { fig: figure.said, group: figure.group.noun, groups: figure.group.plural };
}

/** Label marks of the table that a relation's side stands for. */
export function labelsOf(context: SynthesisContext, table: string): string[] {
  return labelMarks(context.facts.get(table)!);
}

/** "second", "third" … and the number itself. */
export function ordinal(context: SynthesisContext): { k: number; nth: string } {
  const k = context.random.pick([2, 2, 2, 3, 3, 4, 5]);
  const nth = { 2: ['second', '2nd'], 3: ['third', '3rd'], 4: ['fourth', '4th'], 5: ['fifth', '5th'] }[k]!;
  return { k, nth: context.random.pick(nth) };
}
