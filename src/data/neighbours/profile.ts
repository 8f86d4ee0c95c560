/** What is known of a source before any neighbour is drawn: the role and the values of each column, and the constants. */
import type { SqlValue } from '../../database/execution.ts';
import type { Random } from '../../foundation/random.ts';
import {
  asColumnValue,
  besides,
  type ColumnValues,
  describeValues,
  distinctOf,
  fitting,
  freshValue,
} from './column-values.ts';
import { type Dependency, dependenciesOf } from './dependencies.ts';
import type { Condition, QueryFacts } from './query-facts.ts';
import type { ColumnPlace } from './query-reader.ts';
import type { Link, SourceDatabase, SourceTable } from './source.ts';

export interface ColumnProfile {
  /** 'key': alone unique by a constraint; 'link': part of a foreign key. */
  readonly role: 'key' | 'link' | 'value';
  readonly values: ColumnValues;
  /** Constants of the queries and values next to them, as this column would hold them. */
  readonly constants: readonly SqlValue[];
  /** What a condition on this column can be told apart by: other values than the constants. */
  readonly choices: readonly SqlValue[];
}

export interface TableProfile {
  readonly table: SourceTable;
  readonly columns: readonly ColumnProfile[];
  readonly links: readonly Link[];
  readonly dependencies: ReadonlyMap<number, Dependency>;
}

const CONSTANTS_MAX = 60;

/** Values that a condition holds for, or only just does not: the first one always satisfies it. */
export function witnessesOf(condition: Condition, column: ColumnProfile, random: Random): SqlValue[] {
  const { values } = column;
  if (condition.operator === 'like') {
    const text = fitting(String(condition.values[0]), random);
    if (values.kind === 'date') return [text + String(random.pick(values.observed)).slice(text.length)];
    return values.kind === 'text' || values.kind === 'category' ? [text] : [];
  }
  const constants = condition.values
    .map((constant) => asColumnValue(values, constant))
    .filter((v) => v !== undefined);
  const [first] = constants;
  if (first === undefined) return [];
  const [below = first, above = first] = besides(values, first);
  switch (condition.operator) {
    case '<':
      return [below, first];
    case '<=':
      return [first, above];
    case '>':
      return [above, first];
    case '>=':
      return [first, below];
    case '<>':
      return [column.choices.find((value) => !constants.includes(value)) ?? first, first];
    default:
      return constants;
  }
}

function constantsFor(conditions: readonly Condition[], values: ColumnValues, random: Random): SqlValue[] {
  const column: ColumnProfile = { role: 'value', values, constants: [], choices: values.distinct };
  const found = conditions.flatMap((condition) => {
    const own = witnessesOf(condition, column, random);
    return condition.operator === '=' || condition.operator === 'between'
      ? [...own, ...own.flatMap((value) => besides(values, value))]
      : own;
  });
  return random.shuffle(distinctOf(found)).slice(0, CONSTANTS_MAX);
}

/** At least one value that is no constant, so that leaving a condition out makes a difference. */
function choicesOf(values: ColumnValues, constants: readonly SqlValue[], random: Random): SqlValue[] {
  const choices = distinctOf([...values.distinct, ...constants]);
  if (choices.length > 1 || choices.length === 0) return choices;
  const [only] = choices;
  return [...choices, typeof only === 'number' ? only + 1 : freshValue(values, random)];
}

/** Columns that queries join with a column of a table that is drawn before, although no foreign key says so. */
function joinedLinks(source: SourceDatabase, table: SourceTable, facts: readonly QueryFacts[]): Link[] {
  const linked = new Set(table.links.flatMap(({ columns }) => columns));
  const positionOf = (wanted: string) => source.tables.findIndex(({ name }) => name === wanted);
  const own = positionOf(table.name);
  const links = new Map<number, Link>();
  const add = (from: ColumnPlace, to: ColumnPlace) => {
    const isOwnKey = table.primaryKey.length === 1 && table.primaryKey[0] === from.column;
    const isDrawnBefore = positionOf(to.table) < own;
    if (from.table !== table.name || !isDrawnBefore || isOwnKey || linked.has(from.column)) return;
    links.set(from.column, {
      columns: [from.column],
      parent: to.table,
      targets: [to.column],
      isValid: false,
    });
  };
  for (const { equalities } of facts) {
    for (const [left, right] of equalities) {
      add(left, right);
      add(right, left);
    }
  }
  return [...links.values()];
}

export function profileTable(
  source: SourceDatabase,
  table: SourceTable,
  facts: readonly QueryFacts[],
  random: Random,
): TableProfile {
  const links = [...table.links, ...joinedLinks(source, table, facts)];
  const linked = new Set(links.flatMap(({ columns }) => columns));
  const keys = new Set(
    [table.primaryKey, ...table.uniques].filter((set) => set.length === 1).map(([at]) => at!),
  );
  const conditions = facts
    .flatMap((fact) => fact.conditions)
    .filter((condition) => condition.table === table.name);
  const columns = table.columns.map((column, at): ColumnProfile => {
    const own = random.fork(column.name);
    const values = describeValues(
      column,
      table.rows.map((row) => row[at]!),
      own,
    );
    const constants = constantsFor(
      conditions.filter((condition) => condition.column === at),
      values,
      own,
    );
    const role = linked.has(at) ? 'link' : keys.has(at) ? 'key' : 'value';
    return { role, values, constants, choices: choicesOf(values, constants, own) };
  });
  const excluded = new Set([...table.primaryKey, ...linked, ...keys]);
  return { table, columns, links, dependencies: dependenciesOf(table, excluded) };
}
