/** CASE buckets with the limits said in the question. */
import { labelMarks, roundBetween, sayNumber } from '../context.ts';
import { bucketsFrames } from '../frames/buckets.ts';
import { fromPhrase, nounPhrase } from '../noun-phrase.ts';
import { renderSelect } from '../select.ts';
import { type Intent, phraseSlots } from './intent.ts';

export const buckets: Intent = {
  name: 'buckets',
  weight: 2,
  frames: bucketsFrames,
  build: (context) => {
    const { random } = context;
    const candidates = [...context.facts.values()].filter((facts) =>
      facts.measures.some((measure) => measure.column !== undefined),
    );
    if (candidates.length === 0) return undefined;
    const facts = random.pick(candidates);
    const measure = random.pick(facts.measures.filter((candidate) => candidate.column !== undefined));
    const column = measure.column!;
    const middle = (Number(column.min) + Number(column.max)) / 2;
    const a = roundBetween(random, Number(column.min), middle);
    const b = roundBetween(random, middle, Number(column.max));
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
