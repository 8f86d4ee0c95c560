/** "how many are active and how many completed". */
import { anyTable } from '../context.ts';
import { ownFilter } from '../filters.ts';
import { conditionalCountsFrames, shareFrames } from '../frames/shares.ts';
import { fromPhrase, nounPhrase } from '../noun-phrase.ts';
import { modifierOf, predicateOf } from '../predicates.ts';
import { renderSelect } from '../select.ts';
import { pickGroup } from './groups.ts';
import { type Intent, phraseSlots } from './intent.ts';
import { pluralNoun } from './lists.ts';

export const share: Intent = {
  name: 'share',
  weight: 2,
  frames: shareFrames,
  build: (context) => {
    const { random } = context;
    const facts = anyTable(context);
    const filter = ownFilter(context, facts);
    if (filter === undefined) return undefined;
    const phrase = nounPhrase(context, facts, {
      avoid: filter.uses,
      ownOnly: true,
      filterCount: random.chance(0.3) ? 1 : 0,
    });
    const group = random.chance(0.3) ? pickGroup(context, facts) : undefined;
    const figure = `100.0 * COUNT(CASE WHEN ${filter.sql} THEN 1 END) / COUNT(*)`;
    const slots = {
      ...phraseSlots(phrase),
      is: predicateOf(filter),
      mod: modifierOf(filter),
      group: group?.noun ?? '',
      groups: group?.plural ?? '',
    };
    if (group === undefined)
      return { variant: 'percent', slots, sql: renderSelect({ columns: [figure], ...fromPhrase(phrase) }) };
    if (group.avoid.some((name) => filter.uses.includes(name))) return undefined;
    const sql = renderSelect({
      columns: [...group.columns, figure],
      from: facts.table.name,
      joins: [...group.joins, ...phrase.joins],
      where: phrase.where,
      groupBy: group.by,
    });
    return { variant: 'perGroup', slots, sql };
  },
};

export const conditionalCounts: Intent = {
  name: 'conditional-counts',
  weight: 1,
  frames: conditionalCountsFrames,
  build: (context) => {
    const facts = anyTable(context);
    const first = ownFilter(context, facts);
    const second = ownFilter(context, facts);
    if (first === undefined || second === undefined || first.sql === second.sql) return undefined;
    const columns = [first, second].map((filter) => `COUNT(CASE WHEN ${filter.sql} THEN 1 END)`);
    return {
      variant: 'two',
      slots: {
        np: pluralNoun(context, facts.table.name),
        a: modifierOf(first),
        b: modifierOf(second),
        a_is: predicateOf(first),
        b_is: predicateOf(second),
      },
      sql: renderSelect({ columns, from: facts.table.name }),
    };
  },
};
