/** "who manages Orion", "which client is Orion for": the parent of a named row, or one of its attributes. */
import { anyTable, labelMarks } from '../context.ts';
import { lookupFrames, parentLookupFrames } from '../frames/lookups.ts';
import { joinToParent, namedRow } from '../related-filters.ts';
import { col, renderSelect } from '../select.ts';
import type { Intent } from './intent.ts';
import { attributesOf } from './lists.ts';

export const lookup: Intent = {
  name: 'lookup',
  weight: 6,
  frames: lookupFrames,
  build: (context) => {
    const facts = anyTable(context);
    const { random, lexicon } = context;
    const named = namedRow(context, facts);
    if (named === undefined) return undefined;
    const noun = lexicon.table(facts.table.name).nouns[0]![0];
    const base = { from: facts.table.name, where: [named.sql] };
    if (random.chance(0.08))
      return {
        variant: 'all',
        slots: { name: named.name, noun },
        sql: renderSelect({ columns: ['*'], ...base }),
      };
    const attributes = attributesOf(context, facts).filter((column) => column.name !== named.column);
    if (attributes.length === 0) return undefined;
    const column = random.pick(attributes);
    const words = lexicon.column(facts.table.name, column.name);
    const sql = renderSelect({ columns: [col(facts.table.name, column.name)], ...base });
    const slots = { name: named.name, noun, attr: random.pick(words.nouns) };
    const participles = (words.dateVerbs ?? []).filter((verb) => /^\w+ed$/.test(verb));
    if (participles.length > 0 && random.chance(0.5))
      return { variant: 'started', slots: { ...slots, verb: random.pick(participles) }, sql };
    if (facts.dates.includes(column)) return { variant: 'date', slots, sql };
    return { variant: column.kind === 'real' && random.chance(0.6) ? 'number' : 'plain', slots, sql };
  },
};

export const parentLookup: Intent = {
  name: 'parent-lookup',
  weight: 4,
  frames: parentLookupFrames,
  build: (context) => {
    const { random, lexicon } = context;
    const relations = lexicon.relations.filter(
      (relation) => context.facts.has(relation.child.name) && context.facts.has(relation.parent.name),
    );
    if (relations.length === 0) return undefined;
    const relation = random.pick(relations);
    const child = context.facts.get(relation.child.name)!;
    const parent = context.facts.get(relation.parent.name)!;
    const named = namedRow(context, child);
    if (named === undefined) return undefined;
    const role = random.pick(relation.words.role ?? [lexicon.table(parent.table.name).nouns[0]![0]]);
    const attributes = attributesOf(context, parent);
    const wantsAttribute = attributes.length > 0 && random.chance(0.3);
    const attribute = wantsAttribute ? random.pick(attributes) : undefined;
    const columns = attribute === undefined ? labelMarks(parent) : [col(parent.table.name, attribute.name)];
    const self = relation.child.name === relation.parent.name;
    const key = col(child.table.name, relation.childColumn.name);
    const sql = self
      ? renderSelect({
          columns,
          from: parent.table.name,
          where: [
            `${col(parent.table.name, relation.parentColumn.name)} IN (${renderSelect({ columns: [key], from: child.table.name, where: [named.sql] })})`,
          ],
        })
      : renderSelect({
          columns,
          from: child.table.name,
          joins: [joinToParent(relation)],
          where: [named.sql],
        });
    const noun = lexicon.table(child.table.name).nouns[0]![0];
    const attr =
      attribute === undefined ? '' : random.pick(lexicon.column(parent.table.name, attribute.name).nouns);
    return {
      variant: wantsAttribute ? 'attribute' : 'thing',
      slots: { name: named.name, noun, role, attr },
      sql,
    };
  },
};
