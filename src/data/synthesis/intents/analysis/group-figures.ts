/** Groups by an aggregate: their ranks, shares of the whole, those above the average, extremes over all groups. */
import {
  aboveAverageGroupsFrames,
  extremesFrames,
  groupRanksFrames,
  groupShareFrames,
} from '../../frames/analysis/group-figures.ts';
import { outerNames } from '../../numbered-rows.ts';
import { renderSelect } from '../../select.ts';
import { type Intent, phraseSlots } from '../intent.ts';
import { figureSlots, groupFigure } from './pieces.ts';

export const groupRanks: Intent = {
  name: 'group-ranks',
  weight: 2.5,
  frames: groupRanksFrames,
  build: (context) => {
    const figure = groupFigure(context);
    if (figure === undefined) return undefined;
    const variant = context.random.pick(['rank', 'rankFigure', 'rankFigure', 'dense'] as const);
    const rank = `${variant === 'dense' ? 'DENSE_RANK' : 'RANK'}() OVER (ORDER BY ${figure.sql} DESC)`;
    const columns = [...figure.group.columns, ...(variant === 'rankFigure' ? [figure.sql] : []), rank];
    return { variant, slots: figureSlots(figure), sql: renderSelect({ columns, ...figure.grouped }) };
  },
};

/** The whole counts every row, also those without a group. */
export const groupShare: Intent = {
  name: 'group-share',
  weight: 1.3,
  frames: groupShareFrames,
  build: (context) => {
    const figure = groupFigure(context, { kinds: ['count', 'sum', 'sum'], filterChance: 0.3 });
    if (figure === undefined) return undefined;
    const { phrase } = figure;
    const whole = renderSelect({ columns: [figure.sql], from: phrase.facts.table.name, where: phrase.where });
    const sql = renderSelect({
      columns: [...figure.group.columns, `100.0 * ${figure.sql} / (${whole})`],
      ...figure.grouped,
    });
    const said = figure.said.replace(/^(number|count) of /, 'total number of ');
    return { variant: 'share', slots: { ...figureSlots(figure), whole: said }, sql };
  },
};

/** Groups above the average of the groups (a CTE), and groups whose mean is above the mean of all rows (HAVING). */
export const aboveAverageGroups: Intent = {
  name: 'above-average-groups',
  weight: 3,
  frames: aboveAverageGroupsFrames,
  build: (context) => {
    const { random } = context;
    const ofRows = random.chance(0.4);
    const figure = groupFigure(context, { kinds: ofRows ? ['average'] : ['count', 'sum', 'sum'] });
    if (figure === undefined) return undefined;
    const { group, phrase, grouped } = figure;
    const withFigure = random.chance(0.5);
    if (ofRows) {
      const overall = renderSelect({
        columns: [figure.sql],
        from: figure.facts.table.name,
        where: phrase.where,
      });
      const sql = renderSelect({
        columns: [...group.columns, ...(withFigure ? [figure.sql] : [])],
        ...grouped,
        having: [`${figure.sql} > (${overall})`],
      });
      const agg = figure.said.slice(0, figure.said.indexOf(` of ${phrase.plural}`));
      return {
        variant: withFigure ? 'aboveMeanFigure' : 'aboveMean',
        slots: { ...figureSlots(figure), ...phraseSlots(phrase), agg },
        sql,
      };
    }
    const names = outerNames(group.columns);
    if (names === undefined) return undefined;
    const { alias, cte } = figure;
    const inner = renderSelect({ columns: [...group.columns, `${figure.sql} AS ${alias}`], ...grouped });
    const shown = withFigure ? `${names}, ${alias}` : names;
    const sql = `WITH ${cte} AS (${inner}) SELECT ${shown} FROM ${cte} WHERE ${alias} > (SELECT AVG(${alias}) FROM ${cte})`;
    return { variant: withFigure ? 'aboveFigure' : 'above', slots: figureSlots(figure), sql };
  },
};

/** The maximum, the minimum and the range of an aggregate over the groups: one number. */
export const extremes: Intent = {
  name: 'extremes',
  weight: 1.8,
  frames: extremesFrames,
  build: (context) => {
    const figure = groupFigure(context);
    if (figure === undefined) return undefined;
    const variant = context.random.pick(['highest', 'lowest', 'spread'] as const);
    const { alias } = figure;
    const inner = renderSelect({ columns: [`${figure.sql} AS ${alias}`], ...figure.grouped });
    const [highest, lowest] = [`MAX(${alias})`, `MIN(${alias})`];
    const outer = { highest, lowest, spread: `${highest} - ${lowest}` }[variant];
    return { variant, slots: figureSlots(figure), sql: `SELECT ${outer} FROM (${inner})` };
  },
};
