/**
 * A gold file (`SQL<TAB>db_id` a line) and a prediction file (SQL a line, or BIRD's JSON object), put side by side by line.
 * What is wrong with a line is a problem of that row, never the end of the rest. Knows nothing of schemas and databases.
 */
import { basename } from 'node:path';
import { codeTokens } from '../../database/sql-text.ts';
import { counted } from '../../foundation/counted.ts';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { readBytesFile } from '../../foundation/files.ts';

export type ProblemKind =
  | 'row-count'
  | 'bad-gold-line'
  | 'not-utf8'
  | 'unknown-database'
  | 'no-database'
  | 'gold-unreadable'
  | 'gold-broken'
  | 'too-large'
  | 'soft-f1-unknown'
  | 'not-timed'
  | 'no-neighbours'
  | 'empty-prediction'
  | 'several-statements'
  | 'value-replaced';

export interface RowProblem {
  readonly kind: ProblemKind;
  /** The file's name, and the line in it from 1. */
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

const OF_PREDICTION: ReadonlySet<ProblemKind> = new Set<ProblemKind>([
  'empty-prediction',
  'several-statements',
  'value-replaced',
  'soft-f1-unknown',
]);

/** What is the prediction's own doing; everything else is something to mend before the figures can be trusted. */
export const isOfPrediction = ({ kind }: RowProblem): boolean => OF_PREDICTION.has(kind);

export interface PredictionPair {
  /** From 0, as in Spider's own lists. */
  readonly row: number;
  /** From 1, in both files. */
  readonly line: number;
  readonly databaseId: string;
  readonly gold: string;
  /** Empty where there is none. */
  readonly predicted: string;
  /** False where one of the two cannot be used: the row counts as wrong and nothing is run. */
  readonly isUsable: boolean;
}

export interface PredictionPairs {
  readonly goldFile: string;
  readonly predictionFile: string;
  readonly pairs: readonly PredictionPair[];
  readonly problems: readonly RowProblem[];
}

interface Line {
  readonly text: string;
  readonly isUtf8: boolean;
  /** True of a statement that stands alone: a tab in it is a tab. */
  readonly isStatement?: boolean;
}

const NEWLINE = 0x0a;
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

function decodeLine(bytes: Uint8Array): Line {
  try {
    return { text: strict.decode(bytes).trimEnd(), isUtf8: true };
  } catch {
    return { text: lenient.decode(bytes).trimEnd(), isUtf8: false };
  }
}

/** A byte order mark is no part of the first line, and what follows the last line break is a line only if it is something. */
function splitLines(bytes: Uint8Array): Line[] {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const lines: Line[] = [];
  let start = hasMark ? 3 : 0;
  while (start <= bytes.length) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    lines.push(decodeLine(bytes.subarray(start, end)));
    start = end + 1;
  }
  if (lines.at(-1)?.text === '') lines.pop();
  return lines;
}

function emptyFile(path: string, what: string): QuerentError {
  return new QuerentError('evaluation/empty-file', `the file of ${what} ${path} is empty`, {
    next: 'Give a file with one statement a line.',
    details: { path },
  });
}

/** What is beyond is no row. */
const KEY_MAX = 1_000_000;

function badObject(path: string, problem: string, cause?: unknown): QuerentError {
  return new QuerentError(
    'evaluation/bad-predictions',
    `${path} is no JSON object of predictions: ${problem}`,
    {
      next: 'Give {"0": "SELECT …", "1": "SELECT …"}, or one statement a line.',
      details: { path },
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

const OBJECT_TAIL = '\t----- bird -----\t';

const toLine = (value: unknown): Line => ({
  text: typeof value === 'string' ? value.split(OBJECT_TAIL)[0]! : '',
  isUtf8: true,
  isStatement: true,
});

/**
 * BIRD's `{"0": "SELECT …\t----- bird -----\tdb_id", …}`: a statement for each row from 0, in which lines may break. By
 * key; the official script goes by the order in the file, whatever the keys (bird-bench/mini_dev, issue 41).
 * What is no text is no prediction, and neither is what is not there. Undefined where the file is another.
 */
function linesOfObject(bytes: Uint8Array, path: string): Line[] | undefined {
  if (!/^\uFEFF?\s*\{\s*"\d+"\s*:/.test(lenient.decode(bytes.subarray(0, 64)))) return undefined;
  let values: Record<string, unknown>;
  try {
    values = JSON.parse(strict.decode(bytes).replace(/^\uFEFF/, '')) as Record<string, unknown>;
  } catch (thrown) {
    throw badObject(path, messageOf(thrown), thrown);
  }
  const last = Math.max(...Object.keys(values).map(Number));
  if (!Number.isSafeInteger(last) || last > KEY_MAX)
    throw badObject(path, `its keys must be rows, from 0 to ${KEY_MAX} at most`);
  return Array.from({ length: last + 1 }, (_, row) => toLine(values[String(row)]));
}

async function readLines(path: string, what: string): Promise<Line[]> {
  const bytes = await readBytesFile(path, what);
  const lines = linesOfObject(bytes, path) ?? splitLines(bytes);
  if (lines.length === 0) throw emptyFile(path, what);
  return lines;
}

/** Blank lines at the end of one file that the other does not have. */
function dropBlankEnd(lines: Line[], countMin: number): void {
  while (lines.length > countMin && lines.at(-1)!.text.trim() === '') lines.pop();
}

const countStatements = (sql: string): number =>
  codeTokens(sql).filter(({ text, depth }, at, tokens) => {
    const isLast = at === tokens.length - 1;
    return text === ';' && depth === 0 && !isLast;
  }).length + 1;

function pairOf(
  row: number,
  goldLine: Line,
  predictedLine: Line | undefined,
  names: readonly [string, string],
) {
  const problems: RowProblem[] = [];
  const line = row + 1;
  const report = (kind: ProblemKind, which: 0 | 1, message: string): void => {
    problems.push({ kind, file: names[which], line, message });
  };
  const [gold = '', databaseId = '', ...rest] = goldLine.text.trim().split('\t');
  const isGoldWhole = gold.trim() !== '' && databaseId.trim() !== '' && rest.length === 0;
  if (!isGoldWhole) report('bad-gold-line', 0, 'expected SQL, one tab and the id of a database');
  if (!goldLine.isUtf8) report('not-utf8', 0, 'the bytes are no UTF-8');
  const text = predictedLine?.text ?? '';
  const predicted = (predictedLine?.isStatement === true ? text : text.split('\t')[0]!).trim();
  if (predictedLine?.isUtf8 === false) report('not-utf8', 1, 'the bytes are no UTF-8');
  else if (predictedLine !== undefined && predicted === '')
    report('empty-prediction', 1, 'there is no statement');
  else if (countStatements(predicted) > 1) report('several-statements', 1, 'more than one statement');
  const isUsable = isGoldWhole && goldLine.isUtf8 && predictedLine?.isUtf8 !== false;
  return { problems, pair: { row, line, databaseId: databaseId.trim(), gold, predicted, isUsable } };
}

/** Lines that are blank in both files are left out: Spider's relatives part their dialogues with them. */
export async function readPredictionPairs(
  goldPath: string,
  predictionPath: string,
): Promise<PredictionPairs> {
  const [golds, predictions] = await Promise.all([
    readLines(goldPath, 'gold statements'),
    readLines(predictionPath, 'predictions'),
  ]);
  dropBlankEnd(golds, predictions.length);
  dropBlankEnd(predictions, golds.length);
  const [goldFile, predictionFile] = [basename(goldPath), basename(predictionPath)];
  const pairs: PredictionPair[] = [];
  const problems: RowProblem[] = [];
  golds.forEach((gold, row) => {
    const predicted = predictions[row];
    if (gold.text.trim() === '' && (predicted?.text ?? '').trim() === '') return;
    const result = pairOf(row, gold, predicted, [goldFile, predictionFile]);
    pairs.push(result.pair);
    problems.push(...result.problems);
  });
  if (pairs.length === 0) throw emptyFile(goldPath, 'gold statements');
  if (golds.length !== predictions.length) {
    const line = Math.min(golds.length, predictions.length) + 1;
    const rest =
      golds.length > predictions.length ? 'rows without a prediction count as wrong' : 'the rest is left out';
    problems.unshift({
      kind: 'row-count',
      file: predictionFile,
      line,
      message: `${counted(predictions.length, 'prediction')} for ${counted(golds.length, 'gold statement')} in ${goldFile}; ${rest}`,
    });
  }
  return { goldFile, predictionFile, pairs, problems };
}
