/** Groups under two conditions, several figures a group, the spread within a group, one sum in percent of another. */

import { withArticle } from '../../../../schema/words.ts';
import { roundBetween, sayNumber } from '../../context.ts';
import {
  ratioFrames,
  severalFiguresFrames,
  twoConditionsFrames,
} from '../../frames/analysis/group-conditions.ts';
import { renderSelect } from '../../select.ts';
import { type Intent, phraseSlots } from '../intent.ts';
import { aggregated, figureSlots, groupFigure, groupOf, someRows, tableWhere } from './pieces.ts';

export const twoConditions: Intent = {
  name: 'two-conditions',
  weight: 2,
  frames: twoConditionsFrames,
  build: (context) => {
    const { random } = context;
    const figure = groupFigure(context, { kinds: ['sum', 'average', 'average'], filterChance: 0.3 });
    const column = figure?.measure?.column;
    if (figure === undefined || column === undefined) return undefined;
    const perGroup = Math.min(30, figure.facts.table.rowCount / 20);
    const n = 1 + random.int(Math.max(3, Math.ceil(perGroup)));
    const [said, operator] = random.pick([
      ['at least', '>='],
      ['more than', '>'],
      ['fewer than', '<'],
    ] as const);
    const isMore = random.chance(0.7);
    const top = Number(column.max) * (figure.kind === 'sum' ? 4 : 0.4);
    const value = roundBetween(random, Number(column.min), top);
    const cmp = random.pick(isMore ? ['above', 'over'] : ['below', 'under']);
    const mean = figure.said.slice(0, figure.said.indexOf(` of ${figure.phrase.plural}`));
    const withFigures = random.chance(0.4);
    const sql = renderSelect({
      columns: [...figure.group.columns, ...(withFigures ? ['COUNT(*)', figure.sql] : [])],
      ...figure.grouped,
      having: [`COUNT(*) ${operator} ${n}`, `${figure.sql} ${isMore ? '>' : '<'} ${value}`],
    });
    const slots = {
      ...figureSlots(figure),
      many: `${said} ${n === 1 ? 'one' : sayNumber(random, n)} ${n === 1 ? figure.phrase.singular : figure.phrase.plural}`,
      mean,
      a_mean: withArticle(mean),
      cmp,
      value: sayNumber(random, value),
    };
    return { variant: withFigures ? 'bothFigures' : 'both', slots, sql };
  },
};

export const severalFigures: Intent = {
  name: 'several-figures',
  weight: 3,
  frames: severalFiguresFrames,
  build: (context) => {
    const { random } = context;
    const variant = random.pick(['countSum', 'countMean', 'three', 'range', 'spread'] as const);
    const needsSum = variant === 'countSum' || variant === 'three';
    const figure = groupFigure(context, { kinds: [needsSum ? 'sum' : 'average'] });
    const measure = figure?.measure;
    if (figure === undefined || measure === undefined) return undefined;
    const [sum, mean] = [aggregated('SUM', measure.sql), aggregated('AVG', measure.sql)];
    const [low, high] = [aggregated('MIN', measure.sql), aggregated('MAX', measure.sql)];
    const figures = {
      countSum: ['COUNT(*)', sum],
      countMean: ['COUNT(*)', mean],
      three: ['COUNT(*)', sum, mean],
      range: [low, high],
      spread: [`${high} - ${low}`],
    }[variant];
    const slots = {
      ...phraseSlots(figure.phrase),
      ...figureSlots(figure),
      noun: random.pick(measure.nouns),
      sum: random.pick(measure.sumNouns),
      mean: random.pick(measure.averageNouns),
    };
    const columns = [...figure.group.columns, ...figures];
    return { variant, slots, sql: renderSelect({ columns, ...figure.grouped }) };
  },
};

/** One sum in percent of another. */
export const ratio: Intent = {
  name: 'ratio',
  weight: 1.2,
  frames: ratioFrames,
  build: (context) => {
    const { random } = context;
    const summable = (facts: { measures: readonly { canSum: boolean; column: unknown }[] }): number =>
      facts.measures.filter((measure) => measure.canSum && measure.column !== undefined).length;
    const facts = tableWhere(context, (candidate) => summable(candidate) >= 2);
    if (facts === undefined) return undefined;
    const [part, whole] = random.shuffle(
      facts.measures.filter((measure) => measure.canSum && measure.column !== undefined),
    );
    const group = random.chance(0.7) ? groupOf(context, facts) : undefined;
    const avoid = [part!, whole!].map((measure) => measure.column!.name);
    if (group?.avoid.some((name) => avoid.includes(name))) return undefined;
    const phrase = someRows(context, facts, [...avoid, ...(group?.avoid ?? [])]);
    const figure = `100.0 * ${aggregated('SUM', part!.sql)} / ${aggregated('SUM', whole!.sql)}`;
    const sql = renderSelect({
      columns: [...(group?.columns ?? []), figure],
      from: facts.table.name,
      joins: group?.joins ?? [],
      where: phrase.where,
      groupBy: group?.by ?? [],
    });
    const slots = {
      ...phraseSlots(phrase),
      part: random.pick(part!.sumNouns),
      whole: random.pick(whole!.sumNouns),
      group: group?.noun ?? '',
      groups: group?.plural ?? '',
    };
    return { variant: group === undefined ? 'overall' : 'percent', slots, sql };
  },
};
