/**
 * Checkpoints of a run on disk. A resumable checkpoint is a new directory that takes its name only when it is whole;
 * older ones are removed after that. So a kill or a full disk at any moment leaves the previous one.
 *
 *   <run>/config.json, metrics.jsonl, curves.html
 *   <run>/checkpoints/step-00000120/   policy (with optimizer) + trainer-state.json
 *   <run>/best/                        policy of the best validation
 *   <run>/final/                       policy at the end of the run (the best one where restoreBest is set)
 *   <run>/reference/                   frozen reference of a KL penalty
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Policy } from '../engine/policy.ts';
import { QuerentError } from '../foundation/errors.ts';
import { readTextFile, writeDirectoryAtomic, writeFileAtomic } from '../foundation/files.ts';
import { budgetStateSchema } from './step-budget.ts';

const trainerStateSchema = z.strictObject({
  formatVersion: z.literal(1),
  stage: z.string(),
  step: z.int().min(0),
  /** Randomness of step n is a fork of the seed by n: the step is the whole random state of the trainer. */
  seed: z.int(),
  budget: budgetStateSchema,
  stream: z.unknown(),
  best: z.strictObject({ step: z.int(), value: z.number() }).nullable(),
  validationsWithoutGain: z.int().min(0),
  isFinished: z.boolean(),
  config: z.record(z.string(), z.unknown()),
  codeVersion: z.string(),
});
export type TrainerState = z.infer<typeof trainerStateSchema>;

const stateFile = 'trainer-state.json';
/** What `writeDirectoryAtomic` and `writeFileAtomic` call things that have not got their name yet, or just lost it. */
const leftover = /\.\d+\.[0-9a-f]{8}\.(old|tmp)$/;
const stepDirectory = /^step-(\d{8})$/;

export const runPaths = (runDirectory: string) => ({
  config: join(runDirectory, 'config.json'),
  metrics: join(runDirectory, 'metrics.jsonl'),
  curves: join(runDirectory, 'curves.html'),
  checkpoints: join(runDirectory, 'checkpoints'),
  best: join(runDirectory, 'best'),
  final: join(runDirectory, 'final'),
  reference: join(runDirectory, 'reference'),
});

async function listSteps(runDirectory: string): Promise<number[]> {
  const directory = runPaths(runDirectory).checkpoints;
  if (!existsSync(directory)) return [];
  const names = await readdir(directory);
  return names
    .flatMap((name) => {
      const match = stepDirectory.exec(name);
      return match === null ? [] : [Number(match[1])];
    })
    .sort((a, b) => a - b);
}

function directoryOfStep(runDirectory: string, step: number): string {
  return join(runPaths(runDirectory).checkpoints, `step-${String(step).padStart(8, '0')}`);
}

/** The newest whole checkpoint of a run, or undefined. */
export async function latestCheckpoint(runDirectory: string): Promise<string | undefined> {
  const last = (await listSteps(runDirectory)).at(-1);
  return last === undefined ? undefined : directoryOfStep(runDirectory, last);
}

export async function saveCheckpoint(
  runDirectory: string,
  policy: Policy,
  state: TrainerState,
  keepCheckpoints: number,
): Promise<string> {
  const directory = directoryOfStep(runDirectory, state.step);
  await writeDirectoryAtomic(directory, async (temporary) => {
    await policy.save(temporary, { optimizer: true });
    await writeFileAtomic(join(temporary, stateFile), `${JSON.stringify(state, null, 2)}\n`);
  });
  const steps = await listSteps(runDirectory);
  for (const step of steps.slice(0, Math.max(0, steps.length - keepCheckpoints))) {
    await rm(directoryOfStep(runDirectory, step), { recursive: true, force: true });
  }
  return directory;
}

export async function readTrainerState(directory: string): Promise<TrainerState> {
  const path = join(directory, stateFile);
  const text = await readTextFile(path, 'trainer state');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = trainerStateSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues[0];
  throw new QuerentError(
    'training/bad-checkpoint',
    `${path} is not a trainer state: ${problem?.path.join('.') ?? ''} ${problem?.message ?? ''}`,
    { next: 'Delete this checkpoint directory to resume from an older one, or start a new run.' },
  );
}

/** Weights without optimizer, for use: `best`, `final`, `reference`. */
export async function savePolicy(directory: string, policy: Policy): Promise<void> {
  await writeDirectoryAtomic(directory, (temporary) => policy.save(temporary));
}

/**
 * Put right what a kill left behind: a directory that was being replaced gets its old content back, half-written ones go.
 * Only for a run that no other process is writing.
 */
export async function repairRunDirectory(runDirectory: string): Promise<void> {
  for (const parent of [runDirectory, runPaths(runDirectory).checkpoints]) {
    await mkdir(parent, { recursive: true });
    for (const name of await readdir(parent)) {
      if (!leftover.test(name)) continue;
      const path = join(parent, name);
      const original = name.replace(leftover, '');
      const isOld = name.endsWith('.old') && !leftover.test(original);
      if (isOld && !existsSync(join(parent, original))) await rename(path, join(parent, original));
      else await rm(path, { recursive: true, force: true });
    }
  }
}

/** Keys whose values differ between the saved and the present configuration. */
export function changedKeys(saved: Readonly<Record<string, unknown>>, present: object): string[] {
  const current = JSON.parse(JSON.stringify(present)) as Record<string, unknown>;
  const keys = new Set([...Object.keys(saved), ...Object.keys(current)]);
  return [...keys].filter((key) => JSON.stringify(saved[key]) !== JSON.stringify(current[key]));
}
