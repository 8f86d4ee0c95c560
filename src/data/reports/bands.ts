/** Reports by CASE: bands of a figure with several figures each. */
import { capitalised } from '../../schema/words.ts';
import { roundBetween, sayNumber } from '../synthesis/context.ts';
import { rowFigure } from '../synthesis/intents/analysis/pieces.ts';
import { fillFrame } from '../synthesis/intents/intent.ts';
import { renderSelect, textLiteral } from '../synthesis/select.ts';
import { type ReportMaker, rowsUnder } from './clauses.ts';
import { groupFigures, orderNoun } from './figures.ts';
import { listed, order, sentences } from './wording.ts';

const bandNames = [
  ['low', 'medium', 'high'],
  ['small', 'medium', 'large'],
  ['minor', 'standard', 'major'],
  ['A', 'B', 'C'],
  ['bronze', 'silver', 'gold'],
  ['short', 'normal', 'long'],
  ['weak', 'fair', 'strong'],
  ['bottom', 'middle', 'top'],
] as const;

const bandHeads = [
  'sort {np} into three bands by {noun} - {bands} - and show for each band {cols}',
  'label {np} by {noun}: {bands}; per label I need {cols}',
  'for {np}, classify the {noun} as {bands} and give {cols} for every class',
  'group {np} by size of {noun} ({bands}) with {cols}',
  'split {np} by {noun} into {bands} and return the label, {cols}',
] as const;

/** Bands of a figure with several figures each. */
export const bandReport: ReportMaker = (context) => {
  const { random } = context;
  const figure = rowFigure(context, { isFilled: true, distinctMin: 4 });
  if (figure === undefined) return undefined;
  const { facts, column, value, noun } = figure;
  const phrase = rowsUnder(context, facts, random.pick([1, 1, 2, 2]), [column.name]);
  if (phrase === undefined) return undefined;
  const middle =
    (Number(column.min) + Math.min(Number(column.max), 1000 * Math.abs(Number(column.min) || 100))) / 2;
  const a = roundBetween(random, Number(column.min), middle);
  const b = roundBetween(random, middle, Number(column.max));
  if (a >= b) return undefined;
  const names = random.pick(bandNames).map((name) => (random.chance(0.3) ? capitalised(name) : name));
  const isUpTo = random.chance(0.4);
  const [x, y, z] = names;
  const quote = random.chance(0.4) ? "'" : '';
  const q = (text: string | undefined): string => `${quote}${text}${quote}`;
  const [low, high] = [sayNumber(random, a), sayNumber(random, b)];
  const bands = isUpTo
    ? random.pick([
        `${q(x)} up to ${low}, ${q(y)} up to ${high} and ${q(z)} above that`,
        `${q(x)} for at most ${low}, ${q(y)} for at most ${high}, otherwise ${q(z)}`,
      ])
    : random.pick([
        `${q(x)} below ${low}, ${q(y)} below ${high} and ${q(z)} from there on`,
        `under ${low} is ${q(x)}, under ${high} is ${q(y)}, everything else ${q(z)}`,
        `${q(x)} if less than ${low}, ${q(y)} if less than ${high}, else ${q(z)}`,
      ]);
  const operator = isUpTo ? '<=' : '<';
  const used = phrase.filters.flatMap(({ uses }) => uses);
  const figures = groupFigures(context, facts, used, random.pick([1, 2, 2, 3]));
  if (figures.length === 0) return undefined;
  const chosen = random.pick(figures);
  const chosenNoun = orderNoun(chosen);
  const sorted =
    chosenNoun !== undefined && random.chance(0.7)
      ? order(random, { sql: chosen.sql, noun: chosenNoun, kind: chosen.kind === 'date' ? 'date' : 'number' })
      : undefined;
  const label = `CASE WHEN ${value} ${operator} ${a} THEN ${textLiteral(x!)} WHEN ${value} ${operator} ${b} THEN ${textLiteral(y!)} ELSE ${textLiteral(z!)} END AS band`;
  const sql = renderSelect({
    columns: [label, ...figures.map((each) => each.sql)],
    from: facts.table.name,
    joins: phrase.joins,
    where: phrase.where,
    groupBy: ['band'],
    orderBy: sorted === undefined ? [] : [sorted.sql],
  });
  const slots = {
    np: phrase.plural,
    noun,
    bands,
    cols: listed(
      random,
      figures.map((each) => each.noun),
    ),
  };
  const head = fillFrame(random.pick(bandHeads), slots);
  return { question: sentences(random, head, [sorted?.said]), sql };
};
