/**
 * Any file of records as rows with numbers: a JSON array, JSON lines, CSV, Parquet. What cannot be read of one row is a
 * problem of that row. Knows encodings; does not know what the fields mean.
 */
import { basename, extname } from 'node:path';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { readTextFile } from '../../foundation/files.ts';
import { parseCsv } from './csv.ts';
import { readParquet } from './parquet.ts';
import type { Fields, RecordFile, RecordRow, Records } from './record.ts';
import type { SuiteProblem } from './suite.ts';

export const RECORD_ENDINGS: readonly string[] = ['.json', '.jsonl', '.ndjson', '.csv', '.tsv', '.parquet'];

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function collect(file: string, values: Iterable<readonly [row: number, read: () => unknown]>): Records {
  const rows: RecordRow[] = [];
  const problems: SuiteProblem[] = [];
  for (const [row, read] of values) {
    try {
      const fields = read();
      if (isObject(fields)) rows.push({ row, fields });
      else problems.push({ file, row, problem: 'expected an object' });
    } catch (thrown) {
      problems.push({ file, row, problem: `not JSON (${messageOf(thrown)})` });
    }
  }
  return { rows, problems };
}

function readLines(file: string, text: string): Records {
  const lines = text
    .split(/\r?\n/)
    .flatMap((line, at) => (line.trim() === '' ? [] : [[at + 1, line] as const]));
  return collect(
    file,
    lines.map(([row, line]) => [row, () => JSON.parse(line) as unknown] as const),
  );
}

/** A whole JSON document, which must hold a list; a text of several documents is read as lines. */
function readJsonText(file: string, path: string, text: string): Records {
  if (!/^\s*\[/.test(text)) return readLines(file, text);
  try {
    const values = JSON.parse(text) as unknown[];
    return collect(
      file,
      values.map((value, at) => [at + 1, () => value] as const),
    );
  } catch (thrown) {
    throw new QuerentError('suite/not-json', `${path} is not JSON: ${messageOf(thrown)}`, {
      next: 'The file may have been cut off: fetch it again, or correct the place that is named.',
      details: { path },
      cause: thrown,
    });
  }
}

/** `what` says in an error what the file should have been. */
export async function readRecords(path: string, what = 'data set'): Promise<RecordFile> {
  const file = basename(path);
  const ending = extname(path).toLowerCase();
  if (ending === '.parquet') return { file, ...(await readParquet(path, what)) };
  const text = (await readTextFile(path, what)).replace(/^\uFEFF/, '');
  if (ending === '.csv' || ending === '.tsv') return { file, ...parseCsv(text, file, ending === '.tsv') };
  return { file, ...readJsonText(file, path, text) };
}
