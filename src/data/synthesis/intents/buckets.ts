/** CASE buckets with the limits said in the question. */
import { labelMarks, roundBetween, sayNumber } from '../context.ts';
import { fromPhrase, nounPhrase } from '../noun-phrase.ts';
import { renderSelect } from '../select.ts';
import { type Intent, phraseSlots } from './intent.ts';

export const buckets: Intent = {
  name: 'buckets',
  weight: 2,
  frames: {
    count: [
      'how many {np} are {low} (under {a}), {mid} (up to {b}) or {high} by {noun}',
      'count {np} by {noun} band: {low} below {a}, {mid} below {b}, {high} otherwise',
      'group {np} into {low} under {a}, {mid} under {b} and {high} above by {noun} and count them',
      'number of {np} that are {low} (below {a}), {mid} (below {b}), {high} in {noun}',
    ],
    label: [
      'classify {np} as {low} (under {a}), {mid} (under {b}) or {high} by {noun}',
      'label each of the {np} {low} if the {noun} is below {a}, {mid} below {b}, else {high}',
      'show {np} with a {noun} class: {low} below {a}, {mid} below {b}, {high} otherwise',
      'for {np} give {low}, {mid} or {high} depending on {noun} with limits {a} and {b}',
    ],
  },
  build: (context) => {
    const { random } = context;
    const candidates = [...context.facts.values()].filter((facts) =>
      facts.measures.some((measure) => measure.column !== undefined),
    );
    if (candidates.length === 0) return undefined;
    const facts = random.pick(candidates);
    const measure = random.pick(facts.measures.filter((candidate) => candidate.column !== undefined));
    const column = measure.column!;
    const a = roundBetween(random, Number(column.min), Number(column.max) / 2);
    const b = roundBetween(random, Number(column.max) / 2, Number(column.max));
    if (a >= b) return undefined;
    const names = random.pick([
      ['low', 'medium', 'high'],
      ['small', 'medium', 'large'],
      ['Low', 'Medium', 'High'],
      ['Small', 'Medium', 'Large'],
    ]) as [string, string, string];
    const phrase = nounPhrase(context, facts, {
      avoid: [column.name],
      ownOnly: true,
      filterCount: random.chance(0.3) ? 1 : 0,
    });
    const bucket = `CASE WHEN ${measure.sql} < ${a} THEN '${names[0]}' WHEN ${measure.sql} < ${b} THEN '${names[1]}' ELSE '${names[2]}' END`;
    const slots = {
      ...phraseSlots(phrase),
      noun: random.pick(measure.nouns),
      a: sayNumber(random, a),
      b: sayNumber(random, b),
      low: names[0],
      mid: names[1],
      high: names[2],
    };
    if (random.chance(0.5))
      return {
        variant: 'label',
        slots,
        sql: renderSelect({ columns: [...labelMarks(facts), bucket], ...fromPhrase(phrase) }),
      };
    return {
      variant: 'count',
      slots,
      sql: renderSelect({
        columns: [`${bucket} AS band`, 'COUNT(*)'],
        ...fromPhrase(phrase),
        groupBy: ['band'],
      }),
    };
  },
};
