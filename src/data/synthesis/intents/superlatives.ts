/** The most and the least: one row, or the first n. */
import { labelMarks, type Measure, type SynthesisContext, sayNumber, type TableFacts } from '../context.ts';
import { superlativeFrames, topNFrames } from '../frames/superlatives.ts';
import { fromPhrase, nounPhrase } from '../noun-phrase.ts';
import { col, renderSelect } from '../select.ts';
import { type Intent, phraseSlots } from './intent.ts';

interface Ranking {
  readonly facts: TableFacts;
  /** With column marks. */
  readonly key: string;
  readonly noun: string;
  /** All the nouns of the figure. */
  readonly nouns: readonly string[];
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
      nouns: words.nouns,
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
    nouns: measure.nouns,
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

const notBare = / to \w+$| (left|spent|first)$|^(most|least) (credit|hours)/;

/** "largest" stands before the noun; "highest budget", "most budget left" and "first to leave" do not. */
function isBareSuperlative({ word, nouns }: Ranking): boolean {
  const last = word.slice(word.lastIndexOf(' ') + 1);
  return !notBare.test(word) && !nouns.some((noun) => noun === last || noun.endsWith(` ${last}`));
}

export const superlative: Intent = {
  name: 'superlative',
  weight: 6,
  frames: superlativeFrames,
  build: (context) => {
    const ranking = pickRanking(context);
    if (ranking === undefined) return undefined;
    const { random } = context;
    const { facts } = ranking;
    const phrase = nounPhrase(context, facts, {
      mayFront: true,
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
    const isBare = isBareSuperlative(ranking);
    const word = isBare ? ranking.word : `${dated} ${ranking.noun}`;
    const slots = { ...phraseSlots(phrase), word, noun: ranking.noun, high: dated };
    const variant = withFigure ? 'with' : isBare && random.chance(0.6) ? 'word' : 'noun';
    return { variant, slots, sql, front: phrase.front };
  },
};

export const topN: Intent = {
  name: 'top-n',
  weight: 5,
  frames: topNFrames,
  build: (context) => {
    const ranking = pickRanking(context);
    if (ranking === undefined) return undefined;
    const { random } = context;
    const { facts } = ranking;
    const n = random.pick([3, 5, 10, 3, 5, 10, 2, 4, 6, 7, 8, 12, 15, 20, 25]);
    const phrase = nounPhrase(context, facts, {
      mayFront: true,
      avoid: ranking.avoid,
      filterCount: random.chance(0.5) ? 1 : 0,
    });
    const isDate = facts.dates.some((column) => col(facts.table.name, column.name) === ranking.key);
    const figures = ranking.down && !isDate && random.chance(0.2);
    const sql = renderSelect({
      columns: [...labelMarks(facts), ...(figures ? [ranking.key] : [])],
      ...fromPhrase(phrase),
      where: [...phrase.where, ...notNull(ranking)],
      orderBy: [orderBy(ranking)],
      limit: n,
    });
    const useWord = isBareSuperlative(ranking) && (isDate || random.chance(0.45));
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
