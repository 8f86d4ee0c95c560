/**
 * What a language model wrote, taken apart: the SQL, the reasoning, and whether it was cut off. Knows the markup that
 * published systems ask for; knows nothing of SQL but the words that a query begins with. Linear in the length of the text.
 */
import type { Completion } from './prompt-format.ts';

/**
 * - `any`: a query can be found.
 * - `sql-r1`: one <think>…</think>, then one <answer>…</answer> with a ```sql block in it (SQL-R1, arXiv 2504.08600).
 * - `skyrl`: a <think>…</think>, and one <solution>…</solution> without other tags in it; every <observation> is followed
 *   by a <think> (SkyRL-SQL).
 */
export type AnswerForm = 'any' | 'sql-r1' | 'skyrl';

interface Found {
  readonly content: string;
  readonly start: number;
  /** False where the end is missing. */
  readonly isClosed: boolean;
}

/** The last part between two marks, upper or lower case; open-ended if the closing mark is missing. */
function lastBetween(text: string, lower: string, open: string, close: string): Found | undefined {
  const at = lower.lastIndexOf(open);
  if (at < 0) return undefined;
  const start = at + open.length;
  const end = lower.indexOf(close, start);
  return { content: text.slice(start, end < 0 ? undefined : end), start: at, isClosed: end >= 0 };
}

const FENCE = '```';

/** The last fenced block: of SQL if there is one, else of anything. An odd number of fences leaves the last one open. */
function lastFence(text: string, lower: string): Found | undefined {
  const sql = lastBetween(text, lower, '```sql', FENCE) ?? lastBetween(text, lower, '```sqlite', FENCE);
  if (sql !== undefined) {
    // "```sqlite" starts with "```sql".
    return { ...sql, content: sql.content.replace(/^ite\b/i, '') };
  }
  const marks: number[] = [];
  for (let at = text.indexOf(FENCE); at >= 0; at = text.indexOf(FENCE, at + FENCE.length)) marks.push(at);
  if (marks.length === 0) return undefined;
  const isClosed = marks.length % 2 === 0;
  const open = marks.at(isClosed ? -2 : -1)!;
  const content = text.slice(open + FENCE.length, isClosed ? marks.at(-1) : undefined);
  // The word behind the fence is the language.
  return { content: content.replace(/^[a-z]*(?=\s)/i, ''), start: open, isClosed };
}

const STOP_MARKS = [
  '<|im_end|>',
  '<|endoftext|>',
  '<|eot_id|>',
  '<|eom_id|>',
  '<|end_of_text|>',
  '<|end|>',
  '</s>',
  '<｜end▁of▁sentence｜>',
];
const QUERY_START =
  /^\s*(?:\(\s*)*(?:select|with\s+(?:recursive\s+)?\w+\s*(?:\(|as\b)|values|explain|insert|update|delete|create|drop|alter|pragma|attach)(?!\w)/i;
const QUERY_LINE = /^[ \t]*(?:select\s|with\s+(?:recursive\s+)?\w+\s*(?:\(|as\b))/im;
/** Where a query that stands among sentences ends. */
const QUERY_END = /;|\n[ \t]*\n/;

/** Special tokens at the end that a decoder left in the text. */
export function withoutStopMarks(text: string): string {
  let rest = text.trimEnd();
  for (;;) {
    const mark = STOP_MARKS.find((candidate) => rest.endsWith(candidate));
    if (mark === undefined) return rest;
    rest = rest.slice(0, -mark.length).trimEnd();
  }
}

/** The query of an answer: inside its tags the last fenced block, else a bare query, else from the first line of one. */
function queryIn(text: string): Found | undefined {
  const lower = text.toLowerCase();
  for (const [open, close] of [
    ['<solution>', '</solution>'],
    ['<answer>', '</answer>'],
  ] as const) {
    const part = lastBetween(text, lower, open, close);
    if (part === undefined) continue;
    const fence = lastFence(part.content, part.content.toLowerCase());
    const isClosed = part.isClosed && fence?.isClosed !== false;
    return { content: (fence ?? part).content, start: part.start, isClosed };
  }
  const marked = lastFence(text, lower) ?? lastBetween(text, lower, '<sql>', '</sql>');
  if (marked !== undefined) return marked;
  // Reasoning that never ended is no answer, whatever queries it mentions.
  const thought = lastBetween(text, lower, '<think>', '</think>');
  if (thought?.isClosed === false) return { content: '', start: thought.start, isClosed: false };
  const from = thought === undefined ? 0 : lower.lastIndexOf('</think>') + '</think>'.length;
  const rest = text.slice(from);
  if (QUERY_START.test(rest)) return { content: rest, start: from, isClosed: true };
  const line = QUERY_LINE.exec(rest);
  if (line === null) return undefined;
  const [content = ''] = rest.slice(line.index).split(QUERY_END, 1);
  return { content, start: from + line.index, isClosed: true };
}

function reasoningOf(text: string, queryStart: number): string | undefined {
  const thought = lastBetween(text, text.toLowerCase(), '<think>', '</think>');
  const reasoning = (thought?.content ?? text.slice(0, queryStart))
    .replace(/<\/?(?:answer|solution|sql)>/gi, '')
    .trim();
  return reasoning === '' ? undefined : reasoning;
}

/** Always a completion: `sql` is empty where the text holds no query. */
export function readAnswer(text: string): Completion {
  const answer = withoutStopMarks(text);
  const query = queryIn(answer);
  const reasoning = reasoningOf(answer, query?.start ?? answer.length);
  return {
    sql: query?.content.trim() ?? '',
    isComplete: query?.isClosed ?? true,
    ...(reasoning === undefined ? {} : { reasoning }),
  };
}

function countOf(text: string, mark: string): number {
  return text.split(mark).length - 1;
}

function isSqlR1(text: string): boolean {
  const marks = ['<think>', '</think>', '<answer>', '</answer>'];
  if (marks.some((mark) => countOf(text, mark) !== 1)) return false;
  const places = marks.map((mark) => text.indexOf(mark));
  if (places.some((place, i) => i > 0 && place < places[i - 1]!)) return false;
  const answer = text.slice(places[2]!, places[3]!);
  const fence = lastBetween(answer, answer.toLowerCase(), '```sql', FENCE);
  return fence?.isClosed === true && fence.content.trim() !== '';
}

function isSkyrl(text: string): boolean {
  if (countOf(text, '<solution>') !== 1 || countOf(text, '</solution>') !== 1) return false;
  const [start, end] = [text.indexOf('<solution>'), text.indexOf('</solution>')];
  if (end < start || /<\/?(?:think|sql|observation)\b/i.test(text.slice(start, end))) return false;
  const thought = text.indexOf('<think>');
  if (thought < 0 || text.indexOf('</think>', thought) < 0) return false;
  return text
    .slice(0, start)
    .split(/<\/observation>/i)
    .slice(1)
    .every((after) => after.trimStart().toLowerCase().startsWith('<think>'));
}

/** Every form that the text has. */
export function formsOf(text: string): ReadonlySet<AnswerForm> {
  const answer = withoutStopMarks(text);
  const forms = new Set<AnswerForm>();
  if (readAnswer(answer).sql !== '') forms.add('any');
  if (isSqlR1(answer)) forms.add('sql-r1');
  if (isSkyrl(answer)) forms.add('skyrl');
  return forms;
}
