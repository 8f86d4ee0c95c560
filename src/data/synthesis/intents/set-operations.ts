/** Values that two tables share, or that only one has. */
import type { Column } from '../../../schema/schema.ts';
import type { TableFacts } from '../context.ts';
import { fromPhrase, nounPhrase } from '../noun-phrase.ts';
import { col, renderSelect } from '../select.ts';
import type { Intent } from './intent.ts';

/** Values of two tables: in both, in one only, in either. */
export const setOperation: Intent = {
  name: 'set-operation',
  weight: 2,
  frames: {
    both: [
      '{values} that have both {np} and {np2}',
      'in which {values} do we have {np} and also {np2}',
      '{values} with {np} as well as {np2}',
      'common {values} of {np} and {np2}',
      'which {values} occur for both {np} and {np2}',
    ],
    only: [
      '{values} that have {np} but no {np2}',
      'in which {values} do we have {np} but not {np2}',
      '{values} with {np} and without {np2}',
      '{values} of {np} that do not occur for {np2}',
    ],
    either: [
      'all {values} of {np} or {np2}',
      'every {value} where we have {np} or {np2}',
      '{values} of {np} and {np2} combined',
      'one list of the {values} of {np} and {np2}',
    ],
  },
  build: (context) => {
    const { random, lexicon } = context;
    const pairs: { a: TableFacts; b: TableFacts; x: Column; y: Column }[] = [];
    for (const a of context.facts.values()) {
      for (const b of context.facts.values()) {
        if (a === b) continue;
        for (const x of a.categories) {
          const y = b.categories.find(
            (column) =>
              column.kind === x.kind &&
              column.textValues.some((value) => x.textValues.includes(value)) &&
              column.name === x.name,
          );
          if (y !== undefined) pairs.push({ a, b, x, y });
        }
      }
    }
    if (pairs.length === 0) return undefined;
    const { a, b, x, y } = random.pick(pairs);
    const first = nounPhrase(context, a, {
      avoid: [x.name],
      ownOnly: true,
      filterCount: random.chance(0.5) ? 1 : 0,
    });
    const second = nounPhrase(context, b, {
      avoid: [y.name],
      ownOnly: true,
      filterCount: random.chance(0.5) ? 1 : 0,
    });
    const kind = random.pick(['both', 'only', 'either'] as const);
    const operator = { both: 'INTERSECT', only: 'EXCEPT', either: 'UNION' }[kind];
    const left = renderSelect({ columns: [col(a.table.name, x.name)], ...fromPhrase(first) });
    const right = renderSelect({ columns: [col(b.table.name, y.name)], ...fromPhrase(second) });
    const words = lexicon.column(a.table.name, x.name);
    const value = words.nouns[0]!;
    return {
      variant: kind,
      slots: { np: first.plural, np2: second.plural, value, values: words.plurals?.[0] ?? `${value}s` },
      sql: `${left} ${operator} ${right}`,
    };
  },
};
