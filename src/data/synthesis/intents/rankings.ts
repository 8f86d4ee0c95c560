/** Superlatives, top n, the group with the most, the best of each group, ranks and running totals. */
import {
  correlatedRowsMax,
  labelMarks,
  type Measure,
  relationsToChildren,
  type SynthesisContext,
  sayNumber,
  type TableFacts,
} from '../context.ts';
import { ownFilter } from '../filters.ts';
import { fromPhrase, nounPhrase } from '../noun-phrase.ts';
import { col, identifier, renderSelect, resolveMarks } from '../select.ts';
import { pickGroup } from './aggregates.ts';
import { type Intent, phraseSlots } from './intent.ts';

interface Ranking {
  readonly facts: TableFacts;
  /** With column marks. */
  readonly key: string;
  readonly noun: string;
  readonly down: boolean;
  /** "largest", "newest" */
  readonly word: string;
  readonly nullable: boolean;
  readonly avoid: readonly string[];
}

/** A table and what to rank its rows by: a figure or a date. */
function pickRanking(context: SynthesisContext): Ranking | undefined {
  const { random, lexicon } = context;
  const facts = context.facts.get(random.pick(context.tables).name)!;
  const useDate = facts.dates.length > 0 && random.chance(facts.measures.length === 0 ? 1 : 0.22);
  if (useDate) {
    const column = random.pick(facts.dates);
    const words = lexicon.column(facts.table.name, column.name);
    const down = random.chance(0.6);
    const word = random.pick(
      (down ? words.highest : words.lowest) ??
        (down ? ['latest', 'most recent', 'newest'] : ['earliest', 'oldest', 'first']),
    );
    return {
      facts,
      key: col(facts.table.name, column.name),
      noun: random.pick(words.nouns),
      down,
      word,
      nullable: column.nullCount > 0,
      avoid: [column.name],
    };
  }
  if (facts.measures.length === 0) return undefined;
  const measure: Measure = random.pick(facts.measures);
  const down = random.chance(0.72);
  const key = measure.sql.replace(/^\((.*)\)$/, '$1');
  const avoid = measure.column === undefined ? [] : [measure.column.name];
  return {
    facts,
    key,
    noun: random.pick(measure.nouns),
    down,
    word: random.pick(down ? measure.highest : measure.lowest),
    nullable: measure.nullable,
    avoid,
  };
}

function orderBy(ranking: Ranking): string {
  return `${ranking.key}${ranking.down ? ' DESC' : ''}`;
}

/** Ascending order puts NULL first in SQLite, so it is excluded. */
function notNull(ranking: Ranking): string[] {
  if (ranking.down || !ranking.nullable) return [];
  const marks = ranking.key.match(/⟦[^⟧]*⟧/g) ?? [];
  return marks.map((mark) => `${mark} IS NOT NULL`);
}

function isBareSuperlative(word: string): boolean {
  return !/ (budget|limit|cost|hours|rate|grade|value|spend|credit|date|terms|penalty|allocation|left|spent|first|overspend|overrun)$|^(most|least) (credit|hours|spent)/.test(
    word,
  );
}

export const superlative: Intent = {
  name: 'superlative',
  weight: 6,
  frames: {
    word: [
      'what is the {word} {np1}',
      'which is the {word} {np1}',
      '{word} {np1}',
      'the {word} {np1}',
      'name the {word} {np1}',
      'which {np1} is the {word}',
      'find the {word} {np1}',
      'show me the {word} {np1}',
      "what's our {word} {np1}",
      'give me the {word} {np1}',
      'who or what is the {word} {np1}',
      'tell me the {word} of all {np}',
      'which of the {np} is the {word}',
      'i want to know the {word} {np1}',
    ],
    noun: [
      'which {np1} has the {high} {noun}',
      '{np1} with the {high} {noun}',
      'what {np1} has the {high} {noun}',
      'find the {np1} with the {high} {noun}',
      'name of the {np1} with the {high} {noun}',
      'which of the {np} has the {high} {noun}',
      'show the {np1} with the {high} {noun}',
      'tell me which {np1} has the {high} {noun}',
      'who has the {high} {noun} among the {np}',
      'what is the {np1} having the {high} {noun}',
    ],
    with: [
      'what is the {word} {np1} and what is its {noun}',
      '{word} {np1} with its {noun}',
      'which {np1} has the {high} {noun} and how much is it',
      'name and {noun} of the {word} {np1}',
      'the {np1} with the {high} {noun}, with the figure',
      'show the {word} {np1} together with the {noun}',
    ],
  },
  build: (context) => {
    const ranking = pickRanking(context);
    if (ranking === undefined) return undefined;
    const { random } = context;
    const { facts } = ranking;
    const phrase = nounPhrase(context, facts, {
      avoid: ranking.avoid,
      filterCount: random.chance(0.55) ? 1 : 0,
    });
    const withFigure = random.chance(0.14);
    const sql = renderSelect({
      columns: [...labelMarks(facts), ...(withFigure ? [ranking.key] : [])],
      ...fromPhrase(phrase),
      where: [...phrase.where, ...notNull(ranking)],
      orderBy: [orderBy(ranking)],
      limit: 1,
    });
    const high = random.pick(
      ranking.down
        ? ['highest', 'largest', 'biggest', 'most', 'greatest', 'top']
        : ['lowest', 'smallest', 'least', 'minimum'],
    );
    const isDate = facts.dates.some((column) => col(facts.table.name, column.name) === ranking.key);
    const dated = isDate
      ? random.pick(ranking.down ? ['latest', 'most recent'] : ['earliest', 'first'])
      : high;
    const slots = { ...phraseSlots(phrase), word: ranking.word, noun: ranking.noun, high: dated };
    const variant = withFigure
      ? 'with'
      : isBareSuperlative(ranking.word) && random.chance(0.6)
        ? 'word'
        : 'noun';
    return { variant, slots, sql, front: phrase.front };
  },
};

export const topN: Intent = {
  name: 'top-n',
  weight: 5,
  frames: {
    word: [
      'what are the {n} {word} {np}',
      'the {n} {word} {np}',
      'list the {n} {word} {np}',
      'show me the {n} {word} {np}',
      'which are our {n} {word} {np}',
      '{n} {word} {np}',
      'give me the {n} {word} {np}',
      'which {n} {np} are the {word}',
      'name the {n} {word} {np}',
    ],
    top: [
      'top {n} {np} by {noun}',
      'top {n} of {np} by {noun}',
      'which {n} {np} have the highest {noun}',
      'the {n} {np} with the most {noun}',
      'show the top {n} {np} ranked by {noun}',
      '{n} {np} with the largest {noun}',
      'list the top {n} {np} in terms of {noun}',
      'give me the {n} {np} with the highest {noun}',
      'who or what are the top {n} {np} on {noun}',
      'top {n} {np} sorted by {noun}',
    ],
    bottom: [
      'bottom {n} {np} by {noun}',
      'which {n} {np} have the lowest {noun}',
      'the {n} {np} with the least {noun}',
      '{n} {np} with the smallest {noun}',
      'list the {n} {np} with the lowest {noun}',
      'show the bottom {n} {np} by {noun}',
    ],
    figures: [
      'top {n} {np} by {noun} with the figures',
      'top {n} {np} by {noun} and their {noun}',
      'the {n} {np} with the highest {noun}, show the {noun} too',
      'list the top {n} {np} and their {noun}',
      'show name and {noun} of the {n} {np} with the highest {noun}',
      'which {n} {np} have the most {noun} and how much',
    ],
  },
  build: (context) => {
    const ranking = pickRanking(context);
    if (ranking === undefined) return undefined;
    const { random } = context;
    const { facts } = ranking;
    const n = random.pick([3, 5, 10, 3, 5, 10, 2, 4, 6, 7, 8, 12, 15, 20, 25]);
    const phrase = nounPhrase(context, facts, {
      avoid: ranking.avoid,
      filterCount: random.chance(0.5) ? 1 : 0,
    });
    const figures = ranking.down && random.chance(0.2);
    const sql = renderSelect({
      columns: [...labelMarks(facts), ...(figures ? [ranking.key] : [])],
      ...fromPhrase(phrase),
      where: [...phrase.where, ...notNull(ranking)],
      orderBy: [orderBy(ranking)],
      limit: n,
    });
    const isDate = facts.dates.some((column) => col(facts.table.name, column.name) === ranking.key);
    const useWord = isBareSuperlative(ranking.word) && (isDate || random.chance(0.45));
    if (isDate && !useWord) return undefined;
    const variant = figures ? 'figures' : useWord ? 'word' : ranking.down ? 'top' : 'bottom';
    return {
      variant,
      slots: { ...phraseSlots(phrase), n: sayNumber(random, n), word: ranking.word, noun: ranking.noun },
      sql,
      front: phrase.front,
    };
  },
};

/** "which department has the most active projects", "… the highest total budget". */
export const topGroup: Intent = {
  name: 'top-group',
  weight: 6,
  frames: {
    count: [
      'which {group} has the most {np}',
      'what {group} has the most {np}',
      '{group} with the most {np}',
      'in which {group} do we have the most {np}',
      'which {group} has the highest number of {np}',
      'name the {group} with the largest number of {np}',
      'who has the most {np} by {group}',
      'the {group} that has the most {np}',
      'find the {group} with the highest count of {np}',
      'which {group} leads in number of {np}',
      'where do we have the most {np} by {group}',
    ],
    few: [
      'which {group} has the fewest {np}',
      '{group} with the fewest {np}',
      'which {group} has the lowest number of {np}',
      'what {group} has the least {np}',
      'find the {group} with the smallest number of {np}',
    ],
    figure: [
      'which {group} has the highest {agg} of {np}',
      '{group} with the highest {agg} for {np}',
      'what {group} has the largest {agg} of {np}',
      'in which {group} is the {agg} of {np} highest',
      'which {group} comes first by {agg} of {np}',
      'the {group} with the biggest {agg} over {np}',
    ],
    bareFigure: [
      'which {group} has the highest {agg}',
      '{group} with the highest {agg}',
      'what {group} has the largest {agg}',
      'in which {group} is the {agg} highest',
      'which {group} leads by {agg}',
      'the {group} with the biggest {agg}',
      'name the {group} with the top {agg}',
    ],
    lowFigure: [
      'which {group} has the lowest {agg} of {np}',
      '{group} with the lowest {agg} for {np}',
      'in which {group} is the {agg} of {np} lowest',
      'what {group} has the smallest {agg} of {np}',
    ],
    topCount: [
      'top {n} {groups} by number of {np}',
      'the {n} {groups} with the most {np}',
      'which {n} {groups} have the most {np}',
      'list the top {n} {groups} by count of {np}',
      'show the {n} {groups} with the highest number of {np}',
    ],
    topFigure: [
      'top {n} {groups} by {agg}',
      'the {n} {groups} with the highest {agg} of {np}',
      'which {n} {groups} have the largest {agg} for {np}',
      'list the top {n} {groups} by {agg} of {np}',
      'top {n} {groups} in terms of {agg}',
    ],
    topCountFigures: [
      'top {n} {groups} by number of {np} with the counts',
      'the {n} {groups} with the most {np} and how many each',
      'which {n} {groups} have the most {np} and how many',
      'show the {n} {groups} with the most {np} together with the number',
    ],
  },
  build: (context) => {
    const { random } = context;
    const facts = context.facts.get(random.pick(context.tables).name)!;
    const group = pickGroup(context, facts);
    if (group === undefined) return undefined;
    const measure =
      facts.measures.length > 0 && random.chance(0.45) ? random.pick(facts.measures) : undefined;
    const avoid = [...group.avoid, ...(measure?.column === undefined ? [] : [measure.column.name])];
    const phrase = nounPhrase(context, facts, {
      avoid,
      noJoins: group.joins.length > 0,
      filterCount: random.chance(0.4) ? 1 : 0,
    });
    const useSum = measure?.canSum === true && random.chance(0.65);
    const key =
      measure === undefined
        ? 'COUNT(*)'
        : `${useSum ? 'SUM' : 'AVG'}(${measure.sql.replace(/^\((.*)\)$/, '$1')})`;
    const multiple = random.chance(0.3);
    const down = multiple || random.chance(0.85);
    const withCounts = multiple && measure === undefined && random.chance(0.3);
    const n = random.pick([3, 5, 10, 2, 4]);
    const sql = renderSelect({
      columns: [...group.columns, ...(withCounts ? [key] : [])],
      from: facts.table.name,
      joins: [...group.joins, ...phrase.joins],
      where: phrase.where,
      groupBy: group.by,
      orderBy: [`${key}${down ? ' DESC' : ''}`],
      limit: multiple ? n : 1,
    });
    const agg = measure === undefined ? '' : random.pick(useSum ? measure.sumNouns : measure.averageNouns);
    const slots = {
      ...phraseSlots(phrase),
      group: group.noun,
      groups: group.plural,
      agg,
      n: sayNumber(random, n),
    };
    if (withCounts) return { variant: 'topCountFigures', slots, sql };
    if (multiple) return { variant: measure === undefined ? 'topCount' : 'topFigure', slots, sql };
    if (measure === undefined) return { variant: down ? 'count' : 'few', slots, sql };
    const bare = down && phrase.filters.length === 0 && random.chance(0.6);
    return { variant: bare ? 'bareFigure' : down ? 'figure' : 'lowFigure', slots, sql };
  },
};

/** Parents by number of (filtered) children, with the HAVING list and the LEFT JOIN that keeps those with none. */
export const childrenCounts: Intent = {
  name: 'children-counts',
  weight: 3,
  frames: {
    withZero: [
      'number of {np} per {noun}, including those with none',
      'for every {noun} the number of {np}, also if there are none',
      'count {np} for all {nouns} including zero',
      'all {nouns} with their number of {np}, even zero',
      'how many {np} does each {noun} have, including {nouns} without any',
    ],
    more: [
      '{nouns} with {cmp} {np}',
      'which {nouns} have {cmp} {np}',
      'list {nouns} that have {cmp} {np}',
      'find {nouns} having {cmp} {np}',
      'show all {nouns} with {cmp} {np}',
    ],
  },
  build: (context) => {
    const { random, lexicon } = context;
    const facts = context.facts.get(random.pick(context.tables).name)!;
    const relations = relationsToChildren(context, facts.table.name).filter(
      (relation) => relation.child.name !== facts.table.name,
    );
    if (relations.length === 0) return undefined;
    const relation = random.pick(relations);
    const child = context.facts.get(relation.child.name)!;
    const key = col(facts.table.name, relation.parentColumn.name);
    const [noun, nouns] = lexicon.table(facts.table.name).nouns[0]!;
    const phrase = nounPhrase(context, child, {
      ownOnly: true,
      filterCount: random.chance(0.4) ? 1 : 0,
      avoid: [relation.childColumn.name],
    });
    const join = {
      table: child.table.name,
      left: key,
      right: col(child.table.name, relation.childColumn.name),
    };
    const childKey = child.table.primaryKey[0] ?? relation.childColumn.name;
    if (phrase.filters.length === 0 && random.chance(0.35)) {
      const sql = renderSelect({
        columns: [...labelMarks(facts), `COUNT(${col(child.table.name, childKey)})`],
        from: facts.table.name,
        joins: [{ ...join, isLeft: true }],
        groupBy: [key],
      });
      return { variant: 'withZero', slots: { ...phraseSlots(phrase), noun, nouns }, sql };
    }
    const mean = Math.max(1, relation.child.rowCount / Math.max(1, relation.parent.rowCount));
    const n = 1 + random.int(Math.max(2, Math.ceil(mean * 1.8)));
    const [cmp, operator] = random.pick([
      ['more than', '>'],
      ['at least', '>='],
      ['over', '>'],
      ['exactly', '='],
      ['fewer than', '<'],
    ] as const);
    const sql = renderSelect({
      columns: labelMarks(facts),
      from: facts.table.name,
      joins: [join],
      where: phrase.where,
      groupBy: [key],
      having: [`COUNT(*) ${operator} ${n}`],
    });
    return {
      variant: 'more',
      slots: { ...phraseSlots(phrase), noun, nouns, cmp: `${cmp} ${n === 1 ? 'one' : sayNumber(random, n)}` },
      sql,
    };
  },
};

/** The best of each group: by correlated subquery (one) or ROW_NUMBER (several). */
export const bestPerGroup: Intent = {
  name: 'best-per-group',
  weight: 3,
  frames: {
    one: [
      'the {np1} with the {high} {noun} in each {group}',
      'which {np1} has the {high} {noun} in every {group}',
      '{word} {np1} per {group}',
      'for each {group} the {np1} with the {high} {noun}',
      '{high} {noun} {np1} by {group}',
      'show the {word} {np1} of every {group}',
      'who or what has the {high} {noun} within each {group}',
      'per {group} find the {np1} with the {high} {noun}',
    ],
    several: [
      'top {n} {np} by {noun} in each {group}',
      'the {n} {np} with the highest {noun} per {group}',
      'for each {group} the top {n} {np} by {noun}',
      'show the {n} largest {np} by {noun} within every {group}',
      'list the top {n} {np} of each {group} by {noun}',
      'per {group} the {n} {np} with the most {noun}',
    ],
  },
  build: (context) => {
    const { random, lexicon } = context;
    const candidates = [...context.facts.values()].filter(
      (facts) =>
        facts.categories.length > 0 && facts.measures.some((measure) => measure.column !== undefined),
    );
    if (candidates.length === 0) return undefined;
    const facts = random.pick(candidates);
    const measure = random.pick(facts.measures.filter((candidate) => candidate.column !== undefined));
    const column = random.pick(
      facts.categories
        .filter((category) => category.name !== measure.column!.name)
        .concat(facts.categories)
        .slice(0, 8),
    );
    if (column.name === measure.column!.name) return undefined;
    const table = identifier(facts.table.name);
    const group = identifier(column.name);
    const value = identifier(measure.column!.name);
    const nouns = lexicon.table(facts.table.name).nouns[0]!;
    const label = facts.label.map((labelColumn) => identifier(labelColumn.name)).join(', ');
    const slots = {
      np: nouns[1],
      np1: nouns[0],
      noun: random.pick(measure.nouns),
      group: random.pick(lexicon.column(facts.table.name, column.name).nouns),
    };
    if (facts.table.rowCount <= correlatedRowsMax && random.chance(0.5)) {
      const down = random.chance(0.75);
      const sql = `SELECT ${group}, ${label} FROM ${table} WHERE ${value} = (SELECT ${down ? 'MAX' : 'MIN'}(b.${value}) FROM ${table} AS b WHERE b.${group} = ${table}.${group})`;
      const high = random.pick(down ? ['highest', 'largest', 'biggest'] : ['lowest', 'smallest']);
      return {
        variant: 'one',
        slots: { ...slots, high, word: random.pick(down ? measure.highest : measure.lowest) },
        sql,
      };
    }
    const n = random.pick([2, 3, 5]);
    const filter = random.chance(0.3) ? ownFilter(context, facts) : undefined;
    const where = filter?.before === undefined ? '' : ` WHERE ${resolveMarks(filter.sql, 'bare')}`;
    const np = filter?.before === undefined ? slots.np : `${filter.before} ${slots.np}`;
    const sql = `SELECT ${group}, ${label} FROM (SELECT ${group}, ${label}, ROW_NUMBER() OVER (PARTITION BY ${group} ORDER BY ${value} DESC) AS position FROM ${table}${where}) WHERE position <= ${n}`;
    return { variant: 'several', slots: { ...slots, np, n: sayNumber(random, n) }, sql };
  },
};

export const rankWindow: Intent = {
  name: 'rank-window',
  weight: 2,
  frames: {
    rank: [
      'rank {np} by {noun}',
      'ranking of {np} by {noun}',
      'give each of the {np} its rank by {noun}',
      'show {np} with their rank in terms of {noun}',
      'position of each {np1} when ranked by {noun}',
      'assign a rank to {np} according to {noun}',
    ],
    rankIn: [
      'rank {np} by {noun} within each {group}',
      'ranking of {np} by {noun} per {group}',
      'rank of every {np1} by {noun} inside its {group}',
      'show {group}, name and rank by {noun} for {np}',
    ],
    share: [
      'each {np1} with its share of the total {noun}',
      'what share of the total {noun} does each {np1} have',
      'percentage of total {noun} for each of the {np}',
      'contribution of each {np1} to the overall {noun} in percent',
    ],
    running: [
      'running total of {noun} of {np} by {date}',
      'cumulative {noun} of {np} over {date}',
      'show the running sum of {noun} for {np} ordered by {date}',
      'how does the {noun} of {np} add up over time by {date}',
    ],
    groupAverage: [
      '{np} with their {noun} and the average {noun} of their {group}',
      'show each {np1}, its {noun} and the {group} average',
      'compare the {noun} of {np} to the average of their {group}',
    ],
  },
  build: (context) => {
    const { random, lexicon } = context;
    const candidates = [...context.facts.values()].filter((facts) =>
      facts.measures.some((measure) => measure.column !== undefined),
    );
    if (candidates.length === 0) return undefined;
    const facts = random.pick(candidates);
    const measure = random.pick(facts.measures.filter((candidate) => candidate.column !== undefined));
    const avoid = [measure.column!.name];
    const phrase = nounPhrase(context, facts, {
      avoid,
      ownOnly: true,
      filterCount: random.chance(0.6) ? 1 : 0,
    });
    const label = labelMarks(facts);
    const slots = { ...phraseSlots(phrase), noun: random.pick(measure.nouns) };
    const category = facts.categories.length === 0 ? undefined : random.pick(facts.categories);
    const date = facts.dates.length === 0 ? undefined : random.pick(facts.dates);
    const roll = random.next();
    const from = fromPhrase(phrase);
    if (roll < 0.3 || category === undefined)
      return {
        variant: 'rank',
        slots,
        sql: renderSelect({ columns: [...label, `RANK() OVER (ORDER BY ${measure.sql} DESC)`], ...from }),
      };
    const group = random.pick(lexicon.column(facts.table.name, category.name).nouns);
    const mark = col(facts.table.name, category.name);
    if (roll < 0.55)
      return {
        variant: 'rankIn',
        slots: { ...slots, group },
        sql: renderSelect({
          columns: [mark, ...label, `RANK() OVER (PARTITION BY ${mark} ORDER BY ${measure.sql} DESC)`],
          ...from,
        }),
      };
    if (roll < 0.7)
      return {
        variant: 'groupAverage',
        slots: { ...slots, group },
        sql: renderSelect({
          columns: [...label, measure.sql, `AVG(${measure.sql}) OVER (PARTITION BY ${mark})`],
          ...from,
        }),
      };
    if (roll < 0.85 && measure.canSum)
      return {
        variant: 'share',
        slots,
        sql: renderSelect({
          columns: [...label, `100.0 * ${measure.sql} / SUM(${measure.sql}) OVER ()`],
          ...from,
        }),
      };
    if (date === undefined || !measure.canSum) return undefined;
    const day = col(facts.table.name, date.name);
    const key = facts.table.primaryKey[0];
    const order = key === undefined ? day : `${day}, ${col(facts.table.name, key)}`;
    const sql = renderSelect({
      columns: [...label, day, `SUM(${measure.sql}) OVER (ORDER BY ${order})`],
      ...from,
      where: [...(from.where ?? []), ...(date.nullCount > 0 ? [`${day} IS NOT NULL`] : [])],
    });
    return {
      variant: 'running',
      slots: { ...slots, date: random.pick(lexicon.column(facts.table.name, date.name).nouns) },
      sql,
    };
  },
};
