/**
 * Examples as others publish them: JSON lines or one JSON array, with the field names of Spider (`question`, `query`,
 * `db_id`), BIRD (`question`, `SQL`, `db_id`) or ours (`query` or `question`, `sql`, `databaseId`). Keeps what each row
 * was, so that it can be written out again.
 */
import { basename } from 'node:path';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { readTextFile } from '../../foundation/files.ts';
import type { Example } from '../example.ts';
import { type LineProblem, parseExamples } from '../example-file.ts';

export interface DataRow {
  /** Line or element, from 1. */
  readonly row: number;
  readonly example: Example;
  /** The object as it stands in the file. */
  readonly raw: Readonly<Record<string, unknown>>;
}

export interface DataFile {
  readonly path: string;
  readonly isArray: boolean;
  readonly rows: readonly DataRow[];
  readonly problems: readonly LineProblem[];
}

type Raw = Record<string, unknown>;

/** In our field names. A Spider object's `query` is SQL, ours is a question: it is SQL where a question stands beside it. */
function inOurNames(raw: Raw): Raw {
  const { question, query, sql, SQL, db_id, databaseId, id } = raw;
  const isQuerySql = sql === undefined && SQL === undefined && question !== undefined;
  return {
    ...(typeof id === 'string' ? { id } : {}),
    question: question ?? query,
    sql: sql ?? SQL ?? (isQuerySql ? query : undefined),
    databaseId: databaseId ?? db_id,
  };
}

function parseArray(text: string, path: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
    throw new SyntaxError('it is no array');
  } catch (thrown) {
    throw new QuerentError('data/bad-file', `${path} is not a JSON array: ${messageOf(thrown)}`, {
      next: 'Give a JSON array of examples, or a .jsonl file with one object a line.',
      details: { path },
      cause: thrown,
    });
  }
}

const isObject = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The line of each row as JSON in our names; what is no object is left for the parser to complain about. */
function toOurLines(text: string, path: string, isArray: boolean): { lines: string[]; raws: unknown[] } {
  if (isArray) {
    const raws = parseArray(text, path);
    return { raws, lines: raws.map((raw) => JSON.stringify(isObject(raw) ? inOurNames(raw) : raw)) };
  }
  const raws: unknown[] = [];
  const lines = text.split(/\r?\n/).map((line) => {
    let raw: unknown;
    try {
      raw = line.trim() === '' ? undefined : JSON.parse(line);
    } catch {
      // The parser says what is wrong with the line.
    }
    raws.push(raw);
    return isObject(raw) ? JSON.stringify(inOurNames(raw)) : line;
  });
  return { lines, raws };
}

/** `databaseId`: of rows that name none. Rows that cannot be read are `problems`, not errors. */
export async function readDataFile(path: string, databaseId: string): Promise<DataFile> {
  const text = (await readTextFile(path, 'examples')).replace(/^\uFEFF/, '');
  const isArray = /^\s*\[/.test(text);
  const { lines, raws } = toOurLines(text, path, isArray);
  const name = basename(path).replace(/\.jsonl?$/, '');
  const { examples, rows, problems } = parseExamples(lines.join('\n'), name, databaseId);
  return {
    path,
    isArray,
    rows: examples.map((example, at) => ({ row: rows[at]!, example, raw: raws[rows[at]! - 1] as Raw })),
    problems,
  };
}
