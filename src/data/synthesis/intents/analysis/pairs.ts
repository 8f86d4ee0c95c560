/** Pairs of rows of one table (a self-join, each pair once), and what shares a linked row with a named one. */
import type { Column } from '../../../../schema/schema.ts';
import { relationsToParents, type SynthesisContext, type TableFacts } from '../../context.ts';
import { sharedWithFrames, siblingPairsFrames } from '../../frames/analysis/pairs.ts';
import { joinToParent, namedRow } from '../../related-filters.ts';
import { col, identifier, renderSelect, resolveMarks } from '../../select.ts';
import { type Intent, phraseSlots } from '../intent.ts';
import {
  columnNoun,
  filledCategories,
  isSelfRelation,
  labelsOf,
  relationsWhere,
  roleNoun,
  roleNouns,
  someRows,
  tableWhere,
} from './pieces.ts';

/** A self-join beyond this many rows gives more pairs than anybody reads. */
const rowsMax = 2000;
const startNames = /^(start|begin|assigned|order)/i;
const endNames = /^(end|finish|release|shipped)/i;

interface Key {
  readonly column: Column;
  readonly noun: string;
}

/** Categories and parents that two rows may have in common. */
function sharedKeys(context: SynthesisContext, facts: TableFacts): Key[] {
  const parents = relationsToParents(context, facts.table.name).map((relation) => ({
    column: relation.childColumn,
    noun: roleNoun(context, relation),
  }));
  const own = filledCategories(facts).map((column) => ({ column, noun: columnNoun(context, facts, column) }));
  return [...parents, ...own];
}

function aliased(marks: readonly string[], alias: string): string[] {
  return marks.map((mark) => resolveMarks(mark, 'qualified', alias));
}

export const siblingPairs: Intent = {
  name: 'sibling-pairs',
  weight: 2.5,
  frames: siblingPairsFrames,
  build: (context) => {
    const { random } = context;
    const isSpan = (facts: TableFacts): boolean =>
      [startNames, endNames].every((names) => facts.dates.some((column) => names.test(column.name)));
    const overlap = random.chance(0.3);
    const facts = tableWhere(
      context,
      (candidate) =>
        candidate.table.primaryKey.length === 1 &&
        (overlap ? isSpan(candidate) : candidate.table.rowCount <= rowsMax) &&
        candidate.categories.length + candidate.table.foreignKeys.length > 1,
    );
    if (facts === undefined) return undefined;
    const keys = random.shuffle(sharedKeys(context, facts));
    const isFine = ({ column }: Key): boolean => column.distinctCount * 4 >= facts.table.rowCount ** 0.75;
    const parents = keys.filter(({ column }) => !facts.categories.includes(column));
    const chosen = overlap ? parents.slice(0, 1) : keys.slice(0, random.pick([1, 2, 2]));
    if (chosen.length === 0 || (!overlap && chosen.length === 1 && !isFine(chosen[0]!))) return undefined;
    const start = facts.dates.find((column) => startNames.test(column.name));
    const end = facts.dates.find((column) => endNames.test(column.name));
    const avoid = [...chosen.map(({ column }) => column.name), start?.name ?? '', end?.name ?? ''];
    const phrase = someRows(context, facts, avoid, facts.table.rowCount > 300 ? 1 : 0.5);
    const table = identifier(facts.table.name);
    const key = identifier(facts.table.primaryKey[0]!);
    const on = [
      ...chosen.map(({ column }) => `a.${identifier(column.name)} = b.${identifier(column.name)}`),
      `a.${key} < b.${key}`,
    ];
    const [first, last] = [identifier(start?.name ?? ''), identifier(end?.name ?? '')];
    const overlapping = overlap ? [`a.${first} <= b.${last}`, `b.${first} <= a.${last}`] : [];
    const where = [...aliased(phrase.where, 'a'), ...aliased(phrase.where, 'b'), ...overlapping];
    const names = labelsOf(context, facts.table.name);
    const columns = [...aliased(names, 'a'), ...aliased(names, 'b')].join(', ');
    const tail = where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`;
    const slots = {
      ...phraseSlots(phrase),
      same: chosen.map(({ noun }) => noun).join(random.pick([' and ', ' and the same '])),
      start: start === undefined ? '' : columnNoun(context, facts, start),
      end: end === undefined ? '' : columnNoun(context, facts, end),
    };
    return {
      variant: overlap ? 'overlaps' : 'pairs',
      slots,
      sql: `SELECT ${columns} FROM ${table} AS a JOIN ${table} AS b ON ${on.join(' AND ')}${tail}`,
    };
  },
};

/** "who has worked on the same projects as Vera Kim". */
export const sharedWith: Intent = {
  name: 'shared-with',
  weight: 1.2,
  frames: sharedWithFrames,
  build: (context) => {
    const { random } = context;
    const routes = relationsWhere(
      context,
      (relation, parent) => !isSelfRelation(relation) && parent.label.length === 1,
    ).flatMap((near) =>
      relationsToParents(context, near.child.name)
        .filter((far) => far.parent.name !== near.parent.name && !isSelfRelation(far))
        .map((far) => ({ near, far })),
    );
    if (routes.length === 0) return undefined;
    const { near, far } = random.pick(routes);
    const facts = context.facts.get(near.parent.name)!;
    const named = namedRow(context, facts);
    if (named === undefined || named.column !== facts.label[0]!.name) return undefined;
    const child = context.facts.get(near.child.name)!;
    const shared = col(child.table.name, far.childColumn.name);
    const join = joinToParent(near);
    const inner = renderSelect({
      columns: [shared],
      from: child.table.name,
      joins: [join],
      where: [named.sql],
    });
    const sql = renderSelect({
      distinct: true,
      columns: labelsOf(context, facts.table.name),
      from: child.table.name,
      joins: [join],
      where: [`${shared} IN (${inner})`, named.sql.replace(' = ', ' <> ')],
    });
    const slots = {
      ...phraseSlots(someRows(context, child, [], 0)),
      name: named.name,
      parents: roleNouns(context, near),
      far: roleNoun(context, far),
      fars: roleNouns(context, far),
    };
    return { variant: 'others', slots, sql };
  },
};
