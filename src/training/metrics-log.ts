/**
 * The curves of a run as JSON lines: one record a step or evaluation. What is the same in every run with the same seed
 * stands in `metrics`, what a clock measured in `timing`. It knows records; it does not know who draws them.
 */
import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, QuerentError } from '../foundation/errors.ts';
import type { Metrics } from '../foundation/events.ts';
import { writeFileAtomic } from '../foundation/files.ts';

/** JSON has no NaN: a value that is not finite is written as null and read as NaN. */
const numberByName = z.record(
  z.string(),
  z
    .number()
    .nullable()
    .transform((value) => value ?? Number.NaN),
);

const recordSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('step'),
    stage: z.string(),
    step: z.int(),
    total: z.int(),
    metrics: numberByName,
    timing: numberByName,
  }),
  z.strictObject({
    type: z.literal('evaluation'),
    stage: z.string(),
    set: z.string(),
    step: z.int(),
    metrics: numberByName,
  }),
]);

export type MetricsRecord =
  | {
      readonly type: 'step';
      readonly stage: string;
      readonly step: number;
      readonly total: number;
      readonly metrics: Metrics;
      readonly timing: Metrics;
    }
  | {
      readonly type: 'evaluation';
      readonly stage: string;
      readonly set: string;
      readonly step: number;
      readonly metrics: Metrics;
    };

export interface MetricsLog {
  append(record: MetricsRecord): Promise<void>;
}

export function createMetricsLog(path: string): MetricsLog {
  return {
    append: async (record) => {
      try {
        await appendFile(path, `${JSON.stringify(record)}\n`);
      } catch (thrown) {
        throw new QuerentError('training/metrics-write', `could not write ${path}: ${messageOf(thrown)}`, {
          next: 'Free some space or correct the permissions, then resume the run.',
          cause: thrown,
        });
      }
    },
  };
}

function parseLine(line: string, row: number, path: string): MetricsRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (thrown) {
    throw new QuerentError(
      'training/metrics-corrupt',
      `${path} line ${row} is not JSON: ${messageOf(thrown)}`,
      {
        next: 'Delete the damaged line; the other records stay valid.',
        details: { path, row },
      },
    );
  }
  const parsed = recordSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues[0];
  throw new QuerentError(
    'training/metrics-corrupt',
    `${path} line ${row} is not a metrics record: ${problem?.path.join('.') ?? ''} ${problem?.message ?? ''}`,
    { next: 'Delete the damaged line; the other records stay valid.', details: { path, row } },
  );
}

/** All records. A last line without its newline was cut off by a kill and is left out. */
export async function readMetricsLog(path: string): Promise<readonly MetricsRecord[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (thrown) {
    throw new QuerentError('training/metrics-missing', `cannot read ${path}: ${messageOf(thrown)}`, {
      next: 'Name the metrics.jsonl of a run.',
      cause: thrown,
    });
  }
  const lines = text.split('\n').slice(0, -1);
  return lines.flatMap((line, i) => (line.trim() === '' ? [] : [parseLine(line, i + 1, path)]));
}

/** Forget what came after `step`, so that a resumed run writes those records again and none stands twice. */
export async function truncateMetricsLog(path: string, step: number): Promise<void> {
  if (!existsSync(path)) return;
  const kept = (await readMetricsLog(path)).filter((record) => record.step <= step);
  await writeFileAtomic(path, kept.map((record) => `${JSON.stringify(record)}\n`).join(''));
}
