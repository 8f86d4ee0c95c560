/** What one can group by: a category of the table itself, the name of a parent, or a category of a parent. */
import type { Column } from '../../../schema/schema.ts';
import { pluralOf } from '../../../schema/words.ts';
import {
  labelMarks,
  type Measure,
  relationsToParents,
  type SynthesisContext,
  type TableFacts,
} from '../context.ts';
import { joinToParent } from '../related-filters.ts';
import { col, type Join } from '../select.ts';

/** What one can group by: a category of the table itself or the name of a parent. */
export interface Group {
  readonly noun: string;
  readonly plural: string;
  readonly columns: readonly string[];
  /** What identifies a group (the parent's key, so that equal names stay apart). */
  readonly by: readonly string[];
  readonly joins: readonly Join[];
  readonly avoid: readonly string[];
}

function ownGroup(context: SynthesisContext, facts: TableFacts, column: Column): Group {
  const words = context.lexicon.column(facts.table.name, column.name);
  const noun = context.random.pick(words.nouns);
  const plural = words.plurals === undefined ? pluralOf(noun) : context.random.pick(words.plurals);
  const mark = col(facts.table.name, column.name);
  return { noun, plural, columns: [mark], by: [mark], joins: [], avoid: [column.name] };
}

/** Whether the groups are the values of the very column that a figure is about. */
export function isGroupOf(group: Group, measure: Measure): boolean {
  return group.columns.includes(measure.sql);
}

/** "firm city", but "project status" stays for a project. */
function compound(role: string, noun: string): string {
  return noun.startsWith(`${role} `) ? noun : `${role} ${noun}`;
}

/** With `isCompound`, "firm city" and never "city of the firm", which reads on into "… of the firm that has …". */
export function pickGroup(
  context: SynthesisContext,
  facts: TableFacts,
  isCompound = false,
): Group | undefined {
  const { random, lexicon } = context;
  const parents = relationsToParents(context, facts.table.name).filter(
    (relation) => relation.parent.name !== facts.table.name,
  );
  const useParent = parents.length > 0 && (facts.categories.length === 0 || random.chance(0.45));
  if (!useParent)
    return facts.categories.length === 0
      ? undefined
      : ownGroup(context, facts, random.pick(facts.categories));
  const relation = random.pick(parents);
  const parent = context.facts.get(relation.parent.name)!;
  const joins = [joinToParent(relation)];
  if (parent.categories.length > 0 && random.chance(0.35)) {
    const group = ownGroup(context, parent, random.pick(parent.categories));
    const role = random.pick(relation.words.role ?? [lexicon.table(parent.table.name).nouns[0]![0]]);
    return {
      ...group,
      noun: isCompound || random.chance(0.6) ? compound(role, group.noun) : `${group.noun} of the ${role}`,
      plural: compound(role, group.plural),
      joins,
      avoid: [relation.childColumn.name],
    };
  }
  const nouns = lexicon.table(parent.table.name).nouns[0]!;
  const noun = random.pick(relation.words.role ?? [nouns[0]]);
  const plural = random.pick(relation.words.roleHas ?? [nouns[1]]);
  const key = col(parent.table.name, relation.parentColumn.name);
  return { noun, plural, columns: labelMarks(parent), by: [key], joins, avoid: [relation.childColumn.name] };
}
