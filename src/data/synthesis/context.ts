/** What every generator needs: the words, the schema's useful columns, values to mention, and a seeded generator. */
import type { Random } from '../../foundation/random.ts';
import type { Lexicon, Relation } from '../../schema/lexicon.ts';
import type { Column, Table } from '../../schema/schema.ts';
import { col } from './select.ts';

/** A numeric expression one can compare, sum and sort by. */
export interface Measure {
  readonly table: string;
  /** With column marks. */
  readonly sql: string;
  readonly nouns: readonly string[];
  readonly highest: readonly string[];
  readonly lowest: readonly string[];
  readonly sumNouns: readonly string[];
  readonly averageNouns: readonly string[];
  readonly canSum: boolean;
  /** The plain column behind it, if it is one. */
  readonly column: Column | undefined;
  readonly nullable: boolean;
}

export interface TableFacts {
  readonly table: Table;
  readonly measures: readonly Measure[];
  /** Columns whose values make good groups and filters. */
  readonly categories: readonly Column[];
  readonly dates: readonly Column[];
  readonly booleans: readonly Column[];
  /** Label columns (one or two). */
  readonly label: readonly Column[];
  readonly nullables: readonly Column[];
}

export interface SynthesisContext {
  readonly lexicon: Lexicon;
  readonly random: Random;
  readonly facts: ReadonlyMap<string, TableFacts>;
  /** Tables with rows, as often as their weight says. */
  readonly tables: readonly Table[];
  readonly today: string;
}

/** A subquery that is run once a row over the whole table is quadratic: not on tables beyond this. */
export const correlatedRowsMax = 1000;

function isKeyColumn(column: Column, table: Table): boolean {
  return (
    table.primaryKey.includes(column.name) ||
    table.foreignKeys.some((key) => key.columns.includes(column.name)) ||
    column.kind === 'identifier'
  );
}

function numericColumns(lexicon: Lexicon, table: Table): Column[] {
  return table.columns.filter((column) => {
    if (isKeyColumn(column, table) || lexicon.column(table.name, column.name).skip === true) return false;
    return (column.kind === 'integer' || column.kind === 'real') && column.distinctCount > 2;
  });
}

/** A column called Total has no "total total". */
function totalOf(noun: string): string {
  return /\b(total|sum)\b/.test(noun) ? `sum of the ${noun}` : `total ${noun}`;
}

function measuresOf(lexicon: Lexicon, table: Table): Measure[] {
  const plain = numericColumns(lexicon, table).map((column): Measure => {
    const words = lexicon.column(table.name, column.name);
    return {
      table: table.name,
      sql: col(table.name, column.name),
      nouns: words.nouns,
      highest: words.highest ?? [`highest ${words.nouns[0]}`, `largest ${words.nouns[0]}`],
      lowest: words.lowest ?? [`lowest ${words.nouns[0]}`, `smallest ${words.nouns[0]}`],
      sumNouns: words.sumNouns ?? words.nouns.slice(0, 2).map(totalOf),
      averageNouns: words.averageNouns ?? words.nouns.slice(0, 2).map((noun) => `average ${noun}`),
      canSum: words.noSum !== true,
      column,
      nullable: column.nullCount > 0,
    };
  });
  const computed = lexicon.table(table.name).measures.map(
    (measure): Measure => ({
      table: table.name,
      sql: `(${markBraces(measure.sql, table.name)})`,
      nouns: measure.nouns,
      highest: measure.highest ?? [`highest ${measure.nouns[0]}`],
      lowest: measure.lowest ?? [`lowest ${measure.nouns[0]}`],
      sumNouns: measure.nouns.map(totalOf),
      averageNouns: measure.nouns.map((noun) => `average ${noun}`),
      canSum: measure.noSum !== true,
      column: undefined,
      nullable: true,
    }),
  );
  return [...plain, ...computed];
}

/** "{Budget} - {Actual_Cost}" of a synonyms file -> column marks. */
export function markBraces(sql: string, table: string): string {
  return sql.replace(/\{([^{}]+)\}/g, (_, column: string) => col(table, column));
}

/** Text that identifies rather than groups: nobody asks for figures by fax number. */
const addressWords = /fax|phone|mail|url|path|photo|address|street|notes|home ?page/i;

function factsOf(lexicon: Lexicon, table: Table): TableFacts {
  const usable = table.columns.filter((column) => lexicon.column(table.name, column.name).skip !== true);
  const labels = lexicon.table(table.name).label;
  const categories = usable.filter((column) => {
    if (isKeyColumn(column, table) || labels.includes(column.name) || addressWords.test(column.name))
      return false;
    const few = column.distinctCount >= 2 && column.distinctCount <= 60;
    if (column.kind === 'text')
      return few && column.textValues.length > 0 && column.distinctCount < table.rowCount;
    return column.kind === 'integer' && column.distinctCount >= 2 && column.distinctCount <= 10;
  });
  return {
    table,
    measures: measuresOf(lexicon, table),
    categories,
    dates: usable.filter((column) => column.kind === 'date' || column.kind === 'datetime'),
    booleans: usable.filter((column) => column.kind === 'boolean'),
    label: labels.flatMap((name) => table.columns.filter((column) => column.name === name)),
    nullables: usable.filter((column) => column.nullCount > 0 && column.nullCount < table.rowCount),
  };
}

export function createContext(lexicon: Lexicon, random: Random): SynthesisContext {
  const tables = lexicon.schema.tables.filter((table) => table.rowCount > 0 && table.columns.length > 1);
  const facts = new Map(tables.map((table) => [table.name, factsOf(lexicon, table)]));
  return { lexicon, random, facts, tables, today: lexicon.today ?? new Date(0).toISOString().slice(0, 10) };
}

/** A phrase from several; undefined lists count as empty. */
export function pickPhrase(
  context: SynthesisContext,
  ...lists: readonly (readonly string[] | undefined)[]
): string | undefined {
  const all = lists.flatMap((list) => list ?? []);
  return all.length === 0 ? undefined : context.random.pick(all);
}

/** A round number between two bounds, as people would say it. */
export function roundBetween(random: Random, low: number, high: number): number {
  const raw = low + (high - low) * (0.1 + 0.8 * random.next());
  if (Math.abs(raw) < 10) return Math.max(1, Math.round(raw));
  const digits = random.chance(0.7) ? 1 : 2;
  const step = 10 ** (Math.floor(Math.log10(Math.abs(raw))) + 1 - digits);
  return Math.max(1, Math.round(raw / step) * step);
}

/** Numbers in the ways people write them. */
export function sayNumber(random: Random, value: number): string {
  const choices: string[] = [String(value)];
  if (Number.isInteger(value) && value >= 1000) {
    choices.push(value.toLocaleString('en-US'));
    if (value % 100_000 === 0 && value >= 1_000_000) {
      const millions = value / 1e6;
      choices.push(`${millions}m`, `${millions} million`, `${millions}M`, `${millions} mio`);
    }
    if (value % 1000 === 0 && value < 1_000_000)
      choices.push(`${value / 1000}k`, `${value / 1000} thousand`, `${value / 1000}K`);
  }
  const spelled = [
    '',
    '',
    'two',
    'three',
    'four',
    'five',
    'six',
    'seven',
    'eight',
    'nine',
    'ten',
    'eleven',
    'twelve',
  ][value];
  if (spelled !== undefined && spelled !== '') choices.push(spelled);
  return random.pick(choices);
}

/** A random stored text value of a column. */
export function sampleText(context: SynthesisContext, column: Column): string | undefined {
  const frequent = column.sampleValues.filter((value): value is string => typeof value === 'string');
  const { random } = context;
  if (frequent.length > 0 && random.chance(0.3)) return random.pick(frequent);
  return column.textValues.length > 0
    ? random.pick(column.textValues)
    : frequent.length > 0
      ? random.pick(frequent)
      : undefined;
}

export function relationsToParents(context: SynthesisContext, table: string): Relation[] {
  return context.lexicon.relations.filter(
    (relation) => relation.child.name === table && context.facts.has(relation.parent.name),
  );
}

export function relationsToChildren(context: SynthesisContext, table: string): Relation[] {
  return context.lexicon.relations.filter(
    (relation) => relation.parent.name === table && context.facts.has(relation.child.name),
  );
}

/** Marks of the label columns. */
export function labelMarks(facts: TableFacts): string[] {
  return facts.label.map((column) => col(facts.table.name, column.name));
}

/** A random table with rows. */
export function anyTable(context: SynthesisContext): TableFacts {
  return context.facts.get(context.random.pick(context.tables).name)!;
}
