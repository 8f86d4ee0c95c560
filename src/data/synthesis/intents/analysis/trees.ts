/** Levels and whole branches of a hierarchy, by recursive CTEs. */
import { relationsToChildren, type SynthesisContext, type TableFacts } from '../../context.ts';
import { branchFrames, levelsFrames } from '../../frames/analysis/trees.ts';
import { namedRow } from '../../related-filters.ts';
import { col, identifier, renderSelect, resolveMarks } from '../../select.ts';
import { type Draft, type Intent, phraseSlots } from '../intent.ts';
import {
  aggregated,
  isSelfRelation,
  labelNoun,
  labelsOf,
  relationsWhere,
  rowFigures,
  someRows,
} from './pieces.ts';

interface Tree {
  readonly facts: TableFacts;
  readonly table: string;
  readonly key: string;
  readonly parent: string;
  readonly role: string;
  /** `Table.` in front of each name, for the half that joins. */
  readonly step: (columns: string) => string;
}

function anyTree(context: SynthesisContext): Tree | undefined {
  const relations = relationsWhere(context, isSelfRelation);
  if (relations.length === 0) return undefined;
  const relation = context.random.pick(relations);
  const facts = context.facts.get(relation.child.name)!;
  const table = identifier(facts.table.name);
  const key = identifier(relation.parentColumn.name);
  const parent = identifier(relation.childColumn.name);
  const noun = context.lexicon.table(facts.table.name).nouns[0]![0];
  const role = context.random.pick(relation.words.role ?? [`parent ${noun}`]);
  const step = (columns: string): string =>
    ` UNION ALL SELECT ${columns} FROM ${table} JOIN tree ON ${table}.${parent} = tree.${key}`;
  return { facts, table, key, parent, role, step };
}

/** Level 1 is the top. */
function levelled({ table, key, parent, step }: Tree): string {
  const top = `SELECT ${key}, 1 AS level FROM ${table} WHERE ${parent} IS NULL`;
  return `WITH RECURSIVE tree AS (${top}${step(`${table}.${key}, tree.level + 1`)})`;
}

export const levels: Intent = {
  name: 'levels',
  weight: 2.2,
  frames: levelsFrames,
  build: (context): Draft | undefined => {
    const { random } = context;
    const tree = anyTree(context);
    if (tree === undefined) return undefined;
    const { facts, table, key } = tree;
    const variant = random.pick(['perLevel', 'perLevel', 'depth', 'atLevel', 'levelOf'] as const);
    const phrase = someRows(context, facts, [], variant === 'depth' ? 0.3 : 0.6);
    const n = 2 + random.int(3);
    const isPlain = phrase.where.length === 0;
    const names = labelsOf(context, facts.table.name)
      .map((mark) => resolveMarks(mark, 'qualified'))
      .join(', ');
    const level = isPlain ? 'level' : 'tree.level';
    const columns = {
      perLevel: `${level}, COUNT(*)`,
      depth: `MAX(${level})`,
      atLevel: names,
      levelOf: `${names}, tree.level`,
    }[variant];
    const needsTable = !isPlain || variant === 'atLevel' || variant === 'levelOf';
    const from = needsTable ? `${table} JOIN tree ON ${table}.${key} = tree.${key}` : 'tree';
    const conditions = [
      ...phrase.where.map((condition) => resolveMarks(condition, 'qualified')),
      ...(variant === 'atLevel' ? [`tree.level = ${n}`] : []),
    ];
    const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
    const grouped = variant === 'perLevel' ? ` GROUP BY ${level}` : '';
    const slots = {
      ...phraseSlots(phrase),
      role: tree.role,
      n: String(n),
      name: labelNoun(context, facts),
    };
    return { variant, slots, sql: `${levelled(tree)} SELECT ${columns} FROM ${from}${where}${grouped}` };
  },
};

export const branch: Intent = {
  name: 'branch',
  weight: 3,
  frames: branchFrames,
  build: (context): Draft | undefined => {
    const { random } = context;
    const tree = anyTree(context);
    if (tree === undefined) return undefined;
    const { facts, table, key, parent, step } = tree;
    const phrase = someRows(context, facts, [], 0);
    const base = { ...phraseSlots(phrase), role: tree.role };
    if (random.chance(0.2)) {
      const label = facts.label[0]!;
      if (facts.label.length !== 1) return undefined;
      const top = `SELECT ${identifier(label.name)} AS top, ${key} FROM ${table} WHERE ${parent} IS NULL`;
      const cte = `WITH RECURSIVE tree AS (${top}${step(`tree.top, ${table}.${key}`)})`;
      const sql = `${cte} SELECT top, COUNT(*) - 1 FROM tree GROUP BY top`;
      return { variant: 'sizes', slots: base, sql };
    }
    const named = namedRow(context, facts);
    if (named === undefined) return undefined;
    const start = resolveMarks(named.sql, 'bare');
    // Most rows have nothing below them, and those drafts come to nothing.
    if (random.chance(0.5)) {
      const direct = `SELECT ${key}, 1 AS level FROM ${table} WHERE ${parent} IN (SELECT ${key} FROM ${table} WHERE ${start})`;
      const cte = `WITH RECURSIVE tree AS (${direct}${step(`${table}.${key}, tree.level + 1`)})`;
      const names = labelsOf(context, facts.table.name).map((mark) => resolveMarks(mark, 'qualified'));
      const sql = `${cte} SELECT ${names.join(', ')}, tree.level FROM ${table} JOIN tree ON ${table}.${key} = tree.${key}`;
      return { variant: 'levelsBelow', slots: { ...base, name: named.name }, sql };
    }
    const relations = relationsToChildren(context, facts.table.name).filter(
      (relation) => !isSelfRelation(relation),
    );
    if (relations.length > 0 && random.chance(0.4)) {
      const relation = random.pick(relations);
      const child = context.facts.get(relation.child.name)!;
      const measures = child.measures.filter((measure) => measure.canSum && measure.column !== undefined);
      const measure = measures.length > 0 && random.chance(0.6) ? random.pick(measures) : undefined;
      const cte = `WITH RECURSIVE tree AS (SELECT ${key} FROM ${table} WHERE ${start}${step(`${table}.${key}`)})`;
      const rows = someRows(context, child, [relation.childColumn.name, measure?.column?.name ?? ''], 0.25);
      // The tree holds the primary key; a child may refer to another unique column.
      const target = identifier(relation.parentColumn.name);
      const inTree = `SELECT ${key} FROM tree`;
      const keys = target === key ? inTree : `SELECT ${target} FROM ${table} WHERE ${key} IN (${inTree})`;
      const sql = renderSelect({
        columns: [measure === undefined ? 'COUNT(*)' : aggregated('SUM', measure.sql)],
        from: child.table.name,
        where: [`${col(child.table.name, relation.childColumn.name)} IN (${keys})`, ...rows.where],
      });
      const childOf = (relation.words.childOf ?? ['of {p}']).filter((words) =>
        /^(of|for|on|with|at) \{p\}$/.test(words),
      );
      const slots = {
        ...base,
        name: named.name,
        children: rows.plural,
        of: random.pick(childOf.length === 0 ? ['of'] : childOf.map((words) => words.split(' ')[0]!)),
        agg: measure === undefined ? 'number' : random.pick(measure.sumNouns),
      };
      return { variant: 'linked', slots, sql: `${cte} ${sql}` };
    }
    const measures = rowFigures(facts, { distinctMin: 3 });
    if (measures.length === 0) return undefined;
    const measure = random.pick(measures);
    const isSum = measure.canSum && random.chance(0.7);
    const value = identifier(measure.column!.name);
    const cte = `WITH RECURSIVE tree AS (SELECT ${key}, ${value} FROM ${table} WHERE ${start}${step(`${table}.${key}, ${table}.${value}`)})`;
    const slots = {
      ...base,
      name: named.name,
      noun: random.pick(measure.nouns),
      agg: random.pick(measure.sumNouns),
      mean: random.pick(measure.averageNouns),
    };
    const sql = `${cte} SELECT ${isSum ? 'SUM' : 'AVG'}(${value}) FROM tree`;
    return { variant: isSum ? 'figure' : 'mean', slots, sql };
  },
};
