/**
 * The frame around the steps of any trainer: budget, schedule, validation, best and resumable checkpoints, early
 * stopping, Ctrl-C, metrics. It knows when things happen; it does not know what a step does.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import type { Policy } from '../engine/policy.ts';
import { QuerentError } from '../foundation/errors.ts';
import { ignoreEvents, type Metrics, type Observe } from '../foundation/events.ts';
import { writeFileAtomic } from '../foundation/files.ts';
import { createRandom, type Random } from '../foundation/random.ts';
import {
  changedKeys,
  latestCheckpoint,
  readTrainerState,
  repairRunDirectory,
  runPaths,
  saveCheckpoint,
  savePolicy,
  type TrainerState,
} from './checkpoint.ts';
import { codeVersion } from './code-version.ts';
import { writeCurvesPage } from './curves-page.ts';
import type { ExampleStream } from './example-stream.ts';
import { createMetricsLog, type MetricsLog, type MetricsRecord, truncateMetricsLog } from './metrics-log.ts';
import type { RunConfig } from './optimizer-config.ts';
import { learningRateAt } from './schedule.ts';
import { budgetFrom, createBudget, type StepBudget } from './step-budget.ts';

/** What to do with a run directory that already holds a run. */
export type ExistingRun = 'refuse' | 'resume' | 'overwrite';

/** What a caller of any trainer may pass beside the configuration. */
export interface RunOptions {
  /** Where checkpoints and metrics go; without it nothing is written and nothing can be resumed. */
  readonly runDirectory?: string | undefined;
  /** Default `refuse`. `resume` starts anew where no checkpoint is there yet. */
  readonly existing?: ExistingRun | undefined;
  readonly observe?: Observe | undefined;
  /** On abort the present step is finished, a checkpoint written, and the trainer returns. */
  readonly signal?: AbortSignal | undefined;
}

export interface StepContext {
  /** From 0. */
  readonly step: number;
  readonly learningRate: number;
  /** Depends on the seed and the step alone. */
  readonly random: Random;
}

export interface StepOutcome {
  /** The same in every run with the same seed. */
  readonly metrics: Metrics;
  /** Measured by a clock. */
  readonly timing: Metrics;
}

export interface Validation {
  readonly set: string;
  readonly metrics: Metrics;
}

export interface TrainerParts {
  readonly stage: string;
  readonly policy: Policy;
  readonly config: RunConfig;
  readonly maxSteps: number | undefined;
  readonly stream: ExampleStream;
  /** Metric of the validations that decides what is best, and its direction; undefined = never compared. */
  readonly best: { readonly metric: string; readonly higherIsBetter: boolean } | undefined;
  /** Before the first step; `isResumed` when a checkpoint has been (or is about to be) loaded. */
  readonly prepare?: (runDirectory: string | undefined, isResumed: boolean) => Promise<void>;
  readonly trainStep: (context: StepContext) => Promise<StepOutcome>;
  readonly validate?: (step: number) => Promise<readonly Validation[]>;
}

export interface TrainingResult {
  readonly stage: string;
  readonly steps: number;
  readonly stopReason: 'finished' | 'stopped-early' | 'aborted';
  readonly best: { readonly step: number; readonly value: number } | null;
  /** Metrics of the last step. */
  readonly lastMetrics: Metrics;
  readonly runDirectory: string | undefined;
}

interface Progress {
  step: number;
  best: TrainerState['best'];
  validationsWithoutGain: number;
  isFinished: boolean;
  lastMetrics: Metrics;
  /** The step whose state is on disk. */
  savedStep: number;
  lastValidatedStep: number;
}

/** One run: its parts, its place, and where it writes. */
interface Run {
  readonly parts: TrainerParts;
  readonly options: RunOptions;
  readonly observe: Observe;
  readonly log: MetricsLog | undefined;
  readonly budget: StepBudget;
  readonly progress: Progress;
  readonly version: string;
}

export async function runTraining(parts: TrainerParts, options: RunOptions): Promise<TrainingResult> {
  const run = await openRun(parts, options);
  const { progress, budget } = run;
  let stopReason: TrainingResult['stopReason'] = 'finished';
  if (parts.config.validateAtStart && progress.step === 0) await validate(run);
  while (!progress.isFinished && !budget.isSpent(progress.step)) {
    if (options.signal?.aborted) {
      stopReason = 'aborted';
      break;
    }
    await takeStep(run);
    if (isDue(parts.config.validateEverySteps, progress.step)) await validate(run);
    if (hasStoppedImproving(run)) {
      stopReason = 'stopped-early';
      break;
    }
    if (isDue(parts.config.checkpointEverySteps, progress.step)) await checkpoint(run);
  }
  if (stopReason !== 'aborted') await finish(run);
  else await checkpoint(run);
  return {
    stage: parts.stage,
    steps: progress.step,
    stopReason,
    best: progress.best,
    lastMetrics: progress.lastMetrics,
    runDirectory: options.runDirectory,
  };
}

function isDue(every: number, step: number): boolean {
  return every > 0 && step % every === 0;
}

async function openRun(parts: TrainerParts, options: RunOptions): Promise<Run> {
  const { runDirectory } = options;
  const observe = options.observe ?? ignoreEvents;
  const directory = runDirectory === undefined ? undefined : await openDirectory(runDirectory, options);
  const saved = directory === undefined ? undefined : await readTrainerState(directory);
  const version = await codeVersion();
  if (saved !== undefined) refuseOtherRun(saved, parts);
  await parts.prepare?.(runDirectory, saved !== undefined);
  if (directory !== undefined && saved !== undefined) {
    await parts.policy.load(directory, { optimizer: true });
    parts.stream.restore(saved.stream);
    observe({ type: 'note', message: `resumed ${parts.stage} after step ${saved.step}` });
    if (saved.codeVersion !== version) warnOfOtherCode(saved.codeVersion, version, observe);
  }
  const limits = { maxSteps: parts.maxSteps, maxSeconds: parts.config.maxSeconds };
  const paths = runDirectory === undefined ? undefined : runPaths(runDirectory);
  if (paths !== undefined) {
    await truncateMetricsLog(paths.metrics, saved?.step ?? -1);
    await writeFileAtomic(paths.config, `${JSON.stringify(parts.config, null, 2)}\n`);
  }
  return {
    parts,
    options,
    observe,
    log: paths === undefined ? undefined : createMetricsLog(paths.metrics),
    budget: saved === undefined ? createBudget(limits) : budgetFrom(saved.budget),
    version,
    progress: {
      step: saved?.step ?? 0,
      best: saved?.best ?? null,
      validationsWithoutGain: saved?.validationsWithoutGain ?? 0,
      isFinished: saved?.isFinished ?? false,
      lastMetrics: {},
      savedStep: saved?.step ?? -1,
      lastValidatedStep: -1,
    },
  };
}

/** Returns the checkpoint to resume from, if there is one. */
async function openDirectory(runDirectory: string, options: RunOptions): Promise<string | undefined> {
  const existing = options.existing ?? 'refuse';
  if (existing === 'overwrite') await rm(runDirectory, { recursive: true, force: true });
  await mkdir(runDirectory, { recursive: true });
  if (existing === 'refuse' && (await readdir(runDirectory)).length > 0) {
    throw new QuerentError('training/run-exists', `${runDirectory} already holds a run`, {
      next: 'Resume it, or choose another directory.',
    });
  }
  await repairRunDirectory(runDirectory);
  return latestCheckpoint(runDirectory);
}

function refuseOtherRun(saved: TrainerState, parts: TrainerParts): void {
  if (saved.stage !== parts.stage) {
    throw new QuerentError(
      'training/other-stage',
      `the run is a ${saved.stage} run and cannot be resumed as ${parts.stage}`,
      { next: 'Choose another directory.' },
    );
  }
  const changed = changedKeys(saved.config, parts.config);
  if (changed.length === 0) return;
  throw new QuerentError(
    'training/config-changed',
    `the run was started with other settings: ${changed.join(', ')}; a resumed run must go on as it began`,
    {
      next: 'Resume with the saved config.json, or start a new run from its checkpoint.',
      details: { changed },
    },
  );
}

function warnOfOtherCode(saved: string, present: string, observe: Observe): void {
  observe({
    type: 'warning',
    code: 'training/other-code',
    message: `the checkpoint was made by version ${saved}, this is ${present}: the curve need not be what it would have been`,
  });
}

async function takeStep(run: Run): Promise<void> {
  const { parts, progress, budget, observe } = run;
  const planned = budget.plannedSteps();
  const startedAt = performance.now();
  const outcome = await parts.trainStep({
    step: progress.step,
    learningRate: learningRateAt(progress.step, planned, parts.config),
    random: createRandom(parts.config.seed).fork(`${parts.stage}/step/${progress.step}`),
  });
  const stepMs = performance.now() - startedAt;
  refuseDivergence(outcome.metrics, progress.step + 1);
  budget.recordStep(stepMs / 1000);
  progress.step += 1;
  progress.lastMetrics = outcome.metrics;
  const total = budget.plannedSteps();
  const { stage } = parts;
  const timing = { ...outcome.timing, stepMs };
  await append(run, { type: 'step', stage, step: progress.step, total, metrics: outcome.metrics, timing });
  observe({
    type: 'step-end',
    stage,
    step: progress.step,
    total,
    metrics: { ...outcome.metrics, ...timing },
  });
}

function refuseDivergence(metrics: Metrics, step: number): void {
  for (const name of ['loss', 'gradientNorm']) {
    const value = metrics[name];
    if (value === undefined || Number.isFinite(value)) continue;
    throw new QuerentError('training/diverged', `${name} is ${value} at step ${step}`, {
      next: 'Lower the learning rate or lengthen the warm-up; the last checkpoint is from before this step.',
    });
  }
}

async function append(run: Run, record: MetricsRecord): Promise<void> {
  await run.log?.append(record);
}

async function validate(run: Run): Promise<void> {
  const { parts, progress, observe } = run;
  if (parts.validate === undefined || progress.lastValidatedStep === progress.step) return;
  progress.lastValidatedStep = progress.step;
  const validations = await parts.validate(progress.step);
  const { stage } = parts;
  for (const { set, metrics } of validations) {
    await append(run, { type: 'evaluation', stage, set, step: progress.step, metrics });
    observe({ type: 'evaluation-end', stage, set, step: progress.step, metrics });
  }
  const value = validations
    .map(({ metrics }) => metrics[parts.best?.metric ?? ''])
    .find((v) => v !== undefined);
  if (value === undefined || Number.isNaN(value)) return;
  if (!isBetter(run, value)) {
    progress.validationsWithoutGain += 1;
    return;
  }
  progress.best = { step: progress.step, value };
  progress.validationsWithoutGain = 0;
  if (run.options.runDirectory !== undefined) {
    await savePolicy(runPaths(run.options.runDirectory).best, parts.policy);
  }
}

function isBetter(run: Run, value: number): boolean {
  const { best } = run.progress;
  if (best === null) return true;
  return run.parts.best?.higherIsBetter === true ? value > best.value : value < best.value;
}

function hasStoppedImproving(run: Run): boolean {
  const patience = run.parts.config.earlyStoppingPatience;
  return patience > 0 && run.progress.validationsWithoutGain >= patience;
}

async function checkpoint(run: Run): Promise<void> {
  const { parts, progress, options } = run;
  const { runDirectory } = options;
  if (runDirectory === undefined || (progress.savedStep === progress.step && !progress.isFinished)) return;
  const state: TrainerState = {
    formatVersion: 1,
    stage: parts.stage,
    step: progress.step,
    seed: parts.config.seed,
    budget: run.budget.state(),
    stream: parts.stream.state(),
    best: progress.best,
    validationsWithoutGain: progress.validationsWithoutGain,
    isFinished: progress.isFinished,
    config: JSON.parse(JSON.stringify(parts.config)) as Record<string, unknown>,
    codeVersion: run.version,
  };
  const directory = await saveCheckpoint(runDirectory, parts.policy, state, parts.config.keepCheckpoints);
  progress.savedStep = progress.step;
  await writeCurvesPage(runDirectory);
  run.observe({ type: 'checkpoint-end', stage: parts.stage, step: progress.step, directory });
}

async function finish(run: Run): Promise<void> {
  const { progress, parts, options } = run;
  if (!progress.isFinished) {
    await validate(run);
    progress.isFinished = true;
    await checkpoint(run);
  }
  if (options.runDirectory === undefined) return;
  const paths = runPaths(options.runDirectory);
  const best = progress.best;
  if (parts.config.restoreBest && best !== null && best.step !== progress.step && existsSync(paths.best)) {
    await parts.policy.load(paths.best);
    run.observe({
      type: 'note',
      message: `weights of step ${best.step} restored: ${parts.best?.metric} ${best.value}`,
    });
  }
  await savePolicy(paths.final, parts.policy);
}
