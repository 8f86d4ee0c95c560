/** What the clauses of a report are made of: rows under conditions, joins, what groups are made by. */
import { pluralOf } from '../../schema/words.ts';
import {
  labelMarks,
  relationsToParents,
  type SynthesisContext,
  type TableFacts,
} from '../synthesis/context.ts';
import {
  columnNoun,
  groupOf,
  isSelfRelation,
  roleNoun,
  roleNouns,
} from '../synthesis/intents/analysis/pieces.ts';
import type { Group } from '../synthesis/intents/groups.ts';
import { type NounPhrase, nounPhrase } from '../synthesis/noun-phrase.ts';
import { joinToParent } from '../synthesis/related-filters.ts';
import { col, type Join } from '../synthesis/select.ts';

/** A question with its SQL. */
export interface Report {
  readonly question: string;
  readonly sql: string;
}

/** Undefined where the schema has nothing for what was drawn. */
export type ReportMaker = (context: SynthesisContext) => Report | undefined;

/** The joins of several clauses as one list, each once; undefined where one table would be joined in two ways. */
export function mergedJoins(...lists: readonly (readonly Join[])[]): Join[] | undefined {
  const merged = new Map<string, Join>();
  for (const join of lists.flat()) {
    const other = merged.get(join.table);
    if (other !== undefined && (other.left !== join.left || other.right !== join.right)) return undefined;
    merged.set(join.table, other ?? join);
  }
  return [...merged.values()];
}

/** Rows under `count` conditions, over other tables too, that can be joined beside `joined`; its joins are all of them. */
export function rowsUnder(
  context: SynthesisContext,
  facts: TableFacts,
  count: number,
  avoid: readonly string[],
  joined: readonly Join[] = [],
): NounPhrase | undefined {
  for (let attempt = 0; attempt < 4; attempt++) {
    const noJoins = context.random.chance(0.3);
    const phrase = nounPhrase(context, facts, { filterCount: count, avoid, noJoins });
    if (phrase.filters.length < Math.min(count, 1)) continue;
    const joins = mergedJoins(joined, phrase.joins);
    if (joins !== undefined) return { ...phrase, joins };
  }
  return undefined;
}

/** What groups are made by over two relations: "client industry" of the assignments to a project. */
function farGroup(context: SynthesisContext, facts: TableFacts): Group | undefined {
  const { random } = context;
  const chains = relationsToParents(context, facts.table.name)
    .filter((near) => !isSelfRelation(near))
    .flatMap((near) =>
      relationsToParents(context, near.parent.name)
        .filter((far) => !isSelfRelation(far) && far.parent.name !== facts.table.name)
        .map((far) => ({ near, far })),
    );
  if (chains.length === 0) return undefined;
  const { near, far } = random.pick(chains);
  const top = context.facts.get(far.parent.name)!;
  const joins = [joinToParent(near), joinToParent(far)];
  const role = roleNoun(context, far);
  const roles = roleNouns(context, far);
  if (top.categories.length > 0 && random.chance(0.55)) {
    const column = random.pick(top.categories);
    const noun = columnNoun(context, top, column);
    const mark = col(top.table.name, column.name);
    const said = noun.startsWith(`${role} `) ? noun : `${role} ${noun}`;
    return { noun: said, plural: pluralOf(said), columns: [mark], by: [mark], joins, avoid: [] };
  }
  const key = col(top.table.name, far.parentColumn.name);
  const columns = labelMarks(top);
  return columns.length === 1
    ? { noun: role, plural: roles, columns, by: [key], joins, avoid: [] }
    : undefined;
}

/** One or two things to group by. */
export function reportGroup(
  context: SynthesisContext,
  facts: TableFacts,
  twoChance: number,
): Group | undefined {
  const first =
    (context.random.chance(0.3) ? farGroup(context, facts) : undefined) ?? groupOf(context, facts);
  if (first === undefined || !context.random.chance(twoChance)) return first;
  const second = groupOf(context, facts);
  const joins = second === undefined ? undefined : mergedJoins(first.joins, second.joins);
  if (second === undefined || joins === undefined || first.columns[0] === second.columns[0]) return first;
  if (second.avoid.some((name) => first.avoid.includes(name))) return first;
  const and = context.random.pick([' and ', ' and ', ' and within it per ']);
  return {
    noun: `${first.noun}${and}${second.noun}`,
    plural: `${first.plural} and ${second.plural}`,
    columns: [...first.columns, ...second.columns],
    by: [...first.by, ...second.by],
    joins,
    avoid: [...first.avoid, ...second.avoid],
  };
}
