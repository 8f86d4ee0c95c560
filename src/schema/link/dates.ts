/** Dates in questions: 2024-03-01, 1 March 2024, March 2024, 03/2024, Q1 2024, 2024-Q1, first quarter of 2024. */
import type { Match } from './numbers.ts';
import type { QuestionWord } from './question-words.ts';

const monthNames =
  'january february march april may june july august september october november december'.split(' ');

function monthNumber(key: string | undefined): number | undefined {
  if (key === undefined || key.length < 3) return undefined;
  const index = monthNames.findIndex(
    (name) => name === key || (name.startsWith(key) && (key.length === 3 || key === 'sept')),
  );
  return index < 0 ? undefined : index + 1;
}

function yearNumber(key: string | undefined): number | undefined {
  if (key === undefined || !/^(19[5-9]\d|20[0-4]\d)$/.test(key)) return undefined;
  return Number(key);
}

function dayNumber(key: string | undefined): number | undefined {
  const match = key === undefined ? null : /^(\d{1,2})(st|nd|rd|th)?$/.exec(key);
  if (match === null) return undefined;
  const day = Number(match[1]);
  return day >= 1 && day <= 31 ? day : undefined;
}

function isoDay(year: number, month: number, day: number): string | undefined {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 ? date.toISOString().slice(0, 10) : undefined;
}

function dayMatch(year: number, month: number, day: number, count: number): Match | undefined {
  const date = isoDay(year, month, day);
  return date === undefined ? undefined : { value: { kind: 'day', date }, count };
}

/** 2024-03-01, 2024-03, 01/03/2024 and 01.03.2024 (day first), 03/2024. */
function matchNumeric(words: readonly QuestionWord[], at: number): Match | undefined {
  const key = (offset: number): string => words[at + offset]?.key ?? '';
  const separator = key(1);
  const year = yearNumber(key(0));
  if (year !== undefined && (separator === '-' || separator === '/')) {
    const month = /^\d{1,2}$/.test(key(2)) ? Number(key(2)) : 0;
    if (month < 1 || month > 12) return undefined;
    const day = key(3) === separator ? dayNumber(key(4)) : undefined;
    if (day !== undefined) return dayMatch(year, month, day, 5);
    return key(2).length === 2 ? { value: { kind: 'month', year, month }, count: 3 } : undefined;
  }
  const first = dayNumber(key(0));
  if (first === undefined) {
    const dotted = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(key(0));
    return dotted === null ? undefined : dayMatch(Number(dotted[3]), Number(dotted[2]), Number(dotted[1]), 1);
  }
  if (separator !== '/' && separator !== '.') return undefined;
  const last = yearNumber(key(4));
  const middle = dayNumber(key(2));
  if (key(3) === separator && last !== undefined && middle !== undefined) {
    return middle <= 12 ? dayMatch(last, middle, first, 5) : dayMatch(last, first, middle, 5);
  }
  const monthYear = yearNumber(key(2));
  return monthYear !== undefined && first <= 12
    ? { value: { kind: 'month', year: monthYear, month: first }, count: 3 }
    : undefined;
}

/** Skips "of", "," and "the". */
function skipGlue(words: readonly QuestionWord[], at: number): number {
  let i = at;
  while (/^(of|,|the|in)$/.test(words[i]?.key ?? '')) i++;
  return i;
}

/** "between 1 March and 15 April 2024", "from March to May 2024": the first date takes the year of the second. */
function yearOfRange(words: readonly QuestionWord[], at: number): number | undefined {
  if (!/^(and|to|until|till|-|–)$/.test(words[at]?.key ?? '')) return undefined;
  const second = matchNamedMonth(words, at + 1);
  if (second?.value.kind === 'month') return second.value.year;
  return second?.value.kind === 'day' ? Number(second.value.date.slice(0, 4)) : undefined;
}

function matchNamedMonth(words: readonly QuestionWord[], at: number): Match | undefined {
  const day = dayNumber(words[at]?.key);
  const monthAt = day === undefined ? at : skipGlue(words, at + 1);
  const month = monthNumber(words[monthAt]?.key);
  if (month === undefined) return undefined;
  if (day !== undefined) {
    const yearAt = skipGlue(words, monthAt + 1);
    const year = yearNumber(words[yearAt]?.key);
    if (year !== undefined) return dayMatch(year, month, day, yearAt - at + 1);
    const later = yearOfRange(words, monthAt + 1);
    return later === undefined ? undefined : dayMatch(later, month, day, monthAt - at + 1);
  }
  const laterDay = dayNumber(words[monthAt + 1]?.key);
  const yearAt = skipGlue(words, laterDay === undefined ? monthAt + 1 : monthAt + 2);
  const year = yearNumber(words[yearAt]?.key);
  if (year === undefined) {
    const later = laterDay === undefined ? yearOfRange(words, monthAt + 1) : undefined;
    return later === undefined ? undefined : { value: { kind: 'month', year: later, month }, count: 1 };
  }
  if (laterDay !== undefined) return dayMatch(year, month, laterDay, yearAt - at + 1);
  return { value: { kind: 'month', year, month }, count: yearAt - at + 1 };
}

const ordinals = new Map([
  ['first', 1],
  ['second', 2],
  ['third', 3],
  ['fourth', 4],
  ['1st', 1],
  ['2nd', 2],
  ['3rd', 3],
  ['4th', 4],
]);

function matchQuarter(words: readonly QuestionWord[], at: number): Match | undefined {
  const short = /^q([1-4])$/.exec(words[at]?.key ?? '');
  const ordinal = words[at + 1]?.key === 'quarter' ? ordinals.get(words[at]!.key) : undefined;
  const quarter = short === null ? ordinal : Number(short[1]);
  if (quarter === undefined) return undefined;
  let yearAt = skipGlue(words, at + (short === null ? 2 : 1));
  if (words[yearAt]?.key === '-' || words[yearAt]?.key === '/') yearAt++;
  const year = yearNumber(words[yearAt]?.key);
  return year === undefined
    ? undefined
    : { value: { kind: 'quarter', year, quarter }, count: yearAt - at + 1 };
}

/** The date, month or quarter that starts at word `at`, if there is one (a bare year is a number's business). */
export function matchDate(words: readonly QuestionWord[], at: number): Match | undefined {
  return matchQuarter(words, at) ?? matchNumeric(words, at) ?? matchNamedMonth(words, at);
}
