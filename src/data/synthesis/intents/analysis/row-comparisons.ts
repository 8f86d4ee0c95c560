/** Rows held against their group: distance from its average and its top, share of its total, above its average. */
import {
  correlatedRowsMax,
  labelMarks,
  relationsToParents,
  type SynthesisContext,
  type TableFacts,
} from '../../context.ts';
import { aboveOwnGroupFrames, againstGroupFrames } from '../../frames/analysis/row-comparisons.ts';
import { fromPhrase, type NounPhrase } from '../../noun-phrase.ts';
import { col, identifier, renderSelect, resolveMarks } from '../../select.ts';
import { type Intent, phraseSlots } from '../intent.ts';
import {
  columnNoun,
  filledCategories,
  groupOf,
  isSelfRelation,
  labelNoun,
  roleNoun,
  rowFigure,
  someRows,
} from './pieces.ts';

export const againstGroup: Intent = {
  name: 'against-group',
  weight: 3,
  frames: againstGroupFrames,
  build: (context) => {
    const { random } = context;
    const variant = random.pick(['average', 'top', 'share', 'share', 'groupShare'] as const);
    const isShare = variant === 'share' || variant === 'groupShare';
    const figure = rowFigure(context, { canSum: isShare });
    if (figure === undefined) return undefined;
    const { facts, value, noun, column } = figure;
    const group = groupOf(context, facts, figure.measure);
    if (group === undefined) return undefined;
    const phrase = someRows(context, facts, [column.name, ...group.avoid]);
    const over = `OVER (PARTITION BY ${group.by.join(', ')})`;
    const computed = {
      average: `${value} - AVG(${value}) ${over}`,
      top: `MAX(${value}) ${over} - ${value}`,
      share: `100.0 * ${value} / SUM(${value}) ${over}`,
    };
    const sql = renderSelect({
      columns: [
        ...(variant === 'groupShare' ? group.columns : []),
        ...labelMarks(facts),
        variant === 'groupShare' ? computed.share : computed[variant],
      ],
      from: facts.table.name,
      joins: group.joins,
      where: phrase.where,
    });
    const slots = { ...phraseSlots(phrase), noun, group: group.noun, name: labelNoun(context, facts) };
    return { variant, slots, sql };
  },
};

/** The average is taken once for each row that is compared, so of a large table only the rows of one value are. */
function comparedRows(
  context: SynthesisContext,
  facts: TableFacts,
  avoid: readonly string[],
): NounPhrase | undefined {
  if (facts.table.rowCount <= correlatedRowsMax) return someRows(context, facts, avoid, 0.5);
  for (let attempt = 0; attempt < 10; attempt++) {
    const phrase = someRows(context, facts, avoid, 1);
    if (phrase.where.some((condition) => condition.includes(' = '))) return phrase;
  }
  return undefined;
}

/** "which contractors cost more than twice the average of their department": a correlated subquery. */
export const aboveOwnGroup: Intent = {
  name: 'above-own-group',
  weight: 3,
  frames: aboveOwnGroupFrames,
  build: (context) => {
    const { random } = context;
    const figure = rowFigure(context, {
      rowsMax: 2 * correlatedRowsMax,
      fits: (facts) => filledCategories(facts).length + facts.table.foreignKeys.length > 0,
    });
    if (figure === undefined) return undefined;
    const { facts, noun, column } = figure;
    const parents = relationsToParents(context, facts.table.name).filter((r) => !isSelfRelation(r));
    const categories = filledCategories(facts, [column.name]);
    const parent =
      parents.length > 0 && (categories.length === 0 || random.chance(0.3))
        ? random.pick(parents)
        : undefined;
    if (parent === undefined && categories.length === 0) return undefined;
    const category = parent?.childColumn ?? random.pick(categories);
    const phrase = comparedRows(context, facts, [column.name, category.name]);
    if (phrase === undefined) return undefined;
    const variant = random.pick(['above', 'aboveValue', 'aboveValue', 'times', 'below'] as const);
    const times = random.pick([
      ['twice', 2],
      ['double', 2],
      ['two times', 2],
      ['three times', 3],
      ['1.5 times', 1.5],
    ] as const);
    const table = identifier(facts.table.name);
    const [value, key] = [identifier(column.name), identifier(category.name)];
    const factor = variant === 'times' ? `${times[1]} * ` : variant === 'below' ? '0.5 * ' : '';
    const average = `(SELECT AVG(b.${value}) FROM ${table} AS b WHERE b.${key} = ${table}.${key})`;
    const { where } = fromPhrase(phrase);
    const sql = renderSelect({
      columns: [
        ...labelMarks(facts),
        ...(variant === 'aboveValue' ? [col(facts.table.name, column.name)] : []),
      ],
      from: facts.table.name,
      where: [...(where ?? []), `${value} ${variant === 'below' ? '<' : '>'} ${factor}${average}`],
    });
    const group = parent === undefined ? columnNoun(context, facts, category) : roleNoun(context, parent);
    return {
      variant,
      slots: { ...phraseSlots(phrase), noun, group, times: times[0] },
      sql: resolveMarks(sql, 'bare'),
    };
  },
};
