/**
 * Predictions that somebody else made: one SQL a line in the order of the questions (a tab and what follows it is left
 * out, as in Spider's files), JSON lines with `id` and `sql` (an id on several lines has several candidates), or BIRD's
 * one JSON object by row from 0. A file that does not fit its questions is refused, with the rows.
 */
import { basename } from 'node:path';
import { z } from 'zod';
import type { Prediction } from '../../agents/predictor.ts';
import { counted } from '../../foundation/counted.ts';
import { QuerentError } from '../../foundation/errors.ts';
import { readTextFile } from '../../foundation/files.ts';
import type { Ask, CandidateSource } from './candidate-source.ts';

const lineSchema = z.object({
  id: z.union([z.string(), z.number()]).transform(String),
  sql: z.string(),
  reasoning: z.string().optional(),
  confidence: z.number().min(0).max(1).optional(),
  latencyMs: z.number().optional(),
});

function refuse(path: string, problem: string, next: string): QuerentError {
  return new QuerentError('predictor/bad-file', `${path}: ${problem}`, { next, details: { path } });
}

const withoutTail = (line: string): string => line.split('\t', 1)[0]!.trim();

function plain(sql: string): Prediction {
  return { sql: sql.trim().replace(/;$/, ''), latencyMs: 0 };
}

function byOrder(
  path: string,
  statements: readonly string[],
  asks: readonly Ask[],
): Map<string, Prediction[]> {
  if (statements.length !== asks.length) {
    throw refuse(
      path,
      `${counted(statements.length, 'statement')} for ${counted(asks.length, 'question')}`,
      'Give one line a question, in order, empty where there is no answer; or JSON lines with "id" and "sql".',
    );
  }
  return new Map(asks.map(({ id }, at) => [id, [plain(statements[at]!)]]));
}

/** BIRD's: `{"0": "SELECT …\t----- bird -----\tdb_id", …}`. */
function fromObject(path: string, value: Readonly<Record<string, unknown>>, asks: readonly Ask[]) {
  const statements = asks.map((_, at) => value[String(at)]);
  const missing = statements.findIndex((statement) => typeof statement !== 'string');
  if (missing >= 0)
    throw refuse(path, `no text under "${missing}"`, 'Give one statement for each row, from "0".');
  return byOrder(path, (statements as string[]).map(withoutTail), asks);
}

function fromLines(path: string, lines: readonly string[], asks: readonly Ask[]): Map<string, Prediction[]> {
  const known = new Set(asks.map(({ id }) => id));
  const found = new Map<string, Prediction[]>();
  lines.forEach((line, at) => {
    if (line.trim() === '') return;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw refuse(path, `row ${at + 1} is not JSON`, 'Correct the row; the file may have been cut off.');
    }
    const parsed = lineSchema.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw refuse(path, `row ${at + 1}, "${issue!.path.join('.')}": ${issue!.message}`, 'Correct the row.');
    }
    const { id, sql, reasoning, confidence, latencyMs = 0 } = parsed.data;
    if (!known.has(id))
      throw refuse(path, `row ${at + 1}: no question has the id "${id}"`, 'Is it of another set?');
    const prediction: Prediction = {
      ...plain(sql),
      ...(reasoning === undefined ? {} : { reasoning }),
      ...(confidence === undefined ? {} : { confidence }),
      latencyMs,
    };
    found.set(id, [...(found.get(id) ?? []), prediction]);
  });
  const missing = asks.filter(({ id }) => !found.has(id));
  if (missing.length > 0) {
    const shown = missing.slice(0, 3).map(({ id }) => id);
    throw refuse(
      path,
      `nothing for ${missing.length} of ${asks.length} questions (${shown.join(', ')}${missing.length > 3 ? ', …' : ''})`,
      'Give a line with an empty "sql" where there is no answer.',
    );
  }
  return found;
}

/** `asks`: every question of the set that the file was made for. */
export async function openPredictionFile(path: string, asks: readonly Ask[]): Promise<CandidateSource> {
  const text = (await readTextFile(path, 'predictions')).replace(/^\uFEFF/, '');
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  let predictions: Map<string, Prediction[]>;
  if (!/^\s*\{/.test(text)) predictions = byOrder(path, lines.map(withoutTail), asks);
  else if (/^\s*\{\s*"0"/.test(text))
    predictions = fromObject(path, JSON.parse(text) as Record<string, unknown>, asks);
  else predictions = fromLines(path, lines, asks);
  return {
    name: basename(path),
    propose: async (wanted, { samples }) =>
      wanted.map(({ id }) => {
        const candidates = predictions.get(id) ?? [];
        if (candidates.length >= samples) return candidates.slice(0, samples);
        throw refuse(
          path,
          `${candidates.length} candidates for "${id}", and ${samples} are asked for`,
          'Lower --samples.',
        );
      }),
    close: async () => {},
  };
}
