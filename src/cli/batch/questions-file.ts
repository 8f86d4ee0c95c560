/**
 * Questions of a file, one after the other, without the file in memory: JSON lines with `question` (or `query`), or CSV with
 * such a column. A line that is none is handed on with what is wrong with it. Knows the two forms; asks nothing.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parse } from 'csv-parse';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { readFailure } from '../../foundation/files.ts';

export type BatchFormat = 'jsonl' | 'csv';
export const batchFormats: readonly BatchFormat[] = ['jsonl', 'csv'];

export interface BatchQuestion {
  /** From 1: the line of a JSON lines file, the record of a CSV file without its header. */
  readonly row: number;
  readonly id?: string;
  /** Empty where `problem` says why. */
  readonly question: string;
  readonly problem?: string;
}

/** By the end of the name; undefined where it says nothing. */
export function formatOf(path: string): BatchFormat | undefined {
  if (/\.(jsonl|ndjson)$/i.test(path)) return 'jsonl';
  return /\.csv$/i.test(path) ? 'csv' : undefined;
}

const LINE_LENGTH_MAX = 1_000_000;
const fieldNames = ['question', 'query'] as const;

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

function fromFields(row: number, fields: Readonly<Record<string, unknown>>): BatchQuestion {
  const question = fieldNames.map((name) => fields[name]).find(isText);
  const { id } = fields;
  const named = typeof id === 'number' || isText(id) ? { id: String(id) } : {};
  if (question !== undefined) return { row, ...named, question };
  return { row, ...named, question: '', problem: 'there is no text in "question" (or "query")' };
}

function fromLine(row: number, line: string): BatchQuestion {
  if (line.length > LINE_LENGTH_MAX)
    return { row, question: '', problem: `the line is longer than ${LINE_LENGTH_MAX} characters` };
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'string') return fromFields(row, { question: value });
    if (typeof value === 'object' && value !== null) return fromFields(row, value as Record<string, unknown>);
    return { row, question: '', problem: 'expected a JSON object, or a text' };
  } catch (thrown) {
    return { row, question: '', problem: `not JSON: ${messageOf(thrown).slice(0, 200)}` };
  }
}

async function* fromJsonLines(path: string): AsyncGenerator<BatchQuestion> {
  const lines = createInterface({
    input: createReadStream(path, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  let row = 0;
  for await (const line of lines) {
    row += 1;
    const text = row === 1 ? line.replace(/^\uFEFF/, '') : line;
    if (text.trim() !== '') yield fromLine(row, text);
  }
}

async function* fromCsv(path: string): AsyncGenerator<BatchQuestion> {
  const records = createReadStream(path).pipe(
    parse({ bom: true, relax_column_count: true, skip_empty_lines: true, max_record_size: LINE_LENGTH_MAX }),
  );
  let header: readonly string[] | undefined;
  let row = 0;
  try {
    for await (const cells of records as AsyncIterable<string[]>) {
      if (header === undefined) {
        header = headerOf(path, cells);
        continue;
      }
      row += 1;
      yield fromFields(row, Object.fromEntries(header.map((name, at) => [name, cells[at]])));
    }
  } catch (thrown) {
    if (thrown instanceof QuerentError) throw thrown;
    // What follows a broken quote cannot be told apart.
    yield { row: row + 1, question: '', problem: `not CSV from here on: ${messageOf(thrown)}` };
  }
}

function headerOf(path: string, cells: readonly string[]): readonly string[] {
  const names = cells.map((cell) => cell.trim().toLowerCase());
  if (fieldNames.some((name) => names.includes(name))) return names;
  throw new QuerentError(
    'batch/no-question-column',
    `${path} has no column "question": ${names.join(', ')}`,
    {
      next: 'Name the column of the questions "question" (or "query") in the first line.',
    },
  );
}

export async function* readQuestions(path: string, format: BatchFormat): AsyncGenerator<BatchQuestion> {
  try {
    if (!(await stat(path)).isFile()) throw new Error('it is no file');
    yield* format === 'jsonl' ? fromJsonLines(path) : fromCsv(path);
  } catch (thrown) {
    throw thrown instanceof QuerentError ? thrown : readFailure(path, 'questions', thrown);
  }
}
