/** Values that two tables share, or that only one has. */
import type { Column } from '../../../schema/schema.ts';
import { pluralOf } from '../../../schema/words.ts';
import type { TableFacts } from '../context.ts';
import { setOperationFrames } from '../frames/set-operations.ts';
import { fromPhrase, nounPhrase } from '../noun-phrase.ts';
import { col, renderSelect } from '../select.ts';
import type { Intent } from './intent.ts';

/** Values of two tables: in both, in one only, in either. */
export const setOperation: Intent = {
  name: 'set-operation',
  weight: 2,
  frames: setOperationFrames,
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
      slots: { np: first.plural, np2: second.plural, value, values: words.plurals?.[0] ?? pluralOf(value) },
      sql: `${left} ${operator} ${right}`,
    };
  },
};
