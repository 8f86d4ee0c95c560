/** What the clauses of a report are made of: rows, groups, figures of a group, columns of a row, conditions on groups. */
import type { Column } from '../../schema/schema.ts';
import { withArticle } from '../../schema/words.ts';
import {
  labelMarks,
  type Measure,
  relationsToParents,
  roundBetween,
  type SynthesisContext,
  sayNumber,
  type TableFacts,
} from '../synthesis/context.ts';
import { ownFilter } from '../synthesis/filters.ts';
import {
  aggregated,
  columnNoun,
  groupOf,
  isSelfRelation,
  isYearFigure,
  labelNoun,
  roleNoun,
  roleNouns,
} from '../synthesis/intents/analysis/pieces.ts';
import type { Group } from '../synthesis/intents/groups.ts';
import { type NounPhrase, nounPhrase } from '../synthesis/noun-phrase.ts';
import { predicateOf } from '../synthesis/predicates.ts';
import { joinToParent } from '../synthesis/related-filters.ts';
import { col, type Join } from '../synthesis/select.ts';
import type { OrderKind } from './wording.ts';

/** A question with its SQL. */
export interface Report {
  readonly question: string;
  readonly sql: string;
}

/** Undefined where the schema has nothing for what was drawn. */
export type ReportMaker = (context: SynthesisContext) => Report | undefined;

export function shareTable(a: readonly Join[], b: readonly Join[]): boolean {
  return a.some(({ table }) => b.some((other) => other.table === table));
}

/** A table joined for one purpose cannot be joined for another. */
export function joinsOnce(joins: readonly Join[]): boolean {
  return new Set(joins.map(({ table }) => table)).size === joins.length;
}

/** Rows under `count` conditions, over other tables too, as far as there are that many. */
export function rowsUnder(
  context: SynthesisContext,
  facts: TableFacts,
  count: number,
  avoid: readonly string[],
  joined: readonly Join[] = [],
): NounPhrase | undefined {
  for (let attempt = 0; attempt < 4; attempt++) {
    const phrase = nounPhrase(context, facts, {
      filterCount: count,
      avoid,
      noJoins: context.random.chance(0.3),
    });
    if (phrase.filters.length < Math.min(count, 1)) continue;
    if (!shareTable(phrase.joins, joined)) return phrase;
  }
  return undefined;
}

/** One or two things to group by. */
export function reportGroup(
  context: SynthesisContext,
  facts: TableFacts,
  twoChance: number,
): Group | undefined {
  const first = groupOf(context, facts);
  if (first === undefined || !context.random.chance(twoChance)) return first;
  const second = groupOf(context, facts);
  if (second === undefined || shareTable(first.joins, second.joins)) return first;
  if (second.avoid.some((name) => first.avoid.includes(name))) return first;
  const and = context.random.pick([' and ', ' and ', ' and within it per ']);
  return {
    noun: `${first.noun}${and}${second.noun}`,
    plural: `${first.plural} and ${second.plural}`,
    columns: [...first.columns, ...second.columns],
    by: [...first.by, ...second.by],
    joins: [...first.joins, ...second.joins],
    avoid: [...first.avoid, ...second.avoid],
  };
}

/** One number a group. */
export interface Figure {
  readonly sql: string;
  readonly noun: string;
  readonly kind: 'count' | 'sum' | 'average' | 'other' | 'date';
  readonly measure?: Measure;
}

function measureFigure(context: SynthesisContext, measure: Measure): Figure {
  const { random } = context;
  const noun = random.pick(measure.nouns);
  const roll = random.next();
  if (measure.canSum && roll < 0.55)
    return { sql: aggregated('SUM', measure.sql), noun: random.pick(measure.sumNouns), kind: 'sum', measure };
  if (roll < 0.75)
    return {
      sql: aggregated('AVG', measure.sql),
      noun: random.pick(measure.averageNouns),
      kind: 'average',
      measure,
    };
  const isHigh = random.chance(0.65);
  const words = isHigh ? ['highest', 'largest', 'maximum'] : ['lowest', 'smallest', 'minimum'];
  return {
    sql: aggregated(isHigh ? 'MAX' : 'MIN', measure.sql),
    noun: `${random.pick(words)} ${noun}`,
    kind: 'other',
    measure,
  };
}

/** "those that are active", after the rows themselves were named. */
function conditional(
  context: SynthesisContext,
  facts: TableFacts,
  avoid: readonly string[],
): Figure | undefined {
  const { random } = context;
  const filter = ownFilter(context, facts);
  if (
    filter === undefined ||
    filter.uses.some((name) => avoid.includes(name)) ||
    filter.sql.includes('SELECT')
  )
    return undefined;
  const is = predicateOf(filter);
  const measures = facts.measures.filter((measure) => measure.canSum && measure.column !== undefined);
  const roll = random.next();
  if (roll < 0.4) {
    const sql = `SUM(CASE WHEN ${filter.sql} THEN 1 ELSE 0 END)`;
    const words = [`how many of them ${is}`, `the number of those that ${is}`, `the count that ${is}`];
    return { sql, noun: random.pick(words), kind: 'other' };
  }
  if (roll < 0.6) {
    const sql = `100.0 * SUM(CASE WHEN ${filter.sql} THEN 1 ELSE 0 END) / COUNT(*)`;
    const words = [
      `what percentage of them ${is}`,
      `the percentage that ${is}`,
      `the share in percent that ${is}`,
    ];
    return { sql, noun: random.pick(words), kind: 'other' };
  }
  if (measures.length === 0) return undefined;
  const measure = random.pick(measures);
  if (filter.uses.includes(measure.column!.name)) return undefined;
  const sql = `SUM(CASE WHEN ${filter.sql} THEN ${measure.sql} ELSE 0 END)`;
  const noun = random.pick(measure.sumNouns);
  const words = [`the ${noun} of those that ${is}`, `the part of the ${noun} where they ${is}`];
  return { sql, noun: random.pick(words), kind: 'other' };
}

function distinctParents(
  context: SynthesisContext,
  facts: TableFacts,
  avoid: readonly string[],
): Figure | undefined {
  const { random } = context;
  const relations = relationsToParents(context, facts.table.name).filter(
    (relation) => !isSelfRelation(relation) && !avoid.includes(relation.childColumn.name),
  );
  if (relations.length === 0) return undefined;
  const relation = random.pick(relations);
  const word = random.pick(['different', 'distinct']);
  return {
    sql: `COUNT(DISTINCT ${col(facts.table.name, relation.childColumn.name)})`,
    noun: `number of ${word} ${roleNouns(context, relation)}`,
    kind: 'other',
  };
}

function dateFigure(context: SynthesisContext, facts: TableFacts): Figure | undefined {
  if (facts.dates.length === 0) return undefined;
  const { random } = context;
  const column = random.pick(facts.dates);
  const isLast = random.chance(0.6);
  const word = random.pick(isLast ? ['latest', 'most recent', 'last'] : ['earliest', 'first']);
  return {
    sql: `${isLast ? 'MAX' : 'MIN'}(${col(facts.table.name, column.name)})`,
    noun: `${word} ${columnNoun(context, facts, column)}`,
    kind: 'date',
  };
}

/** The rows as a group counts them: "contracts". */
export function plainRows(context: SynthesisContext, facts: TableFacts): string {
  return context.lexicon.table(facts.table.name).nouns[0]![1];
}

/** Different figures of one group; the count among them more often than not. */
export function groupFigures(
  context: SynthesisContext,
  facts: TableFacts,
  avoid: readonly string[],
  count: number,
): Figure[] {
  const { random } = context;
  const rows = plainRows(context, facts);
  const counts = [`number of ${rows}`, 'how many there are', `count of ${rows}`, 'their number'];
  const figures: Figure[] = random.chance(0.65)
    ? [{ sql: 'COUNT(*)', noun: random.pick(counts), kind: 'count' }]
    : [];
  const measures = facts.measures.filter(
    (measure) => !isYearFigure(measure) && !avoid.includes(measure.column?.name ?? ''),
  );
  for (let attempt = 0; attempt < 12 && figures.length < count; attempt++) {
    const roll = random.next();
    const figure =
      roll < 0.62 && measures.length > 0
        ? measureFigure(context, random.pick(measures))
        : roll < 0.8
          ? conditional(context, facts, avoid)
          : roll < 0.91
            ? distinctParents(context, facts, avoid)
            : dateFigure(context, facts);
    if (figure !== undefined && !figures.some(({ sql, noun }) => sql === figure.sql || noun === figure.noun))
      figures.push(figure);
  }
  return random.chance(0.7) ? figures : random.shuffle(figures);
}

/** What an order calls the figure; undefined where its words are a clause of their own ("how many of them are active"). */
export function orderNoun({ kind, noun }: Figure): string | undefined {
  if (kind === 'count') return 'number';
  return /^(?:how|what|the) /.test(noun) ? undefined : noun;
}

export interface GroupCondition {
  readonly sql: string;
  /** "at least 5 contracts", "a total value above 1m" */
  readonly said: string;
  /** What the groups have that are left out: "fewer than 5 contracts". */
  readonly opposite: string;
}

/** A threshold for groups. */
export function groupCondition(
  context: SynthesisContext,
  facts: TableFacts,
  figure: Figure | undefined,
): GroupCondition | undefined {
  const { random } = context;
  const column = figure?.measure?.column;
  if (figure === undefined || figure.kind === 'count' || column === undefined) {
    const n = 2 + random.int(Math.max(3, Math.ceil(Math.min(12, facts.table.rowCount / 40))));
    const rows = plainRows(context, facts);
    const said = sayNumber(random, n);
    if (random.chance(0.65))
      return {
        sql: `COUNT(*) >= ${n}`,
        said: `${random.pick(['at least', 'no fewer than', 'a minimum of'])} ${said} ${rows}`,
        opposite: `${random.pick(['fewer than', 'less than'])} ${said} ${rows}`,
      };
    return {
      sql: `COUNT(*) > ${n}`,
      said: `${random.pick(['more than', 'over'])} ${said} ${rows}`,
      opposite: `${said} ${rows} or fewer`,
    };
  }
  if (figure.kind === 'other' || figure.kind === 'date') return undefined;
  const top = Number(column.max) * (figure.kind === 'sum' ? 3 : 0.5);
  const value = roundBetween(random, Number(column.min), top);
  const said = sayNumber(random, value);
  const isMore = random.chance(0.8);
  const more = random.pick(['above', 'over', 'of more than', 'exceeding']);
  const less = random.pick(['below', 'under', 'of less than']);
  return {
    sql: `${figure.sql} ${isMore ? '>' : '<'} ${value}`,
    said: `${withArticle(figure.noun)} ${isMore ? more : less} ${said}`,
    opposite: `${withArticle(figure.noun)} of ${said} or ${isMore ? 'less' : 'more'}`,
  };
}

/** "only departments with at least 5 contracts". */
export function keepClause(
  context: SynthesisContext,
  groups: string,
  conditions: readonly GroupCondition[],
): string {
  const { random } = context;
  const said = conditions.map((condition) => condition.said).join(' and ');
  const forms = [
    `only ${groups} with ${said}`,
    `keep only ${groups} that have ${said}`,
    `restricted to ${groups} with ${said}`,
    `only where there is ${said}`,
    `show only ${groups} having ${said}`,
    `counting in just the ${groups} with ${said}`,
    `${groups} without ${said} are left out`,
  ];
  if (conditions.length === 1)
    forms.push(
      `leave out ${groups} with ${conditions[0]!.opposite}`,
      `skip ${groups} that have ${conditions[0]!.opposite}`,
      `${groups} with ${conditions[0]!.opposite} do not matter`,
    );
  return random.pick(forms);
}

/** A column of a row in a list. */
export interface RowColumn {
  readonly sql: string;
  readonly noun: string;
  readonly kind: OrderKind;
  readonly joins: readonly Join[];
  readonly uses: readonly string[];
}

function ownColumn(context: SynthesisContext, facts: TableFacts, column: Column, kind: OrderKind): RowColumn {
  const noun = columnNoun(context, facts, column);
  return { sql: col(facts.table.name, column.name), noun, kind, joins: [], uses: [column.name] };
}

function parentColumn(context: SynthesisContext, facts: TableFacts): RowColumn | undefined {
  const { random } = context;
  const relations = relationsToParents(context, facts.table.name).filter((r) => !isSelfRelation(r));
  if (relations.length === 0) return undefined;
  const relation = random.pick(relations);
  const parent = context.facts.get(relation.parent.name)!;
  const role = roleNoun(context, relation);
  const joins = [joinToParent(relation)];
  const uses = [relation.childColumn.name];
  if (parent.categories.length > 0 && random.chance(0.4)) {
    const column = random.pick(parent.categories);
    const noun = columnNoun(context, parent, column);
    const words = [`${noun} of the ${role}`, `${role} ${noun}`, `the ${role}'s ${noun}`];
    return { sql: col(parent.table.name, column.name), noun: random.pick(words), kind: 'text', joins, uses };
  }
  const labels = labelMarks(parent);
  if (labels.length !== 1) return undefined;
  const name = labelNoun(context, parent);
  const noun = random.pick([role, role, `name of the ${role}`, `${role} ${name}`]);
  return { sql: labels[0]!, noun: name === 'id' ? role : noun, kind: 'text', joins, uses };
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
    uses: [first!.name, last!.name],
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
      const uses = measure.column === undefined ? [sql] : [measure.column.name];
      column = { sql, noun: random.pick(measure.nouns), kind: 'number', joins: [], uses };
    } else if (roll < 0.55 && facts.categories.length > 0)
      column = ownColumn(context, facts, random.pick(facts.categories), 'text');
    else if (roll < 0.7 && facts.dates.length > 0)
      column = ownColumn(context, facts, random.pick(facts.dates), 'date');
    else if (roll < 0.93) column = parentColumn(context, facts);
    else column = daysBetween(context, facts);
    if (column === undefined || columns.some(({ sql, noun }) => sql === column.sql || noun === column.noun))
      continue;
    if (
      shareTable(
        column.joins,
        columns.flatMap(({ joins }) => joins),
      )
    )
      continue;
    columns.push(column);
  }
  return columns;
}
