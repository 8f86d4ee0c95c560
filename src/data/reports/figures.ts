/** The figures of a group – counts, sums, shares of those that … – and the conditions on groups. */
import { withArticle } from '../../schema/words.ts';
import {
  type Measure,
  relationsToParents,
  roundBetween,
  type SynthesisContext,
  sayNumber,
  type TableFacts,
} from '../synthesis/context.ts';
import { ownFilter } from '../synthesis/filters.ts';
import {
  aggregated,
  columnNoun,
  isSelfRelation,
  isYearFigure,
  roleNouns,
} from '../synthesis/intents/analysis/pieces.ts';
import { predicateOf } from '../synthesis/predicates.ts';
import { col } from '../synthesis/select.ts';

/** One number a group. */
export interface Figure {
  readonly sql: string;
  readonly noun: string;
  readonly kind: 'count' | 'sum' | 'average' | 'other' | 'date';
  readonly measure?: Measure;
}

function measureFigure(context: SynthesisContext, measure: Measure): Figure {
  const { random } = context;
  const noun = random.pick(measure.nouns);
  const roll = random.next();
  if (measure.canSum && roll < 0.55)
    return { sql: aggregated('SUM', measure.sql), noun: random.pick(measure.sumNouns), kind: 'sum', measure };
  if (roll < 0.75)
    return {
      sql: aggregated('AVG', measure.sql),
      noun: random.pick(measure.averageNouns),
      kind: 'average',
      measure,
    };
  const isHigh = random.chance(0.65);
  const words = isHigh ? ['highest', 'largest', 'maximum'] : ['lowest', 'smallest', 'minimum'];
  return {
    sql: aggregated(isHigh ? 'MAX' : 'MIN', measure.sql),
    noun: `${random.pick(words)} ${noun}`,
    kind: 'other',
    measure,
  };
}

/** "those that are active", after the rows themselves were named. */
function conditional(
  context: SynthesisContext,
  facts: TableFacts,
  avoid: readonly string[],
): Figure | undefined {
  const { random } = context;
  const filter = ownFilter(context, facts);
  if (
    filter === undefined ||
    filter.uses.some((name) => avoid.includes(name)) ||
    filter.sql.includes('SELECT')
  )
    return undefined;
  const is = predicateOf(filter);
  const measures = facts.measures.filter((measure) => measure.canSum && measure.column !== undefined);
  const roll = random.next();
  if (roll < 0.4) {
    const sql = `COUNT(CASE WHEN ${filter.sql} THEN 1 END)`;
    const words = [`how many of them ${is}`, `the number of those that ${is}`, `the count that ${is}`];
    return { sql, noun: random.pick(words), kind: 'other' };
  }
  if (roll < 0.6) {
    const sql = `100.0 * COUNT(CASE WHEN ${filter.sql} THEN 1 END) / COUNT(*)`;
    const words = [
      `what percentage of them ${is}`,
      `the percentage that ${is}`,
      `the share in percent that ${is}`,
    ];
    return { sql, noun: random.pick(words), kind: 'other' };
  }
  if (measures.length === 0) return undefined;
  const measure = random.pick(measures);
  if (filter.uses.includes(measure.column!.name)) return undefined;
  const sql = `SUM(CASE WHEN ${filter.sql} THEN ${measure.sql} ELSE 0 END)`;
  const noun = random.pick(measure.sumNouns);
  const words = [`the ${noun} of those that ${is}`, `the part of the ${noun} where they ${is}`];
  return { sql, noun: random.pick(words), kind: 'other' };
}

function distinctParents(
  context: SynthesisContext,
  facts: TableFacts,
  avoid: readonly string[],
): Figure | undefined {
  const { random } = context;
  const relations = relationsToParents(context, facts.table.name).filter(
    (relation) => !isSelfRelation(relation) && !avoid.includes(relation.childColumn.name),
  );
  if (relations.length === 0) return undefined;
  const relation = random.pick(relations);
  const word = random.pick(['different', 'distinct']);
  return {
    sql: `COUNT(DISTINCT ${col(facts.table.name, relation.childColumn.name)})`,
    noun: `number of ${word} ${roleNouns(context, relation)}`,
    kind: 'other',
  };
}

/** Two sums of a group held against each other: one in percent of the other, or the difference. */
function twoSums(context: SynthesisContext, facts: TableFacts, avoid: readonly string[]): Figure | undefined {
  const { random } = context;
  const summable = facts.measures.filter(
    ({ canSum, column }) => canSum && column !== undefined && !avoid.includes(column.name),
  );
  const [first, second] = random.shuffle(summable);
  if (first === undefined || second === undefined) return undefined;
  const sums = [first, second].map((measure) => aggregated('SUM', measure.sql));
  const [a, b] = [random.pick(first.sumNouns), random.pick(second.sumNouns)];
  if (random.chance(0.5))
    return { sql: `100.0 * ${sums[0]} / ${sums[1]}`, noun: `${a} as a percentage of ${b}`, kind: 'other' };
  return {
    sql: `${sums[0]} - ${sums[1]}`,
    noun: random.pick([`${a} minus ${b}`, `${a} less ${b}`]),
    kind: 'other',
  };
}

function dateFigure(context: SynthesisContext, facts: TableFacts): Figure | undefined {
  if (facts.dates.length === 0) return undefined;
  const { random } = context;
  const column = random.pick(facts.dates);
  const isLast = random.chance(0.6);
  const word = random.pick(isLast ? ['latest', 'most recent', 'last'] : ['earliest', 'first']);
  return {
    sql: `${isLast ? 'MAX' : 'MIN'}(${col(facts.table.name, column.name)})`,
    noun: `${word} ${columnNoun(context, facts, column)}`,
    kind: 'date',
  };
}

/** The rows as a group counts them: "contracts". */
export function plainRows(context: SynthesisContext, facts: TableFacts): string {
  return context.lexicon.table(facts.table.name).nouns[0]![1];
}

/** Different figures of one group; the count among them more often than not. */
export function groupFigures(
  context: SynthesisContext,
  facts: TableFacts,
  avoid: readonly string[],
  count: number,
): Figure[] {
  const { random } = context;
  const rows = plainRows(context, facts);
  const counts = [`number of ${rows}`, 'how many there are', `count of ${rows}`, 'their number'];
  const figures: Figure[] = random.chance(0.65)
    ? [{ sql: 'COUNT(*)', noun: random.pick(counts), kind: 'count' }]
    : [];
  const measures = facts.measures.filter(
    (measure) => !isYearFigure(measure) && !avoid.includes(measure.column?.name ?? ''),
  );
  for (let attempt = 0; attempt < 12 && figures.length < count; attempt++) {
    const roll = random.next();
    const figure =
      roll < 0.62 && measures.length > 0
        ? measureFigure(context, random.pick(measures))
        : roll < 0.8
          ? conditional(context, facts, avoid)
          : roll < 0.9
            ? distinctParents(context, facts, avoid)
            : roll < 0.95
              ? twoSums(context, facts, avoid)
              : dateFigure(context, facts);
    if (figure !== undefined && !figures.some(({ sql, noun }) => sql === figure.sql || noun === figure.noun))
      figures.push(figure);
  }
  return random.chance(0.7) ? figures : random.shuffle(figures);
}

/** What an order calls the figure; undefined where its words are a clause of their own ("how many of them are active"). */
export function orderNoun({ kind, noun }: Figure): string | undefined {
  if (kind === 'count') return 'number';
  return /^(?:how|what|the) /.test(noun) ? undefined : noun;
}

export interface GroupCondition {
  readonly sql: string;
  /** "at least 5 contracts", "a total value above 1m" */
  readonly said: string;
  /** What the groups have that are left out: "fewer than 5 contracts". */
  readonly opposite: string;
}

/** A threshold for groups. */
export function groupCondition(
  context: SynthesisContext,
  facts: TableFacts,
  figure: Figure | undefined,
): GroupCondition | undefined {
  const { random } = context;
  const column = figure?.measure?.column;
  if (figure === undefined || figure.kind === 'count' || column === undefined) {
    const n = 2 + random.int(Math.max(3, Math.ceil(Math.min(12, facts.table.rowCount / 40))));
    const rows = plainRows(context, facts);
    const said = sayNumber(random, n);
    if (random.chance(0.65))
      return {
        sql: `COUNT(*) >= ${n}`,
        said: `${random.pick(['at least', 'no fewer than', 'a minimum of'])} ${said} ${rows}`,
        opposite: `${random.pick(['fewer than', 'less than'])} ${said} ${rows}`,
      };
    return {
      sql: `COUNT(*) > ${n}`,
      said: `${random.pick(['more than', 'over'])} ${said} ${rows}`,
      opposite: `${said} ${rows} or fewer`,
    };
  }
  if (figure.kind === 'other' || figure.kind === 'date') return undefined;
  const top = Number(column.max) * (figure.kind === 'sum' ? 3 : 0.5);
  const value = roundBetween(random, Number(column.min), top);
  const said = sayNumber(random, value);
  const isMore = random.chance(0.8);
  const more = random.pick(['above', 'over', 'of more than', 'exceeding']);
  const less = random.pick(['below', 'under', 'of less than']);
  return {
    sql: `${figure.sql} ${isMore ? '>' : '<'} ${value}`,
    said: `${withArticle(figure.noun)} ${isMore ? more : less} ${said}`,
    opposite: `${withArticle(figure.noun)} of ${said} or ${isMore ? 'less' : 'more'}`,
  };
}

/** "only departments with at least 5 contracts". */
export function keepClause(
  context: SynthesisContext,
  groups: string,
  conditions: readonly GroupCondition[],
): string {
  const { random } = context;
  const said = conditions.map((condition) => condition.said).join(' and ');
  const forms = [
    `only ${groups} with ${said}`,
    `keep only ${groups} that have ${said}`,
    `restricted to ${groups} with ${said}`,
    `only where there is ${said}`,
    `show only ${groups} having ${said}`,
    `counting in just the ${groups} with ${said}`,
    `${groups} without ${said} are left out`,
  ];
  if (conditions.length === 1)
    forms.push(
      `leave out ${groups} with ${conditions[0]!.opposite}`,
      `skip ${groups} that have ${conditions[0]!.opposite}`,
      `${groups} with ${conditions[0]!.opposite} do not matter`,
    );
  return random.pick(forms);
}
