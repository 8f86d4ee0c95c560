/**
 * "more than five" as "fewer than five": comparisons the other way round, where the question names the number behind its word
 * and the statement compares with it once.
 */
import { isKeyword, type SqlToken } from '../../database/sql-text.ts';
import { readStatement } from './clauses.ts';
import type { Operation, Pair } from './operations.ts';
import { isCapital, placesOf, said, type Turn } from './word-places.ts';

interface Comparison {
  readonly operator: string;
  readonly opposite: string;
  /** What it is called, and what its opposite is called then. */
  readonly words: readonly Turn[];
}

const comparisons: readonly Comparison[] = [
  {
    operator: '>',
    opposite: '<',
    words: [
      ['more than', 'less than'],
      ['over', 'under'],
      ['above', 'below'],
      ['exceeding', 'below'],
      ['exceeds', 'stays below'],
      ['exceed', 'stay below'],
      ['greater than', 'lower than'],
      ['higher than', 'lower than'],
    ],
  },
  {
    operator: '<',
    opposite: '>',
    words: [
      ['less than', 'more than'],
      ['fewer than', 'more than'],
      ['under', 'over'],
      ['below', 'above'],
      ['lower than', 'higher than'],
    ],
  },
  {
    operator: '>=',
    opposite: '<=',
    words: [
      ['at least', 'at most'],
      ['no fewer than', 'no more than'],
      ['no less than', 'no more than'],
    ],
  },
  {
    operator: '<=',
    opposite: '>=',
    words: [
      ['at most', 'at least'],
      ['no more than', 'no fewer than'],
    ],
  },
];
const smallNumbers = 'one two three four five six seven eight nine ten eleven twelve'.split(' ');
const multiples: Readonly<Record<string, number>> = { thousand: 1e3, k: 1e3, million: 1e6, m: 1e6 };
const numberPattern = String.raw`(?:EUR\s|€\s?)?(\d[\d,]*(?:\.\d+)?|\b(?:${smallNumbers.join('|')})\b|\ban?(?=\s(?:thousand|million)))(?:[\s-]?(thousand|million|k|m|percent|%)(?![a-z]))?`;
const numberBehind = new RegExp(
  String.raw`^\s+${numberPattern}(?!\s(?:hundred|dozen|third|half|quarter|and a))`,
  'i',
);
const anyNumber = new RegExp(numberPattern, 'gi');

interface SaidNumber {
  readonly value: number;
  readonly isPercent: boolean;
}

function numberOf([, digits, scale]: RegExpExecArray | RegExpMatchArray): SaidNumber {
  const word = digits!.toLowerCase();
  const unit = scale?.toLowerCase() ?? '';
  const small = smallNumbers.indexOf(word);
  const value = /^an?$/.test(word) ? 1 : small >= 0 ? small + 1 : Number(word.replaceAll(',', ''));
  return { value: value * (multiples[unit] ?? 1), isPercent: unit === 'percent' || unit === '%' };
}

/** The number that a question names from there on: "2.5 million" is 2500000, "80 percent" 80. */
function numberAt(question: string, at: number): SaidNumber | undefined {
  const found = numberBehind.exec(question.slice(at));
  return found === null ? undefined : numberOf(found);
}

/** Said twice, it is two limits or an explanation of one. */
const isSaidOnce = (question: string, { value }: SaidNumber): boolean =>
  [...question.matchAll(anyNumber)].filter((found) => numberOf(found).value === value).length === 1;

/** Of percentages statements write the part: `> 0.8 * Budget`. */
const isSame = (literal: number, { value, isPercent }: SaidNumber): boolean =>
  literal === value || (isPercent && Math.abs(literal * 100 - value) < 1e-9);

/** Limits of a CASE with several bands, or with words of its own, belong together. */
function isOfBands(tokens: readonly SqlToken[], at: number): boolean {
  const start = tokens.findLastIndex((token, i) => i < at && isKeyword(token, 'CASE', 'END'));
  if (start < 0 || !isKeyword(tokens[start], 'CASE')) return false;
  const cases = tokens.filter(
    (token, i) => isKeyword(token, 'CASE') && tokens.slice(i).some((each) => limits.has(each.text)),
  );
  const end = tokens.findIndex((token, i) => i > start && isKeyword(token, 'END'));
  const inside = tokens.slice(start, end);
  const hasWords = inside.some(
    (token, i) => isKeyword(inside[i - 1], 'THEN', 'ELSE') && token.kind === 'string',
  );
  return cases.length > 1 || hasWords || inside.filter((token) => isKeyword(token, 'WHEN')).length > 1;
}

const limits = new Set(['<', '>', '<=', '>=']);

interface Compared {
  readonly operator: SqlToken;
  readonly value: number;
  readonly isCount: boolean;
}

/** Comparisons by an operator with a number. */
function comparedWith(tokens: readonly SqlToken[], operator: string): Compared[] {
  return tokens.flatMap((token, at) => {
    const number = tokens[at + 1];
    if (token.text !== operator || number?.kind !== 'number' || isOfBands(tokens, at)) return [];
    const open = tokens.findLastIndex((each, i) => i < at && each.text === '(' && each.depth === token.depth);
    const isCount = tokens[at - 1]?.text === ')' && tokens[open - 1]?.value.toUpperCase() === 'COUNT';
    return [{ operator: token, value: Number(number.value), isCount }];
  });
}

/** Of things one has fewer, of money less. */
const ofCount = (word: string): string =>
  word.replace(/less than/i, (text) => (isCapital(text) ? 'Fewer than' : 'fewer than'));

/** One comparison the other way round. */
export const turnComparison: Operation = (context, { question, sql }) => {
  const { tokens } = readStatement(sql);
  const choices = comparisons.flatMap(({ operator, opposite, words }): Pair[] => {
    const compared = comparedWith(tokens, operator);
    const named = placesOf(question, words).flatMap((place) => {
      // "no more than" is another comparison.
      if (/\b(?:no|not)\s$/i.test(question.slice(0, place.at))) return [];
      const number = numberAt(question, place.at + place.length);
      return number === undefined ? [] : [{ place, number }];
    });
    return named.flatMap(({ place, number }) => {
      const matching = compared.filter(({ value }) => isSame(value, number));
      if (!isSaidOnce(question, number) || matching.length !== 1) return [];
      const { operator: token, isCount } = matching[0]!;
      return [
        {
          question: said(question, { ...place, to: isCount ? ofCount(place.to) : place.to }),
          sql: sql.slice(0, token.start) + opposite + sql.slice(token.end),
        },
      ];
    });
  });
  return choices.length === 0 ? undefined : context.random.pick(choices);
};
