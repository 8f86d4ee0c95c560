/** Rows held against the row above them in the same table, and rows above held against those directly below. */

import type { Relation } from '../../../../schema/lexicon.ts';
import { pluralOf } from '../../../../schema/words.ts';
import type { SynthesisContext, TableFacts } from '../../context.ts';
import { ladderFrames, leaderFrames } from '../../frames/analysis/ladders.ts';
import { identifier, resolveMarks } from '../../select.ts';
import { type Draft, type Intent, phraseSlots } from '../intent.ts';
import {
  columnNoun,
  filledCategories,
  isSelfRelation,
  labelNoun,
  labelsOf,
  relationsWhere,
  rowFigures,
  someRows,
} from './pieces.ts';

interface Ladder {
  readonly facts: TableFacts;
  /** "a" is below, "b" is above. */
  readonly from: string;
  readonly join: string;
  readonly key: string;
  readonly role: string;
  readonly names: (alias: string) => string;
}

function ladder(context: SynthesisContext, fits: (facts: TableFacts) => boolean): Ladder | undefined {
  const relations = relationsWhere(context, (relation, parent) => isSelfRelation(relation) && fits(parent));
  if (relations.length === 0) return undefined;
  const relation: Relation = context.random.pick(relations);
  const facts = context.facts.get(relation.child.name)!;
  const table = identifier(facts.table.name);
  const key = identifier(relation.parentColumn.name);
  const on = `a.${identifier(relation.childColumn.name)} = b.${key}`;
  const labels = labelsOf(context, facts.table.name);
  const noun = context.lexicon.table(facts.table.name).nouns[0]![0];
  return {
    facts,
    from: `${table} AS a JOIN ${table} AS b ON ${on}`,
    join: `JOIN ${table} AS c ON b.${identifier(relation.childColumn.name)} = c.${key}`,
    key,
    role: context.random.pick(relation.words.role ?? [`parent ${noun}`]),
    names: (alias) => labels.map((label) => resolveMarks(label, 'qualified', alias)).join(', '),
  };
}

function whereOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

export const aboveIt: Intent = {
  name: 'ladder',
  weight: 3,
  frames: ladderFrames,
  build: (context): Draft | undefined => {
    const { random } = context;
    const variant = random.pick([
      'exceedsShown',
      'exceedsNamed',
      'gap',
      'differs',
      'differsShown',
      'earlier',
    ] as const);
    const isFigure = variant.startsWith('exceeds') || variant === 'gap';
    const found = ladder(context, (facts) =>
      isFigure
        ? rowFigures(facts, { distinctMin: 3 }).length > 0
        : variant === 'earlier'
          ? facts.dates.length > 0
          : filledCategories(facts).length > 0,
    );
    if (found === undefined) return undefined;
    const { facts, from, names, role } = found;
    const measures = rowFigures(facts, { distinctMin: 3 });
    const measure = isFigure ? random.pick(measures) : undefined;
    const column =
      measure?.column ?? random.pick(variant === 'earlier' ? facts.dates : filledCategories(facts));
    const phrase = someRows(context, facts, [column.name], 0.35);
    const where = phrase.where.map((condition) => resolveMarks(condition, 'qualified', 'a'));
    const [own, upper] = [`a.${identifier(column.name)}`, `b.${identifier(column.name)}`];
    const columns = {
      exceedsShown: `${names('a')}, ${own}, ${names('b')}, ${upper}`,
      exceedsNamed: `${names('a')}, ${names('b')}`,
      gap: `${names('a')}, ${own} - ${upper}`,
      differs: names('a'),
      differsShown: `${names('a')}, ${own}, ${names('b')}, ${upper}`,
      earlier: names('a'),
    }[variant];
    const operator = variant.startsWith('differs') ? '<>' : variant === 'earlier' ? '<' : '>';
    const compared = variant === 'gap' ? [] : [`${own} ${operator} ${upper}`];
    const noun = columnNoun(context, facts, column);
    const slots = {
      ...phraseSlots(phrase),
      role,
      name: labelNoun(context, facts),
      noun: measure === undefined ? noun : random.pick(measure.nouns),
      cat: noun,
      date: noun,
    };
    return { variant, slots, sql: `SELECT ${columns} FROM ${from}${whereOf([...where, ...compared])}` };
  },
};

export const leaders: Intent = {
  name: 'leaders',
  weight: 2.2,
  frames: leaderFrames,
  build: (context): Draft | undefined => {
    const { random } = context;
    const variant = random.pick(['versusMean', 'belowMean', 'atLeast', 'twoUp'] as const);
    const needsFigure = variant === 'versusMean' || variant === 'belowMean';
    const found = ladder(
      context,
      (facts) => !needsFigure || rowFigures(facts, { distinctMin: 3 }).length > 0,
    );
    if (found === undefined) return undefined;
    const { facts, from, join, key, names, role } = found;
    const measure = needsFigure ? random.pick(rowFigures(facts, { distinctMin: 3 })) : undefined;
    const phrase = someRows(context, facts, [measure?.column?.name ?? ''], 0.4);
    const where = whereOf(phrase.where.map((condition) => resolveMarks(condition, 'qualified', 'a')));
    const value = identifier(measure?.column?.name ?? '');
    const n = 2 + random.int(6);
    const grouped = `${from}${where} GROUP BY b.${key}`;
    const sql = {
      versusMean: `SELECT ${names('b')}, b.${value}, AVG(a.${value}) FROM ${grouped}`,
      belowMean: `SELECT ${names('b')} FROM ${grouped} HAVING AVG(a.${value}) > b.${value}`,
      atLeast: `SELECT ${names('b')}, COUNT(*) FROM ${grouped} HAVING COUNT(*) >= ${n}`,
      twoUp: `SELECT ${names('a')}, ${names('c')} FROM ${from} ${join}${where}`,
    }[variant];
    const slots = {
      ...phraseSlots(phrase),
      role,
      roles: pluralOf(role),
      name: labelNoun(context, facts),
      noun: measure === undefined ? '' : random.pick(measure.nouns),
      n: String(n),
    };
    return { variant, slots, sql };
  },
};
