/**
 * The read-only sandbox: every statement that a model or a user wrote runs through here. A pool of worker threads, each
 * with its own SQLite in a capped WebAssembly memory; see `guard.ts` for what a statement may do and `sandbox-lane.ts`
 * for how one that does not stop is stopped. It does not cover: keeping the data of one person from another – a statement
 * may read everything in its database.
 */
import { availableParallelism } from 'node:os';
import { resolve as resolvePath } from 'node:path';
import { QuerentError } from '../foundation/errors.ts';
import { hash32 } from '../foundation/random.ts';
import type { ProtocolName } from './comparison/protocol.ts';
import type { Execution, ExecutionLimits } from './execution.ts';
import { fileIdentity } from './file-identity.ts';
import { SQL_BYTES_MAX } from './guard.ts';
import { createPool } from './sandbox-pool.ts';
import type { JudgeOptions } from './sandbox-protocol.ts';
import type { Group } from './sandbox-queue.ts';
import type { Timing } from './timing.ts';
import type { Verdict } from './verdict.ts';
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
  /** Default: the sandbox's timeout, 100,000 rows, 128 MB. */
  readonly limits?: Partial<ExecutionLimits>;
  /**
   * What "the same result" means. Default 'strict'. The official scripts of the others read "text" as a string where no
   * such column exists: give the sandbox `doubleQuotedStrings` for them.
   */
  readonly protocol?: ProtocolName;
  /** For `strict`: 'any' accepts the columns in any order. Default 'exact'. */
  readonly columnOrder?: 'exact' | 'any';
  /** For `strict`: 'any' accepts the rows in any order, whatever the gold says. Default 'gold'. */
  readonly rowOrder?: 'gold' | 'any';
  /** For `bird`: verdicts also carry the soft F1. The other protocols see no more of a prediction than they need. */
  readonly softF1?: boolean;
}

export interface TimePairOptions {
  /** Timed runs of each of the two; each run has the whole time limit. */
  readonly iterations: number;
  /** Default: as for `judgeBatch`. */
  readonly limits?: Partial<ExecutionLimits>;
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
  /** Times are worth something only while nothing else runs: hand in one pair after the other, and nothing beside them. */
  timePair(databasePath: string, pair: Pair, options: TimePairOptions): Promise<Timing>;
  counters(): SandboxCounters;
  close(): Promise<void>;
}

export const DEFAULT_LIMITS: ExecutionLimits = { timeoutMs: 5_000, maxRows: 1_000, maxBytes: 8_000_000 };
const JUDGE_LIMITS = { maxRows: 100_000, maxBytes: 128_000_000 };
const DEFAULT_JUDGE: JudgeOptions = { protocol: 'strict', columnOrder: 'exact', rowOrder: 'gold' };
const MEMORY_BYTES_MAX = 64 * 1024 * 1024;
/** The longest time that a timer can wait for, in milliseconds. */
const LIMIT_MAX = 2_147_483_000;
const VERDICTS_KEPT_MAX = 50_000;
const VERDICT_CHARACTERS_MAX = 20_000_000;

/** Limits that a caller gives replace the others; each must be a positive number. */
function withLimits(base: ExecutionLimits, given: Partial<ExecutionLimits> = {}): ExecutionLimits {
  const limits: { -readonly [K in keyof ExecutionLimits]: ExecutionLimits[K] } = { ...base };
  for (const name of ['timeoutMs', 'maxRows', 'maxBytes'] as const) {
    const value = given[name];
    if (value === undefined) continue;
    if (!(value > 0 && value <= LIMIT_MAX)) {
      throw new QuerentError(
        'database/invalid-limit',
        `${name} is ${value}, expected a number from 1 to ${LIMIT_MAX}`,
        {
          next: `Give a positive number for ${name}.`,
        },
      );
    }
    limits[name] = value;
  }
  return limits;
}

/** A text beyond the engine's limit is refused by its length; the rest of it need not be kept or sent. */
const sent = (sql: string): string => sql.slice(0, SQL_BYTES_MAX + 1);

function createGroup(databasePath: string, limits: ExecutionLimits, judge: JudgeOptions): Group {
  const path = resolvePath(databasePath);
  const identity = fileIdentity(path);
  const parts = [
    identity,
    limits.timeoutMs,
    limits.maxRows,
    limits.maxBytes,
    judge.protocol,
    judge.columnOrder,
    judge.rowOrder,
    judge.softF1 === true,
  ];
  return { key: parts.join('\0'), path, identity, limits, judge };
}

export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const laneCount = Math.max(1, options.workers ?? Math.min(2, availableParallelism()));
  const memoryBytesMax = options.memoryBytesMax ?? MEMORY_BYTES_MAX;
  const doubleQuotedStrings = options.doubleQuotedStrings ?? false;
  const baseLimits = withLimits(DEFAULT_LIMITS, options.limits);
  const pool = createPool(laneCount, { memoryBytesMax, doubleQuotedStrings });
  const verdicts = createVerdictCache(VERDICTS_KEPT_MAX, VERDICT_CHARACTERS_MAX);
  let verdictsReused = 0;
  let nextHome = 0;

  const judgeOne = async (group: Group, pair: Pair): Promise<Verdict> => {
    const key = `${group.key}\0${pair.gold}\0${pair.predicted}`;
    const known = verdicts.get(key);
    if (known !== undefined) {
      verdictsReused += 1;
      return known;
    }
    const verdict = (await pool.submit(group, { kind: 'judge', ...pair }, hash32(pair.gold))) as Verdict;
    verdicts.set(key, verdict);
    return verdict;
  };

  return {
    execute: async (databasePath, sql, limits) => {
      const group = createGroup(databasePath, withLimits(baseLimits, limits), DEFAULT_JUDGE);
      return (await pool.submit(group, { kind: 'execute', sql: sent(sql) }, nextHome++)) as Execution;
    },
    judgeBatch: async (databasePath, items, judgeOptions = {}) => {
      const limits = withLimits({ ...baseLimits, ...JUDGE_LIMITS }, judgeOptions.limits);
      const { protocol, columnOrder, rowOrder, softF1 } = { ...DEFAULT_JUDGE, ...judgeOptions };
      const withSoftF1 = softF1 === true && protocol === 'bird';
      const group = createGroup(databasePath, limits, {
        protocol,
        columnOrder,
        rowOrder,
        softF1: withSoftF1,
      });
      const running = new Map<string, Promise<Verdict>>();
      const pending = items.map((item) => {
        const gold = sent(item.gold);
        const predicted = sent(item.predicted);
        const key = `${gold}\0${predicted}`;
        const same = running.get(key);
        if (same !== undefined) {
          verdictsReused += 1;
          return same;
        }
        const verdict = judgeOne(group, { gold, predicted });
        running.set(key, verdict);
        return verdict;
      });
      return Promise.all(pending);
    },
    timePair: async (databasePath, { gold, predicted }, { iterations, limits }) => {
      const merged = withLimits({ ...baseLimits, ...JUDGE_LIMITS }, limits);
      const group = createGroup(databasePath, merged, DEFAULT_JUDGE);
      const item = { kind: 'time', gold: sent(gold), predicted: sent(predicted), iterations } as const;
      return (await pool.submit(group, item, 0)) as Timing;
    },
    counters: () => ({ ...pool.counters(), verdictsReused }),
    close: () => pool.close(),
  };
}
