/**
 * The read-only sandbox: every statement that a model or a user wrote runs through here. A pool of worker threads, each
 * with its own SQLite in a capped WebAssembly memory; see `guard.ts` for what a statement may do and `sandbox-lane.ts`
 * for how one that does not stop is stopped. It does not cover: keeping the data of one person from another – a statement
 * may read everything in its database.
 */
import { availableParallelism } from 'node:os';
import { resolve as resolvePath } from 'node:path';
import { hash32 } from '../foundation/random.ts';
import type { Execution, ExecutionLimits } from './execution.ts';
import { type BatchEnd, closedError, createLane, type Lane } from './sandbox-lane.ts';
import type { JudgeOptions, WorkItem, WorkResult } from './sandbox-protocol.ts';
import { createQueue, type Group, type Task } from './sandbox-queue.ts';
import { fileIdentity } from './sqlite-file.ts';
import { NOT_RUN, summarize, type Verdict } from './verdict.ts';
import { createVerdictCache } from './verdict-cache.ts';

export interface SandboxOptions {
  /** Worker threads. Default: the number of cores, at most 2. */
  readonly workers?: number;
  /** For `execute`. Default 5,000 ms, 1,000 rows, 8 MB. */
  readonly limits?: Partial<ExecutionLimits>;
  /** Memory of one worker's database engine. Default 64 MB. */
  readonly memoryBytesMax?: number;
  /** Read "text" as a string where no such column exists (published gold queries rely on it). Default false. */
  readonly doubleQuotedStrings?: boolean;
}

export interface Pair {
  readonly gold: string;
  readonly predicted: string;
}

export interface JudgeBatchOptions {
  /** Default: the sandbox's timeout, 100,000 rows, 64 MB. */
  readonly limits?: Partial<ExecutionLimits>;
  /** 'any' accepts the columns in any order. Default 'exact'. */
  readonly columnOrder?: 'exact' | 'any';
}

export interface SandboxCounters {
  /** Statements and pairs handed to workers. */
  readonly tasksRun: number;
  /** Pairs answered from what was already known. */
  readonly verdictsReused: number;
  /** Workers that had to be stopped or crashed. */
  readonly workersLost: number;
}

export interface Sandbox {
  /** Rejects only if the database cannot be opened; whatever the statement does is in the `Execution`. */
  execute(databasePath: string, sql: string, limits?: Partial<ExecutionLimits>): Promise<Execution>;
  /** One verdict a pair, in order. Equal pairs are run once. */
  judgeBatch(databasePath: string, items: readonly Pair[], options?: JudgeBatchOptions): Promise<Verdict[]>;
  counters(): SandboxCounters;
  close(): Promise<void>;
}

export const DEFAULT_LIMITS: ExecutionLimits = { timeoutMs: 5_000, maxRows: 1_000, maxBytes: 8_000_000 };
const JUDGE_LIMITS = { maxRows: 100_000, maxBytes: 64_000_000 };
const MEMORY_BYTES_MAX = 64 * 1024 * 1024;
const VERDICTS_KEPT_MAX = 50_000;
const LOSSES_MAX = 1;

function createGroup(databasePath: string, limits: ExecutionLimits, judge: JudgeOptions): Group {
  const path = resolvePath(databasePath);
  const identity = fileIdentity(path);
  const key = [identity, limits.timeoutMs, limits.maxRows, limits.maxBytes, judge.columnOrder].join('\0');
  return { key, path, identity, limits, judge };
}

/** What a statement that ended its worker counts as. */
function executionOfEnd(end: BatchEnd, limits: ExecutionLimits, memoryBytesMax: number): Execution {
  if (end.kind === 'stopped') {
    return { outcome: 'timeout', limitMs: limits.timeoutMs, elapsedMs: limits.timeoutMs };
  }
  const why = end.kind === 'crashed' ? end.why : 'unknown';
  if (/memory limit|heap/i.test(why))
    return { outcome: 'out-of-memory', limitBytes: memoryBytesMax, elapsedMs: 0 };
  return { outcome: 'sql-error', errorClass: 'other', message: 'the database engine stopped', elapsedMs: 0 };
}

/** The result of a task whose worker had to end, or undefined if the task must go on without its prediction. */
function settleEnded(task: Task, part: number, execution: Execution): WorkResult | undefined {
  if (task.item.kind === 'execute') return execution;
  if (part === 0) {
    return { match: null, reason: 'gold-broken', gold: summarize(execution), predicted: NOT_RUN };
  }
  task.item = { ...task.item, predictedEnd: execution };
  return undefined;
}

export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const laneCount = Math.max(1, options.workers ?? Math.min(2, availableParallelism()));
  const memoryBytesMax = options.memoryBytesMax ?? MEMORY_BYTES_MAX;
  const doubleQuotedStrings = options.doubleQuotedStrings ?? false;
  const baseLimits: ExecutionLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const lanes: readonly Lane[] = Array.from({ length: laneCount }, () =>
    createLane({ memoryBytesMax, doubleQuotedStrings }),
  );
  const queue = createQueue(laneCount);
  const verdicts = createVerdictCache(VERDICTS_KEPT_MAX);
  const counters = { tasksRun: 0, verdictsReused: 0, workersLost: 0 };
  let nextBatch = 1;
  let nextHome = 0;
  let isClosed = false;
  let isScheduled = false;

  /** After a batch: what has no result yet is settled, goes back into the queue, or is given up. */
  const conclude = (tasks: readonly Task[], settled: ReadonlySet<Task>, end: BatchEnd) => {
    const open = tasks.filter((task) => !settled.has(task));
    if (end.kind === 'failed') {
      const again = open.filter((task) => end.error.isRetryable && task.losses++ < LOSSES_MAX);
      for (const task of open) if (!again.includes(task)) task.reject(end.error);
      queue.add(again);
      return;
    }
    if (end.kind === 'done') return;
    counters.workersLost += 1;
    const culprit = tasks[end.item]!;
    const execution = executionOfEnd(end, culprit.group.limits, memoryBytesMax);
    const result = settled.has(culprit) ? undefined : settleEnded(culprit, end.part, execution);
    if (result !== undefined) culprit.resolve(result);
    queue.add(result === undefined ? open : open.filter((task) => task !== culprit));
  };

  const runBatch = (lane: Lane, tasks: readonly Task[]) => {
    const { path, identity, limits, judge } = tasks[0]!.group;
    const settled = new Set<Task>();
    const items = tasks.map(({ item }) => item);
    counters.tasksRun += tasks.length;
    lane.run(
      { batch: nextBatch++, path, identity, limits, judge, items },
      {
        onResult: (at, result) => {
          const task = tasks[at]!;
          settled.add(task);
          task.resolve(result);
        },
        onEnd: (end) => {
          conclude(tasks, settled, end);
          schedule();
        },
      },
    );
  };

  const dispatch = () => {
    isScheduled = false;
    if (isClosed) {
      for (const task of queue.drain()) task.reject(closedError());
      return;
    }
    lanes.forEach((lane, index) => {
      if (lane.isBusy) return;
      const tasks = queue.take(index, lane.path);
      if (tasks.length > 0) runBatch(lane, tasks);
    });
  };

  /** After the current turn, so that statements given one by one travel together. */
  const schedule = () => {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(dispatch);
  };

  const submit = (group: Group, item: WorkItem, home: number): Promise<WorkResult> =>
    new Promise((resolve, reject) => {
      if (isClosed) return reject(closedError());
      queue.add([{ group, home, item, losses: 0, resolve, reject }]);
      schedule();
    });

  const judgeOne = async (group: Group, pair: Pair): Promise<Verdict> => {
    const key = `${group.key}\0${pair.gold}\0${pair.predicted}`;
    const known = verdicts.get(key);
    if (known !== undefined) {
      counters.verdictsReused += 1;
      return known;
    }
    const verdict = (await submit(group, { kind: 'judge', ...pair }, hash32(pair.gold))) as Verdict;
    verdicts.set(key, verdict);
    return verdict;
  };

  return {
    execute: async (databasePath, sql, limits) => {
      const group = createGroup(databasePath, { ...baseLimits, ...limits }, { columnOrder: 'exact' });
      return (await submit(group, { kind: 'execute', sql }, nextHome++)) as Execution;
    },
    judgeBatch: async (databasePath, items, judgeOptions = {}) => {
      const limits = { ...baseLimits, ...JUDGE_LIMITS, ...judgeOptions.limits };
      const group = createGroup(databasePath, limits, { columnOrder: judgeOptions.columnOrder ?? 'exact' });
      const running = new Map<string, Promise<Verdict>>();
      const pending = items.map(({ gold, predicted }) => {
        const key = `${gold}\0${predicted}`;
        const same = running.get(key);
        if (same !== undefined) {
          counters.verdictsReused += 1;
          return same;
        }
        const verdict = judgeOne(group, { gold, predicted });
        running.set(key, verdict);
        return verdict;
      });
      return Promise.all(pending);
    },
    counters: () => ({ ...counters }),
    close: async () => {
      isClosed = true;
      await Promise.all(lanes.map((lane) => lane.close()));
      dispatch();
    },
  };
}
