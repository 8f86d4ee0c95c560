/** Lists put together from two tables, counts underneath each other, values that one set of rows has and another lacks. */
import { capitalised } from '../../../../schema/words.ts';
import type { SynthesisContext, TableFacts } from '../../context.ts';
import { ownFilter, valuesNoun } from '../../filters.ts';
import { stackedFrames, valueSetsFrames } from '../../frames/analysis/unions.ts';
import { fromPhrase, type NounPhrase, nounPhrase } from '../../noun-phrase.ts';
import { col, renderSelect, textLiteral } from '../../select.ts';
import type { Draft, Intent } from '../intent.ts';
import { labelsOf, tableWhere } from './pieces.ts';

/** Tables whose rows have a name that people read. */
function isNamed(facts: TableFacts): boolean {
  return facts.label.length > 0 && facts.label.every((column) => column.kind === 'text');
}

function someOf(context: SynthesisContext, facts: TableFacts, chance: number): NounPhrase {
  const filterCount = context.random.chance(chance) ? 1 : 0;
  return nounPhrase(context, facts, { ownOnly: true, filterCount });
}

export const stacked: Intent = {
  name: 'stacked',
  weight: 2.5,
  frames: stackedFrames,
  build: (context): Draft | undefined => {
    const { random, lexicon } = context;
    const variant = random.pick(['names', 'labelled', 'labelled', 'counts'] as const);
    const fits = (facts: TableFacts): boolean => variant === 'counts' || isNamed(facts);
    const first = tableWhere(context, fits);
    const second = tableWhere(
      context,
      (facts) => fits(facts) && facts !== first && facts.label.length === first?.label.length,
    );
    if (first === undefined || second === undefined) return undefined;
    const [a, b] = [someOf(context, first, 0.75), someOf(context, second, 0.75)];
    const singular = (facts: TableFacts): string => lexicon.table(facts.table.name).nouns[0]![0];
    const isUpper = random.chance(0.5);
    const [x, y] = [first, second].map((facts) => {
      const noun = singular(facts);
      return textLiteral(isUpper ? capitalised(noun) : noun);
    });
    const half = (phrase: NounPhrase, label: string): string => {
      const names = labelsOf(context, phrase.facts.table.name);
      const columns = {
        names,
        labelled: [...names, label],
        counts: [label, 'COUNT(*)'],
      }[variant];
      return renderSelect({ columns, ...fromPhrase(phrase) });
    };
    const operator = variant === 'counts' ? 'UNION ALL' : 'UNION';
    const sql = `${half(a, x!)} ${operator} ${half(b, y!)}`;
    return { variant, slots: { a: a.plural, b: b.plural, x: x!, y: y! }, sql };
  },
};

/** "skills that IT has and Engineering lacks": one column under two conditions of one table. */
export const valueSets: Intent = {
  name: 'value-sets',
  weight: 1.8,
  frames: valueSetsFrames,
  build: (context): Draft | undefined => {
    const { random } = context;
    const facts = tableWhere(context, (candidate) =>
      candidate.categories.some((column) => column.distinctCount > 4),
    );
    if (facts === undefined) return undefined;
    const column = random.pick(facts.categories.filter((candidate) => candidate.distinctCount > 4));
    const rows = [ownFilter(context, facts), ownFilter(context, facts)];
    if (rows.some((filter) => filter === undefined || filter.uses.includes(column.name))) return undefined;
    const [a, b] = rows.map((filter) => filter!);
    if (a!.sql === b!.sql) return undefined;
    const noun = context.lexicon.table(facts.table.name).nouns[0]!;
    const said = [a!, b!].map((filter) =>
      [filter.before, filter.head?.[1] ?? noun[1], filter.after]
        .filter((part) => part !== undefined)
        .join(' '),
    );
    const mark = col(facts.table.name, column.name);
    const filled = column.nullCount > 0 ? [`${mark} IS NOT NULL`] : [];
    const [left, right] = [a!, b!].map((filter) =>
      renderSelect({ columns: [mark], from: facts.table.name, where: [filter.sql, ...filled] }),
    );
    const variant = random.chance(0.6) ? 'except' : 'both';
    const operator = variant === 'except' ? 'EXCEPT' : 'INTERSECT';
    const slots = { values: valuesNoun(context, facts, column), a: said[0]!, b: said[1]! };
    return { variant, slots, sql: `${left} ${operator} ${right}` };
  },
};
