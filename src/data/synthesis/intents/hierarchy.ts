/** Trees: everything below a row, its depth, direct children, rows above their parent. */

import { pluralOf } from '../../../schema/words.ts';
import { hierarchyFrames } from '../frames/hierarchy.ts';
import { namedRow } from '../related-filters.ts';
import { identifier, resolveMarks } from '../select.ts';
import type { Intent } from './intent.ts';

export const hierarchy: Intent = {
  name: 'hierarchy',
  weight: 3,
  frames: hierarchyFrames,
  build: (context) => {
    const { random, lexicon } = context;
    const relations = lexicon.relations.filter(
      (relation) => relation.child.name === relation.parent.name && context.facts.has(relation.child.name),
    );
    if (relations.length === 0) return undefined;
    const relation = random.pick(relations);
    const facts = context.facts.get(relation.child.name)!;
    const table = identifier(facts.table.name);
    const key = identifier(relation.parentColumn.name);
    const parent = identifier(relation.childColumn.name);
    const label = facts.label.map((column) => identifier(column.name));
    const nouns = lexicon.table(facts.table.name).nouns[0]!;
    const role = random.pick(relation.words.role ?? [`parent ${nouns[0]}`]);
    const slots = { np: nouns[1], np1: nouns[0], role, roles: pluralOf(role) };
    const of = (alias: string): string => label.map((name) => `${alias}.${name}`).join(', ');
    const roll = random.next();
    if (roll < 0.18)
      return {
        variant: 'pair',
        slots,
        sql: `SELECT ${of('a')}, ${of('b')} FROM ${table} AS a JOIN ${table} AS b ON a.${parent} = b.${key}`,
      };
    if (roll < 0.3)
      return {
        variant: 'countDirect',
        slots,
        sql: `SELECT ${of('b')}, COUNT(*) FROM ${table} AS a JOIN ${table} AS b ON a.${parent} = b.${key} GROUP BY b.${key}`,
      };
    const plain = facts.measures.filter((measure) => measure.column !== undefined);
    if (roll < 0.48 && plain.length > 0) {
      const measure = random.pick(plain);
      const value = identifier(measure.column!.name);
      const sql = `SELECT ${of('a')} FROM ${table} AS a JOIN ${table} AS b ON a.${parent} = b.${key} WHERE a.${value} > b.${value}`;
      return { variant: 'exceeds', slots: { ...slots, noun: random.pick(measure.nouns) }, sql };
    }
    const named = namedRow(context, facts);
    if (named === undefined) return undefined;
    const start = resolveMarks(named.sql, 'bare');
    const named_ = { ...slots, name: named.name };
    if (roll < 0.55)
      return {
        variant: 'direct',
        slots: named_,
        sql: `SELECT ${label.join(', ')} FROM ${table} WHERE ${parent} IN (SELECT ${key} FROM ${table} WHERE ${start})`,
      };
    if (roll < 0.65) {
      const tree = `WITH RECURSIVE chain AS (SELECT ${parent} AS id FROM ${table} WHERE ${start} UNION ALL SELECT ${table}.${parent} FROM ${table} JOIN chain ON ${table}.${key} = chain.id)`;
      return {
        variant: 'above',
        slots: named_,
        sql: `${tree} SELECT ${label.join(', ')} FROM ${table} WHERE ${key} IN (SELECT id FROM chain)`,
      };
    }
    const tree = `WITH RECURSIVE tree AS (SELECT ${key} FROM ${table} WHERE ${parent} IN (SELECT ${key} FROM ${table} WHERE ${start}) UNION ALL SELECT ${table}.${key} FROM ${table} JOIN tree ON ${table}.${parent} = tree.${key})`;
    if (roll < 0.82)
      return {
        variant: 'below',
        slots: named_,
        sql: `${tree} SELECT ${label.join(', ')} FROM ${table} WHERE ${key} IN (SELECT ${key} FROM tree)`,
      };
    return { variant: 'countBelow', slots: named_, sql: `${tree} SELECT COUNT(*) FROM tree` };
  },
};
