/**
 * What every benchmark shares: the form of a measurement, alternating runs of ours and a baseline, medians, and a
 * Python process that answers calls over stdio. It knows nothing about what is measured.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { messageOf, QuerentError } from '../src/foundation/errors.ts';
import { packageRoot } from '../src/foundation/files.ts';

/** One figure. `ratio` is ours against the baseline so that above 1 is better for us, whatever the unit. */
export interface Measurement {
  readonly suite: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The named baseline's figure in the same unit and the same run; null where the baseline could not run. */
  readonly baseline: number | null;
  readonly ratio: number | null;
  /** Which baseline, or why there is none ("PyTorch 2.13 CPU", "skipped: no Python"). */
  readonly baselineName?: string;
  /** Shapes, threads, rounds, spread: what someone needs to judge the figure. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface BenchOptions {
  /** Small shapes and few rounds: checks that the suite runs; its figures mean little. */
  readonly quick: boolean;
  /** The interpreter with torch, transformers, peft and trl; undefined where there is none. */
  readonly python: string | undefined;
  readonly threads: number;
  /** Free `--set name=value` arguments of the command line, for one suite's own knobs. */
  readonly settings: Readonly<Record<string, string>>;
  /** Progress for a person; goes to standard error. */
  readonly log: (message: string) => void;
}

/** What a file `bench/NAME.ts` exports; `npm run bench -- NAME` finds it by its file name. */
export interface BenchModule {
  run(options: BenchOptions): AsyncIterable<Measurement>;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('median: no values');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface Alternating {
  readonly rounds: number;
  /** Rounds run first and thrown away (default 1). */
  readonly warmupRounds?: number;
  /** Each returns one figure of one round (tokens/s, ms, …). */
  readonly ours: () => Promise<number>;
  readonly baseline?: (() => Promise<number>) | undefined;
}

export interface AlternatingResult {
  readonly ours: readonly number[];
  readonly baseline: readonly number[];
  readonly oursMedian: number;
  readonly baselineMedian: number | null;
}

/**
 * Runs ours and the baseline in turns, so that a machine that slows down slows both; who goes first alternates too.
 */
export async function runAlternating(plan: Alternating): Promise<AlternatingResult> {
  const ours: number[] = [];
  const baseline: number[] = [];
  const warmupRounds = plan.warmupRounds ?? 1;
  for (let round = -warmupRounds; round < plan.rounds; round++) {
    const keep = round >= 0;
    const turns: (readonly [() => Promise<number>, number[]])[] = [[plan.ours, ours]];
    if (plan.baseline !== undefined) turns.push([plan.baseline, baseline]);
    if (round % 2 !== 0) turns.reverse();
    for (const [measure, figures] of turns) {
      const figure = await measure();
      if (keep) figures.push(figure);
    }
  }
  return {
    ours,
    baseline,
    oursMedian: median(ours),
    baselineMedian: baseline.length === 0 ? null : median(baseline),
  };
}

/** A `Measurement` from alternating runs; `better` says which way the unit points. */
export function measurementOf(
  what: Pick<Measurement, 'suite' | 'name' | 'unit' | 'baselineName' | 'details'> & {
    readonly better: 'higher' | 'lower';
  },
  result: AlternatingResult,
): Measurement {
  const { better, details, ...rest } = what;
  const base = result.baselineMedian;
  const ratio =
    base === null ? null : better === 'higher' ? result.oursMedian / base : base / result.oursMedian;
  return {
    ...rest,
    value: result.oursMedian,
    baseline: base,
    ratio,
    details: { ...details, rounds: result.ours.length, ours: result.ours, baseline: result.baseline },
  };
}

/** Runs `work` and returns its milliseconds with its result. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly result: T }> {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

/** The Python of tests and benchmarks: `QUERENT_PYTHON`, else `.venv/bin/python`, else undefined. */
export function findPython(): string | undefined {
  const path = resolve(packageRoot(), process.env.QUERENT_PYTHON ?? join('.venv', 'bin', 'python'));
  return existsSync(path) ? path : undefined;
}

export interface PythonProcess {
  /** Calls a function of the script (see `bench/baselines/stdio.py`) with JSON arguments. */
  call<T>(method: string, params?: Readonly<Record<string, unknown>>): Promise<T>;
  close(): Promise<void>;
}

/** Starts a baseline script of `bench/baselines/` and speaks JSON lines with it over stdio. */
export function startPython(
  python: string,
  script: string,
  options: { readonly threads?: number; readonly args?: readonly string[] } = {},
): PythonProcess {
  const threads = String(options.threads ?? 2);
  const path = join(packageRoot(), 'bench', 'baselines', script);
  const child = spawn(python, ['-u', path, ...(options.args ?? [])], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      OMP_NUM_THREADS: threads,
      MKL_NUM_THREADS: threads,
      TOKENIZERS_PARALLELISM: 'false',
    },
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let nextId = 1;
  let stderrTail = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderrTail = (stderrTail + chunk.toString()).slice(-4000);
  });
  const failAll = (reason: string): void => {
    for (const { reject } of waiting.values()) {
      reject(new QuerentError('bench/python-failed', `${script}: ${reason}\n${stderrTail}`));
    }
    waiting.clear();
  };
  const exited = new Promise<void>((resolve) => {
    child.on('error', (error) => {
      failAll(messageOf(error));
      resolve();
    });
    child.on('exit', (code, signal) => {
      failAll(`the process ended (${signal ?? `exit code ${code}`})`);
      resolve();
    });
  });
  child.stdin.on('error', () => {}); // the exit handler reports it
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{"id":')) return; // libraries print to stdout too
    const reply = JSON.parse(line) as { id: number; result?: unknown; error?: string };
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.error === undefined) call?.resolve(reply.result);
    else call?.reject(new QuerentError('bench/python-failed', `${script}: ${reply.error}`));
  });
  return {
    call: <T>(method: string, params: Readonly<Record<string, unknown>> = {}) =>
      new Promise<T>((resolve, reject) => {
        if (child.exitCode !== null || child.signalCode !== null) {
          reject(new QuerentError('bench/python-failed', `${script} is not running\n${stderrTail}`));
          return;
        }
        const id = nextId++;
        waiting.set(id, { resolve: (value) => resolve(value as T), reject });
        child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
      }),
    close: async () => {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await exited;
      clearTimeout(timer);
    },
  };
}
