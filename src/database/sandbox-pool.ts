/**
 * The workers of the sandbox and what waits for them: hands out batches, and settles the tasks of a worker that had to
 * end – the one that ran gets its outcome, the others go back into the queue.
 */
import type { Execution, ExecutionLimits } from './execution.ts';
import { type BatchEnd, closedError, createLane, type Lane } from './sandbox-lane.ts';
import type { WorkItem, WorkResult } from './sandbox-protocol.ts';
import { createQueue, type Group, type Task } from './sandbox-queue.ts';
import { failedTiming } from './timing.ts';
import { NOT_RUN, summarize } from './verdict.ts';
import { createWorkerSupply, type LaneSettings } from './worker-supply.ts';

export interface Pool {
  /** Tasks with the same `home` meet the same worker, where it has the time. */
  submit(group: Group, item: WorkItem, home: number): Promise<WorkResult>;
  counters(): { readonly tasksRun: number; readonly workersLost: number };
  close(): Promise<void>;
}

const LOSSES_MAX = 1;

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
  if (task.item.kind === 'time') return failedTiming(part === 0 ? 'gold' : 'predicted', execution);
  if (part === 0) {
    return { match: null, reason: 'gold-broken', gold: summarize(execution), predicted: NOT_RUN };
  }
  task.item = { ...task.item, predictedEnd: execution };
  return undefined;
}

/** After a batch: what has no result yet is settled or given up; the rest is returned, to be run again. */
function conclude(
  tasks: readonly Task[],
  settled: ReadonlySet<Task>,
  end: BatchEnd,
  memoryBytesMax: number,
): readonly Task[] {
  const open = tasks.filter((task) => !settled.has(task));
  if (end.kind === 'done') return open;
  if (end.kind === 'failed') {
    const isLost = end.error.code === 'database/worker-lost';
    const again = open.filter((task) => isLost && task.losses++ < LOSSES_MAX);
    for (const task of open) if (!again.includes(task)) task.reject(end.error);
    return again;
  }
  const culprit = tasks[end.item]!;
  if (settled.has(culprit)) return open;
  const execution = executionOfEnd(end, culprit.group.limits, memoryBytesMax);
  const result = settleEnded(culprit, end.part, execution);
  if (result === undefined) return open;
  culprit.resolve(result);
  return open.filter((task) => task !== culprit);
}

export function createPool(laneCount: number, settings: LaneSettings): Pool {
  const supply = createWorkerSupply(settings);
  const lanes: readonly Lane[] = Array.from({ length: laneCount }, () =>
    createLane(supply, settings.memoryBytesMax),
  );
  const queue = createQueue(laneCount);
  const counters = { tasksRun: 0, workersLost: 0 };
  let nextBatch = 1;
  let isClosed = false;
  let isScheduled = false;

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
          if (end.kind === 'stopped' || end.kind === 'crashed') counters.workersLost += 1;
          queue.add(conclude(tasks, settled, end, settings.memoryBytesMax));
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
    // After the lanes have what they need: where one worker was lost, the next hostile statement is not far.
    if (counters.workersLost > 0) supply.prepare();
  };

  /** After the current turn, so that statements given one by one travel together. */
  const schedule = () => {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(dispatch);
  };

  return {
    submit: (group, item, home) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(closedError());
        queue.add([{ group, home, item, losses: 0, resolve, reject }]);
        schedule();
      }),
    counters: () => ({ ...counters }),
    close: async () => {
      isClosed = true;
      await Promise.all([supply.close(), ...lanes.map((lane) => lane.close())]);
      dispatch();
    },
  };
}
