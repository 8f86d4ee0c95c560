/**
 * What was answered and judged so far, as JSON lines that are appended while an evaluation runs: one line for the answers
 * to a question, one for their verdicts. A line is written by one call, so a killed process leaves whole lines and at most
 * one half, which is dropped when the file is read again. Knows files; does not know how answers are made or judged.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Prediction } from '../agents/predictor.ts';
import type { Example } from '../data/example.ts';
import { QuerentError } from '../foundation/errors.ts';
import type { Verdict } from './verdict.ts';

export interface JudgedAnswers {
  readonly verdicts: readonly Verdict[];
  readonly rewards?: readonly (number | null)[];
  readonly resultKeys?: readonly (string | null)[];
}

/** The journal of one set. */
export interface SetJournal {
  answersOf(example: Example): readonly Prediction[] | undefined;
  judgedOf(example: Example): JudgedAnswers | undefined;
  recordAnswers(example: Example, answers: readonly Prediction[]): void;
  recordJudged(example: Example, judged: JudgedAnswers): void;
}

export interface Journal {
  /** Questions that have verdicts already. */
  readonly known: number;
  forSet(set: string): SetJournal;
  close(): void;
}

/** What must be the same for answers to be used again: who answers, how many, how hot. */
export type JournalSettings = Readonly<Record<string, string | number | boolean>>;

const FORMAT_VERSION = 1;

type Line =
  | { readonly type: 'evaluation'; readonly formatVersion: number; readonly settings: JournalSettings }
  | {
      readonly type: 'answers';
      readonly key: string;
      readonly id: string;
      readonly answers: readonly Prediction[];
    }
  | ({ readonly type: 'verdicts'; readonly key: string; readonly id: string } & JudgedAnswers);

/** Another question, gold or database under the same id is another question. */
function keyOf(set: string, { id, question, sql, databaseId, evidence = '' }: Example): string {
  const hash = createHash('sha256').update([set, id, databaseId, question, sql, evidence].join('\0'));
  return hash.digest('hex').slice(0, 20);
}

function damaged(path: string, row: number): QuerentError {
  return new QuerentError('evaluation/bad-journal', `${path} row ${row} cannot be read`, {
    next: 'Delete the row, or start again without --resume.',
    details: { path, row },
  });
}

/** Whole lines; what a kill left of the last one is cut off the file. */
function readLines(path: string): Line[] {
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end < bytes.length) truncateSync(path, end);
  const lines = bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1);
  return lines.map((line, at) => {
    try {
      return JSON.parse(line) as Line;
    } catch {
      throw damaged(path, at + 1);
    }
  });
}

function refuseOthers(path: string, found: JournalSettings, wanted: JournalSettings): void {
  const names = [...new Set([...Object.keys(found), ...Object.keys(wanted)])];
  const differing = names.filter((name) => found[name] !== wanted[name]);
  if (differing.length === 0) return;
  const words = differing.map(
    (name) => `${name}: ${found[name] ?? 'none'} there, ${wanted[name] ?? 'none'} now`,
  );
  throw new QuerentError(
    'evaluation/other-settings',
    `${path} is of another evaluation (${words.join('; ')})`,
    {
      next: 'Run with the same options, into another --output, or without --resume.',
      details: { path, differing },
    },
  );
}

/** Without `isResumed` it starts anew; what lay there is kept beside it, under `.previous`. */
export function openJournal(path: string, settings: JournalSettings, isResumed: boolean): Journal {
  const answers = new Map<string, readonly Prediction[]>();
  const judged = new Map<string, JudgedAnswers>();
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path) && !isResumed) renameSync(path, `${path}.previous`);
  const [header, ...lines] = existsSync(path) ? readLines(path) : [];
  if (header !== undefined) {
    if (header.type !== 'evaluation' || header.formatVersion !== FORMAT_VERSION) throw damaged(path, 1);
    refuseOthers(path, header.settings, settings);
  }
  for (const line of lines) {
    if (line.type === 'answers') answers.set(line.key, line.answers);
    else if (line.type === 'verdicts') judged.set(line.key, line);
  }
  const descriptor = openSync(path, 'a');
  const append = (line: Line): void => {
    writeSync(descriptor, `${JSON.stringify(line)}\n`);
  };
  if (header === undefined) append({ type: 'evaluation', formatVersion: FORMAT_VERSION, settings });
  return {
    known: judged.size,
    forSet: (set) => ({
      answersOf: (example) => answers.get(keyOf(set, example)),
      judgedOf: (example) => judged.get(keyOf(set, example)),
      recordAnswers: (example, given) => {
        append({ type: 'answers', key: keyOf(set, example), id: example.id, answers: given });
      },
      recordJudged: (example, given) => {
        append({ type: 'verdicts', key: keyOf(set, example), id: example.id, ...given });
      },
    }),
    close: () => closeSync(descriptor),
  };
}
