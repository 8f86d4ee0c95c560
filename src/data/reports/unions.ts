/** Two labelled lists underneath each other. */
import { capitalised } from '../../schema/words.ts';
import { labelMarks } from '../synthesis/context.ts';
import { columnNoun, labelNoun, rowFigures, tableWhere } from '../synthesis/intents/analysis/pieces.ts';
import { fillFrame } from '../synthesis/intents/intent.ts';
import { col, renderSelect, textLiteral } from '../synthesis/select.ts';
import { type ReportMaker, rowsUnder } from './clauses.ts';
import { listed, sentences } from './wording.ts';

const unionHeads = [
  'one list of {a} labelled {x} and of {b} labelled {y}: {cols}',
  'put {a} (label {x}) and {b} (label {y}) into a single list with {cols}',
  'combine {a} and {b} into one result, the first marked {x} and the second {y}; columns {cols}',
  'i need {a} together with {b} in one table: {cols}, where the label is {x} or {y}',
  'stack {a}, tagged {x}, on top of {b}, tagged {y}, showing {cols}',
] as const;

/** Two labelled lists underneath each other. */
export const unionReport: ReportMaker = (context) => {
  const { random, lexicon } = context;
  const one = tableWhere(context, ({ label }) => label.length === 1 && label[0]!.kind === 'text');
  if (one === undefined) return undefined;
  const second = random.chance(0.4)
    ? one
    : tableWhere(context, ({ label }) => label.length === 1 && label[0]!.kind === 'text');
  if (second === undefined) return undefined;
  const [a, b] = [one, second].map((facts) => rowsUnder(context, facts, random.pick([1, 2]), []));
  if (a === undefined || b === undefined || a.plural === b.plural) return undefined;
  const shared = random.pick(['date', 'number', 'none'] as const);
  const pick = (facts: typeof second) => {
    if (shared === 'none') return undefined;
    if (shared === 'date') return facts.dates.length === 0 ? undefined : random.pick(facts.dates);
    const measures = rowFigures(facts, { distinctMin: 3 });
    return measures.length === 0 ? undefined : random.pick(measures).column;
  };
  const first = pick(one);
  const other = one === second ? first : pick(second);
  if (shared !== 'none' && (first === undefined || other === undefined)) return undefined;
  const noun = (facts: typeof second): string => lexicon.table(facts.table.name).nouns[0]![0];
  const isSame = one === second;
  const names = isSame
    ? random.pick([
        ['first', 'second'],
        ['A', 'B'],
        ['one', 'two'],
      ])
    : [noun(one), noun(second)];
  const [x, y] = random.chance(0.6) ? names.map(capitalised) : names;
  const half = (phrase: NonNullable<typeof a>, label: string, column: typeof first): string =>
    renderSelect({
      columns: [
        textLiteral(label),
        labelMarks(phrase.facts)[0]!,
        ...(column === undefined ? [] : [col(phrase.facts.table.name, column.name)]),
      ],
      from: phrase.facts.table.name,
      joins: phrase.joins,
      where: phrase.where,
    });
  const isOrdered = random.chance(0.7);
  const by = shared !== 'none' && random.chance(0.6) ? '3, 2' : '1, 2';
  const sql = `${half(a, x!, first)} UNION ALL ${half(b, y!, other)}${isOrdered ? ` ORDER BY ${by}` : ''}`;
  const nameSaid = random.pick(['name', 'the name', labelNoun(context, one)]);
  const third =
    first === undefined
      ? []
      : [
          isSame || first.name === other!.name
            ? columnNoun(context, one, first)
            : `${columnNoun(context, one, first)} or ${columnNoun(context, second, other!)}`,
        ];
  const quote = random.pick(['', "'"]);
  const slots = {
    a: a.plural,
    b: b.plural,
    x: `${quote}${x}${quote}`,
    y: `${quote}${y}${quote}`,
    cols: listed(random, ['label', nameSaid, ...third]),
  };
  const head = fillFrame(random.pick(unionHeads), slots);
  const said =
    by === '3, 2'
      ? ['by the last column and then by name', 'sorted by the third column, then the name']
      : ['sorted by label and name', 'label first, then name, both A to Z'];
  return { question: sentences(random, head, [isOrdered ? random.pick(said) : undefined]), sql };
};
