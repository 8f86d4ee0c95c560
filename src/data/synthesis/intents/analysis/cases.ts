/** CASE: bands with a further figure, limits that belong to the band, bands of child counts, labels by condition. */
import { roundBetween, type SynthesisContext, sayNumber } from '../../context.ts';
import type { Filter } from '../../filter.ts';
import { ownFilter } from '../../filters.ts';
import { bandFiguresFrames, conditionLabelsFrames } from '../../frames/analysis/cases.ts';
import { fromPhrase } from '../../noun-phrase.ts';
import { predicateOf } from '../../predicates.ts';
import { col, renderSelect, textLiteral } from '../../select.ts';
import { type Draft, type Intent, phraseSlots } from '../intent.ts';
import {
  aggregated,
  isSelfRelation,
  labelNoun,
  labelsOf,
  relationsWhere,
  roleNouns,
  rowFigure,
  someRows,
  tableWhere,
} from './pieces.ts';

const bandNames = [
  ['low', 'medium', 'high'],
  ['Low', 'Medium', 'High'],
  ['small', 'medium', 'large'],
  ['Small', 'Medium', 'Large'],
  ['small', 'mid', 'big'],
  ['junior', 'mid', 'senior'],
  ['cheap', 'normal', 'expensive'],
  ['minor', 'standard', 'major'],
  ['A', 'B', 'C'],
  ['bronze', 'silver', 'gold'],
] as const;
const amountNames = [
  ['few', 'some', 'many'],
  ['small', 'medium', 'large'],
  ['Small', 'Medium', 'Large'],
  ['minor', 'regular', 'key'],
] as const;

/** Three labels, in quotes now and then; the model copies what is quoted, whatever it says. */
function bands(
  context: SynthesisContext,
  choices: readonly (readonly [string, string, string])[],
): { low: string; mid: string; high: string; sql: string[] } {
  const names = context.random.pick(choices);
  const quoted = context.random.chance(0.4);
  const [low, mid, high] = names.map((name) => (quoted ? `'${name}'` : name));
  return { low: low!, mid: mid!, high: high!, sql: names.map(textLiteral) };
}

export const bandFigures: Intent = {
  name: 'band-figures',
  weight: 2.5,
  frames: bandFiguresFrames,
  build: (context): Draft | undefined => {
    const { random } = context;
    const ofChildren = random.chance(0.3);
    const { sql: names, ...said } = bands(context, ofChildren ? amountNames : bandNames);
    const banded = (value: string, operator: string, a: number, b: number): string =>
      `CASE WHEN ${value} ${operator} ${a} THEN ${names[0]} WHEN ${value} ${operator} ${b} THEN ${names[1]} ELSE ${names[2]} END AS band`;
    if (ofChildren) {
      const relations = relationsWhere(
        context,
        (relation, parent, child) =>
          !isSelfRelation(relation) && child.table.rowCount > 2 * parent.table.rowCount,
      );
      if (relations.length === 0) return undefined;
      const relation = random.pick(relations);
      const child = context.facts.get(relation.child.name)!;
      const mean = relation.child.rowCount / Math.max(1, relation.parent.rowCount);
      const a = 1 + random.int(Math.max(2, Math.ceil(mean)));
      const b = a + 1 + random.int(Math.max(2, Math.ceil(mean)));
      const phrase = someRows(context, child, [relation.childColumn.name], 0.3);
      const key = col(child.table.name, relation.childColumn.name);
      const inner = renderSelect({
        columns: ['COUNT(*) AS n'],
        from: child.table.name,
        where: [...phrase.where, ...(relation.childColumn.nullCount > 0 ? [`${key} IS NOT NULL`] : [])],
        groupBy: [key],
      });
      const slots = {
        ...phraseSlots(phrase),
        ...said,
        a: String(a),
        b: String(b),
        parent: relation.words.role?.[0] ?? context.lexicon.table(relation.parent.name).nouns[0]![0],
        parents: roleNouns(context, relation),
      };
      const sql = `SELECT ${banded('n', '<=', a, b)}, COUNT(*) FROM (${inner}) GROUP BY band`;
      return { variant: 'children', slots, sql };
    }
    const figure = rowFigure(context, { isFilled: true, distinctMin: 4 });
    if (figure === undefined) return undefined;
    const { facts, column, value, noun } = figure;
    const middle = (Number(column.min) + Number(column.max)) / 2;
    const a = roundBetween(random, Number(column.min), middle);
    const b = roundBetween(random, middle, Number(column.max));
    if (a >= b) return undefined;
    const others = facts.measures.filter((measure) => measure.column !== undefined);
    const other = random.pick(others);
    const isSum = other.canSum && random.chance(0.7);
    const phrase = someRows(context, facts, [column.name, other.column!.name], 0.35);
    const withFigure = random.chance(0.5);
    const columns = [
      banded(value, withFigure ? '<' : '<=', a, b),
      'COUNT(*)',
      ...(withFigure ? [aggregated(isSum ? 'SUM' : 'AVG', other.sql)] : []),
    ];
    const slots = {
      ...phraseSlots(phrase),
      ...said,
      noun,
      a: sayNumber(random, a),
      b: sayNumber(random, b),
      agg: random.pick(isSum ? other.sumNouns : other.averageNouns),
    };
    const sql = renderSelect({ columns, ...fromPhrase(phrase), groupBy: ['band'] });
    return { variant: withFigure ? 'withFigure' : 'upTo', slots, sql };
  },
};

const labels = [
  ['Yes', 'Maybe', 'No'],
  ['Over', 'At risk', 'OK'],
  ['critical', 'watch', 'fine'],
  ['Red', 'Yellow', 'Green'],
  ['A', 'B', 'C'],
  ['first', 'second', 'other'],
  ['Late', 'Open', 'Normal'],
  ['Check', 'Review', 'Ignore'],
  ['key', 'standard', 'rest'],
  ['priority', 'normal', 'none'],
] as const;

export const conditionLabels: Intent = {
  name: 'condition-labels',
  weight: 2.5,
  frames: conditionLabelsFrames,
  build: (context): Draft | undefined => {
    const { random } = context;
    const facts = tableWhere(context, (candidate) => candidate.categories.length > 0);
    if (facts === undefined) return undefined;
    const variant = random.pick(['two', 'three', 'count'] as const);
    const filters: Filter[] = [];
    for (let i = 0; i < 6 && filters.length < (variant === 'two' ? 1 : 2); i++) {
      const filter = ownFilter(context, facts);
      if (filter !== undefined && filters.every((other) => other.sql !== filter.sql)) filters.push(filter);
    }
    const [first, second] = filters;
    if (first === undefined || (variant !== 'two' && second === undefined)) return undefined;
    const names = random.pick(labels);
    const [x, y, z] = names.map(textLiteral);
    const avoid = filters.flatMap((filter) => filter.uses);
    const phrase = someRows(context, facts, avoid, 0.3);
    const cases = [
      `WHEN ${first.sql} THEN ${x}`,
      ...(second === undefined ? [] : [`WHEN ${second.sql} THEN ${y}`]),
      `ELSE ${z} END`,
    ];
    const label = `CASE ${cases.join(' ')}`;
    const slots = {
      ...phraseSlots(phrase),
      name: labelNoun(context, facts),
      x: x!,
      y: y!,
      z: z!,
      x_is: predicateOf(first),
      y_is: second === undefined ? '' : predicateOf(second),
    };
    const isCount = variant === 'count';
    const sql = renderSelect({
      columns: isCount ? [`${label} AS label`, 'COUNT(*)'] : [...labelsOf(context, facts.table.name), label],
      ...fromPhrase(phrase),
      groupBy: isCount ? ['label'] : [],
    });
    return { variant, slots, sql };
  },
};
