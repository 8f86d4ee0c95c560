/** "how many are active and how many completed". */
import { anyTable } from '../context.ts';
import { ownFilter } from '../filters.ts';
import { fromPhrase, nounPhrase } from '../noun-phrase.ts';
import { renderSelect } from '../select.ts';
import { pickGroup } from './groups.ts';
import { type Intent, phraseSlots } from './intent.ts';
import { pluralNoun } from './lists.ts';

export const share: Intent = {
  name: 'share',
  weight: 2,
  frames: {
    percent: [
      'what percentage of {np} are {condition}',
      'what share of {np} is {condition}',
      'percentage of {np} that are {condition}',
      'how many percent of {np} are {condition}',
      'share of {np} {condition}',
      'what proportion of {np} are {condition}',
      'what fraction of {np} in percent are {condition}',
      '% of {np} {condition}',
      'out of all {np}, what percentage is {condition}',
    ],
    perGroup: [
      'percentage of {np} {condition} per {group}',
      'share of {np} that are {condition} by {group}',
      'what percentage of {np} are {condition} in each {group}',
      'for each {group} the share of {np} {condition}',
    ],
  },
  build: (context) => {
    const { random } = context;
    const facts = anyTable(context);
    const filter = ownFilter(context, facts);
    const condition = filter?.before ?? filter?.after ?? filter?.head?.[1];
    if (filter === undefined || condition === undefined) return undefined;
    const phrase = nounPhrase(context, facts, {
      avoid: filter.uses,
      ownOnly: true,
      filterCount: random.chance(0.3) ? 1 : 0,
    });
    const group = random.chance(0.3) ? pickGroup(context, facts) : undefined;
    const figure = `100.0 * COUNT(CASE WHEN ${filter.sql} THEN 1 END) / COUNT(*)`;
    const slots = {
      ...phraseSlots(phrase),
      condition: condition.replace(/^(that are|who are|which are) /, ''),
      group: group?.noun ?? '',
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
  frames: {
    two: [
      'how many {np} are {a} and how many are {b}',
      'number of {np} that are {a} versus {b}',
      'count {np} {a} and {b} side by side',
      '{np}: {a} vs {b} count',
      'compare the number of {np} {a} with {b}',
    ],
  },
  build: (context) => {
    const facts = anyTable(context);
    const first = ownFilter(context, facts);
    const second = ownFilter(context, facts);
    const a = first?.before ?? first?.after;
    const b = second?.before ?? second?.after;
    if (
      first === undefined ||
      second === undefined ||
      a === undefined ||
      b === undefined ||
      first.sql === second.sql
    )
      return undefined;
    const columns = [first, second].map((filter) => `COUNT(CASE WHEN ${filter.sql} THEN 1 END)`);
    return {
      variant: 'two',
      slots: { np: pluralNoun(context, facts.table.name), a, b },
      sql: renderSelect({ columns, from: facts.table.name }),
    };
  },
};
