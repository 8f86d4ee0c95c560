/**
 * Answers as lines of a file, each written by one call as soon as it is known: a run that was stopped leaves whole lines and
 * at most one half, which goes when the file is opened again. Knows which rows it has; does not know how they are answered.
 */
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { parse } from 'csv-parse';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { hash32 } from '../../foundation/random.ts';
import type { BatchFormat, BatchQuestion } from './questions-file.ts';

/** What is written of one question, in the order of the columns of a CSV file. */
export interface BatchAnswer {
  readonly row: number;
  readonly id?: string;
  readonly question: string;
  readonly sql: string;
  readonly confidence: number | null;
  /** As of `querent ask --json`; `error`: it could not be asked. */
  readonly outcome: string;
  readonly message?: string;
  readonly explanation: string;
  readonly columns?: readonly string[];
  readonly rows?: readonly (readonly unknown[])[];
  readonly truncated?: boolean;
  readonly latencyMs: number | null;
}

const fields = [
  'row',
  'id',
  'question',
  'sql',
  'confidence',
  'outcome',
  'message',
  'explanation',
  'columns',
  'rows',
  'truncated',
  'latencyMs',
] as const satisfies readonly (keyof BatchAnswer)[];

export interface AnswersFile {
  /** Already there, from an earlier run. */
  readonly known: number;
  has(question: BatchQuestion): boolean;
  add(answer: BatchAnswer): void;
  /** Everything is on the disk. */
  close(): void;
}

function csvCell(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  // A spreadsheet would run what begins so.
  const safe = /^[=+\-@\t\r]/.test(text) && typeof value === 'string' ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const csvLine = (answer: BatchAnswer): string =>
  `${fields.map((field) => csvCell(answer[field])).join(',')}\n`;
const header = `${fields.join(',')}\n`;

interface Found {
  /** Row -> hash of its question. */
  readonly rows: Map<number, number>;
  /** Of whole lines; what comes after is cut off. */
  readonly bytes: number;
}

const plainQuestion = (cell: string): string => (/^'[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell);

function otherFile(path: string, why: string): QuerentError {
  return new QuerentError('batch/other-output', `${path} is not the output of these questions: ${why}`, {
    next: 'Name another file with --output, or begin it anew with --force.',
  });
}

async function findInJsonLines(path: string): Promise<Found> {
  const rows = new Map<number, number>();
  let bytes = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = rest.subarray(0, end).toString('utf8');
      rest = rest.subarray(end + 1);
      bytes += end + 1;
      if (line.trim() === '') continue;
      try {
        const { row, question } = JSON.parse(line) as Partial<BatchAnswer>;
        rows.set(Number(row), hash32(String(question)));
      } catch (thrown) {
        throw otherFile(path, `a line is not JSON (${messageOf(thrown).slice(0, 80)})`);
      }
    }
  }
  return { rows, bytes };
}

async function findInCsv(path: string): Promise<Found> {
  const rows = new Map<number, number>();
  const { size } = statSync(path);
  let bytes = 0;
  let isHeader = true;
  const records = createReadStream(path).pipe(parse({ info: true, relax_column_count: true }));
  try {
    for await (const { record, info } of records as AsyncIterable<{
      record: string[];
      info: { bytes: number };
    }>) {
      // A record without a line break at the end of the file is half a record.
      if (info.bytes >= size && !(await endsWithLineBreak(path, size))) break;
      if (isHeader && record.join(',') !== header.trimEnd()) throw otherFile(path, 'its columns are others');
      if (!isHeader) rows.set(Number(record[0]), hash32(plainQuestion(record[2] ?? '')));
      isHeader = false;
      bytes = info.bytes;
    }
  } catch (thrown) {
    // A quote that is never closed: the record was being written.
    if (thrown instanceof QuerentError) throw thrown;
  }
  return { rows, bytes };
}

async function endsWithLineBreak(path: string, size: number): Promise<boolean> {
  for await (const chunk of createReadStream(path, { start: Math.max(0, size - 1) }) as AsyncIterable<Buffer>)
    return chunk.at(-1) === 10;
  return false;
}

export async function openAnswers(
  path: string,
  format: BatchFormat,
  { force }: { readonly force: boolean },
): Promise<AnswersFile> {
  mkdirSync(dirname(path), { recursive: true });
  const isThere = existsSync(path) && !force;
  const empty: Found = { rows: new Map(), bytes: 0 };
  const found = isThere ? await (format === 'jsonl' ? findInJsonLines(path) : findInCsv(path)) : empty;
  if (isThere) truncateSync(path, found.bytes);
  let file: number;
  try {
    file = openSync(path, isThere ? 'a' : 'w');
  } catch (thrown) {
    throw new QuerentError('files/write-failed', `could not write ${path}: ${messageOf(thrown)}`, {
      next: 'Name another file with --output.',
      cause: thrown,
    });
  }
  const write = (text: string): void => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  };
  if (format === 'csv' && found.bytes === 0) write(header);
  return {
    known: found.rows.size,
    has: ({ row, question }) => {
      const known = found.rows.get(row);
      if (known === undefined) return false;
      if (known !== hash32(question)) throw otherFile(path, `row ${row} answers another question`);
      return true;
    },
    add: (answer) => write(format === 'jsonl' ? `${JSON.stringify(answer)}\n` : csvLine(answer)),
    close: () => {
      fsyncSync(file);
      closeSync(file);
    },
  };
}
