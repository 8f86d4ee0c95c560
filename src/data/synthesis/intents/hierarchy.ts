/** Trees: everything below a row, its depth, direct children, rows above their parent. */
import { namedRow } from '../related-filters.ts';
import { identifier, resolveMarks } from '../select.ts';
import type { Intent } from './intent.ts';

export const hierarchy: Intent = {
  name: 'hierarchy',
  weight: 3,
  frames: {
    below: [
      'everything below {name}',
      'all {np} under {name} at any level',
      'the whole tree of {np} under {name}',
      'which {np} are directly or indirectly under {name}',
      'list all {np} below {name} including indirect ones',
      'all direct and indirect {np} under {name}',
      'full hierarchy below {name}',
      'every {np1} anywhere under {name}',
    ],
    countBelow: [
      'how many {np} are directly or indirectly under {name}',
      'number of {np} below {name} at all levels',
      'count everything under {name}',
      'size of the whole tree under {name}',
      'how many {np} does {name} have at any level below',
    ],
    above: [
      'all levels above {name}',
      'the chain of {role}s above {name}',
      'who or what is above {name} up to the top',
      'full path upwards from {name}',
      'every {role} above {name} at any level',
    ],
    direct: [
      'which {np} have {name} as {role}',
      '{np} directly under {name}',
      'direct {np} of {name}',
      'first level {np} below {name}',
    ],
    pair: [
      '{np} with the name of their {role}',
      'each {np1} and its {role}',
      'list {np} together with their {role}',
      'show every {np1} with its {role}',
    ],
    exceeds: [
      '{np} with a higher {noun} than their {role}',
      'which {np} have more {noun} than their {role}',
      '{np} whose {noun} exceeds that of their {role}',
      'who has a higher {noun} than the own {role} among {np}',
    ],
    countDirect: [
      'number of {np} directly under each {role}',
      'how many {np} does each {role} have',
      'count of direct {np} per {role}',
    ],
  },
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
    const slots = { np: nouns[1], np1: nouns[0], role };
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
