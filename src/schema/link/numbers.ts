/** Numbers in questions: 1,500,000; 1.5m; 200k; two hundred thousand; 20 percent; a dozen; fy24. */

import type { LinkedValue } from './linked-value.ts';
import type { QuestionWord } from './question-words.ts';

/** A value found at some word, and how many words it covers. */
export interface Match {
  readonly value: LinkedValue;
  readonly count: number;
}

const units = new Map(
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'
    .split(' ')
    .map((word, value) => [word, value]),
);
const tens = new Map(
  'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ').map((word, i) => [word, 20 + 10 * i]),
);
const scales = new Map([
  ['hundred', 100],
  ['k', 1e3],
  ['thousand', 1e3],
  ['grand', 1e3],
  ['m', 1e6],
  ['mn', 1e6],
  ['mio', 1e6],
  ['mil', 1e6],
  ['mill', 1e6],
  ['million', 1e6],
  ['millions', 1e6],
  ['bn', 1e9],
  ['billion', 1e9],
]);

function parseDigits(text: string): { value: number; suffix: string } | undefined {
  const parts = /^(\d+(?:[.,']\d+)*)(\p{L}*)$/u.exec(text);
  if (parts === null) return undefined;
  let digits = parts[1]!.replaceAll("'", ',');
  if (/^\d{1,3}(,\d{3})+(\.\d+)?$/.test(digits)) digits = digits.replaceAll(',', '');
  else if (/^\d{1,3}(\.\d{3}){2,}$/.test(digits)) digits = digits.replaceAll('.', '');
  else digits = digits.replace(',', '.');
  const value = Number(digits);
  return Number.isNaN(value) ? undefined : { value, suffix: parts[2]!.toLowerCase() };
}

/** Number words from `start`: "two hundred fifty thousand". */
function parseNumberWords(
  words: readonly QuestionWord[],
  start: number,
): { value: number; count: number } | undefined {
  let total = 0;
  let current = 0;
  let count = 0;
  let seen = false;
  for (let i = start; i < words.length; i++) {
    const { key } = words[i]!;
    const unit = units.get(key) ?? tens.get(key);
    const scale = key.length > 2 ? scales.get(key) : undefined;
    if (unit !== undefined) current += unit;
    else if (scale === 100 && seen) current = Math.max(1, current) * 100;
    else if (scale !== undefined && seen) {
      total += Math.max(1, current) * scale;
      current = 0;
    } else if ((key === 'and' || key === '-') && seen && isNumberWord(words[i + 1]?.key)) {
      if (key === 'and' && !/hundred|thousand|million/.test(words[i - 1]!.key)) break;
      continue;
    } else break;
    seen = true;
    count = i - start + 1;
  }
  return seen ? { value: total + current, count } : undefined;
}

function isNumberWord(key: string | undefined): boolean {
  return key !== undefined && (units.has(key) || tens.has(key));
}

/** "one" is a number only where it clearly counts. */
function isCountingOne(words: readonly QuestionWord[], at: number): boolean {
  const before = words[at - 1]?.key ?? '';
  const after = words[at + 1]?.key ?? '';
  return scales.has(after) || /^(than|least|exactly|top|most|over|under|only)$/.test(before);
}

function percentAfter(words: readonly QuestionWord[], at: number): number {
  const key = words[at]?.key;
  if (key === '%' || key === 'percent' || key === 'pct') return 1;
  return key === 'per' && words[at + 1]?.key === 'cent' ? 2 : 0;
}

function numberOrYear(value: number, plain: boolean): LinkedValue {
  if (plain && Number.isInteger(value) && value >= 1950 && value <= 2049)
    return { kind: 'year', year: value };
  return { kind: 'number', value, isPercent: false };
}

/** The number that starts at word `at`, if there is one. */
export function matchNumber(words: readonly QuestionWord[], at: number): Match | undefined {
  const word = words[at]!;
  const fiscal = /^fy(\d{2}|\d{4})$/.exec(word.key);
  if (fiscal !== null) {
    const year = Number(fiscal[1]);
    return { value: { kind: 'year', year: year < 100 ? 2000 + year : year }, count: 1 };
  }
  const digits = parseDigits(word.key);
  if (digits !== undefined) {
    const { suffix } = digits;
    const scaled = suffix === '' ? undefined : scales.get(suffix);
    if (
      suffix !== '' &&
      scaled === undefined &&
      !/^(st|nd|rd|th|d|h|y|pct|eur|usd|days?|hours?|x)$/.test(suffix)
    )
      return undefined;
    let value = digits.value * (scaled ?? 1);
    let count = 1;
    const next = words[at + 1];
    const isScaleWord =
      next !== undefined && scales.has(next.key) && (next.key.length > 1 || next.start === word.end + 1);
    if (suffix === '' && isScaleWord) {
      value *= scales.get(next.key)!;
      count = 2;
    }
    const percent = percentAfter(words, at + count);
    if (percent > 0) return { value: { kind: 'number', value, isPercent: true }, count: count + percent };
    const plain = count === 1 && suffix === '' && !/[.,']/.test(word.text);
    return { value: numberOrYear(value, plain), count };
  }
  if (word.key === 'dozen') return { value: { kind: 'number', value: 12, isPercent: false }, count: 1 };
  if (!isNumberWord(word.key) || (word.key === 'one' && !isCountingOne(words, at))) return undefined;
  if (word.key === 'zero') return undefined;
  const spelled = parseNumberWords(words, at);
  if (spelled === undefined) return undefined;
  const percent = percentAfter(words, at + spelled.count);
  const value: LinkedValue = { kind: 'number', value: spelled.value, isPercent: percent > 0 };
  return { value, count: spelled.count + percent };
}
