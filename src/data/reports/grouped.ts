/** Groups with several figures each, a condition on the groups, an order and a limit. */
import { tableWhere } from '../synthesis/intents/analysis/pieces.ts';
import { fillFrame } from '../synthesis/intents/intent.ts';
import { renderSelect } from '../synthesis/select.ts';
import { mergedJoins, type ReportMaker, reportGroup, rowsUnder } from './clauses.ts';
import { unlikeParent } from './columns.ts';
import { type Figure, groupCondition, groupFigures, keepClause, orderNoun } from './figures.ts';
import { limited, listed, order, sentences } from './wording.ts';

const heads = [
  'for {np}, show per {group} {cols}',
  'per {group}, {cols} of {np}',
  'taking only {np}, give me for every {group} {cols}',
  'i need a breakdown of {np} by {group} with {cols}',
  'break {np} down by {group} and show {cols}',
  'looking at {np}, what are {cols} for each {group}',
  'group {np} by {group} and return {cols}',
  '{np} by {group}: {cols}',
  'list every {group} with {cols}, counting {np} only',
  'for each {group} I want {cols}, based on {np}',
  'give an overview by {group} of {np}: {cols}',
  'how do {np} spread over {groups}? Show {group}, {cols}',
  'which {groups} do {np} fall to? Give {group}, {cols}',
  'by {group}, and only over {np}: {cols}',
  'considering {np} and nothing else, report {cols} by {group}',
  'show {group}, {cols} for {np}',
  'summarise {np} by {group}: {cols}',
  'across {np}, work out {cols} for every {group}',
  'report on {np}, one line per {group}: {cols}',
  'only {np} count here: for every {group} give {cols}',
] as const;

/** A window over the groups themselves: shares and ranks. */
function overGroups(figure: Figure, isRank: boolean): { sql: string; nouns: readonly string[] } {
  const noun = orderNoun(figure) ?? figure.noun;
  return isRank
    ? {
        sql: `RANK() OVER (ORDER BY ${figure.sql} DESC)`,
        nouns: [`the rank by ${noun}`, `its place by ${noun}`, `rank by ${noun} (highest is 1)`],
      }
    : {
        sql: `100.0 * ${figure.sql} / SUM(${figure.sql}) OVER ()`,
        nouns: [
          `its share of the overall ${noun} in percent`,
          `the percentage of the overall ${noun}`,
          `what percent of the whole ${noun} that is`,
        ],
      };
}

export const groupedReport: ReportMaker = (context) => {
  const { random } = context;
  const facts = tableWhere(
    context,
    ({ measures, categories, table }) =>
      measures.length > 0 && categories.length + table.foreignKeys.length > 0,
  );
  if (facts === undefined) return undefined;
  const group = reportGroup(context, facts, 0.15);
  if (group === undefined) return undefined;
  // Conditions on the very parent that is grouped by are fine: "contracts of German suppliers per supplier industry".
  const avoid = group.joins.length > 0 && random.chance(0.4) ? [] : group.avoid;
  const phrase = rowsUnder(context, facts, random.pick([1, 2, 2, 3]), avoid, group.joins);
  if (phrase === undefined) return undefined;
  const unlike = random.chance(0.08) ? unlikeParent(context, facts, phrase.joins) : undefined;
  const joins = mergedJoins(phrase.joins, unlike?.joins ?? []);
  if (joins === undefined) return undefined;
  const used = phrase.filters.flatMap(({ uses }) => uses);
  const figures = groupFigures(context, facts, [...group.avoid, ...used], random.pick([1, 2, 2, 3, 3, 4]));
  if (figures.length === 0) return undefined;
  const basis = figures.find(({ kind }) => kind === 'count' || kind === 'sum');
  const extra =
    basis !== undefined && random.chance(0.18) ? overGroups(basis, random.chance(0.5)) : undefined;
  const conditions = Array.from({ length: random.pick([0, 0, 1, 1, 2]) }, () =>
    groupCondition(context, facts, random.chance(0.5) ? undefined : random.pick(figures)),
  ).filter((condition) => condition !== undefined);
  const having = conditions.filter(
    ({ sql }, i) => conditions.findIndex((other) => other.sql.split(' ')[0] === sql.split(' ')[0]) === i,
  );
  const chosen = random.pick(figures);
  const chosenNoun = orderNoun(chosen);
  const hasLimit = chosenNoun !== undefined && random.chance(0.2);
  const [name] = group.columns;
  const noun = group.noun.split(' and ')[0]!;
  const sorted =
    !hasLimit && random.chance(0.15)
      ? undefined
      : chosenNoun === undefined || (!hasLimit && random.chance(0.35))
        ? order(random, { sql: name!, noun, kind: 'text' })
        : order(
            random,
            { sql: chosen.sql, noun: chosenNoun, kind: chosen.kind === 'date' ? 'date' : 'number' },
            random.chance(0.7) ? { sql: name!, noun } : undefined,
          );
  const n = 3 + random.int(8);
  const sql = renderSelect({
    columns: [
      ...group.columns,
      ...figures.map((figure) => figure.sql),
      ...(extra === undefined ? [] : [extra.sql]),
    ],
    from: facts.table.name,
    joins,
    where: [...phrase.where, ...(unlike === undefined ? [] : [unlike.sql])],
    groupBy: group.by,
    having: having.map((condition) => condition.sql),
    orderBy: sorted === undefined ? [] : [sorted.sql],
    ...(hasLimit ? { limit: n } : {}),
  });
  const cols = listed(random, [
    ...figures.map((figure) => figure.noun),
    ...(extra === undefined ? [] : [random.pick(extra.nouns)]),
  ]);
  const slots = { np: phrase.plural, group: group.noun, groups: group.plural, cols };
  const head = fillFrame(random.pick(heads), slots);
  const tails = [
    unlike?.said,
    having.length === 0 ? undefined : keepClause(context, group.plural, having),
    sorted?.said,
  ];
  const shuffled = random.chance(0.2) ? tails.reverse() : tails;
  return { question: sentences(random, head, [...shuffled, hasLimit ? limited(random, n) : undefined]), sql };
};
