/**
 * Runs every gold answer and says which examples cannot be trusted: broken, stopped by the time limit, slow, empty, asked
 * twice, or contradictory. It reports; what is set aside is the caller's choice. Rows are counted from 1.
 */
import type { Verdict } from '../database/verdict.ts';
import { ignoreEvents, type Observe } from '../foundation/events.ts';
import type { Example } from './example.ts';

export type GoldProblemKind =
  /** It fails, is refused, needs too much memory, or gives too many rows to compare. */
  | 'broken'
  | 'timeout'
  | 'slow'
  | 'empty'
  /** The same question with the same SQL again. */
  | 'duplicate'
  /** The same question with another SQL: at most one of them can be right. */
  | 'contradiction';

export interface GoldProblem {
  readonly row: number;
  readonly id: string;
  readonly kind: GoldProblemKind;
  readonly message: string;
  /** Of a repeated question: the row that asks it first. */
  readonly firstRow?: number;
}

export interface GoldReport {
  readonly examples: number;
  readonly problems: readonly GoldProblem[];
  readonly counts: Readonly<Record<GoldProblemKind, number>>;
}

/** The slice of the sandbox that is needed here. */
export interface JudgingSandbox {
  judgeBatch(
    databasePath: string,
    pairs: readonly { readonly gold: string; readonly predicted: string }[],
  ): Promise<readonly Verdict[]>;
}

export interface ValidateOptions {
  readonly examples: readonly Example[];
  /** The row of each example in its file; their order where it is left out. */
  readonly rows?: readonly number[];
  readonly databasePath: string;
  readonly sandbox: JudgingSandbox;
  /** Answers that take longer are reported as slow. Default 1,000. */
  readonly slowMs?: number;
  /** Name of the set in events. */
  readonly set?: string;
  readonly observe?: Observe;
  readonly signal?: AbortSignal;
}

const BATCH = 256;
const KINDS: readonly GoldProblemKind[] = [
  'broken',
  'timeout',
  'slow',
  'empty',
  'duplicate',
  'contradiction',
];

type Finding = Pick<GoldProblem, 'kind' | 'message'>;

function findingOf({ gold, reason }: Verdict, slowMs: number): Finding | undefined {
  if (reason === 'gold-too-large') return { kind: 'broken', message: `more than ${gold.rowCount} rows` };
  if (gold.outcome === 'timeout') return { kind: 'timeout', message: gold.message ?? 'stopped' };
  if (gold.outcome !== 'rows') return { kind: 'broken', message: gold.message ?? gold.outcome };
  if (gold.isEmpty) return { kind: 'empty', message: 'no rows' };
  if (gold.elapsedMs <= slowMs) return undefined;
  return { kind: 'slow', message: `${Math.round(gold.elapsedMs)} ms` };
}

const keyOfQuestion = (question: string): string => question.toLowerCase().replace(/\s+/g, ' ').trim();
const keyOfSql = (sql: string): string => sql.replace(/\s+/g, ' ').replace(/;\s*$/, '').trim();

/** Against the first example with the same question. */
export function findRepeatedQuestions(examples: readonly Example[], rows: readonly number[]): GoldProblem[] {
  const firstOf = new Map<string, number>();
  return examples.flatMap(({ id, question, sql, databaseId }, index): GoldProblem[] => {
    const key = `${databaseId}\0${keyOfQuestion(question)}`;
    const first = firstOf.get(key);
    if (first === undefined) {
      firstOf.set(key, index);
      return [];
    }
    const isSame = keyOfSql(examples[first]!.sql) === keyOfSql(sql);
    const where = `row ${rows[first]} (${examples[first]!.id})`;
    return [
      {
        row: rows[index]!,
        id,
        kind: isSame ? 'duplicate' : 'contradiction',
        message: isSame ? `the same question as ${where}` : `the same question as ${where} with another SQL`,
        firstRow: rows[first]!,
      },
    ];
  });
}

async function executeAll(options: ValidateOptions): Promise<(Finding | undefined)[]> {
  const {
    examples,
    databasePath,
    sandbox,
    slowMs = 1_000,
    set = 'examples',
    observe = ignoreEvents,
  } = options;
  const findings: (Finding | undefined)[] = [];
  for (let start = 0; start < examples.length; start += BATCH) {
    options.signal?.throwIfAborted();
    const batch = examples.slice(start, start + BATCH);
    // Each gold against itself: run in full, while its rows stay in the worker.
    const verdicts = await sandbox.judgeBatch(
      databasePath,
      batch.map(({ sql }) => ({ gold: sql, predicted: sql })),
    );
    findings.push(...verdicts.map((verdict) => findingOf(verdict, slowMs)));
    const progress = { done: findings.length, total: examples.length };
    observe({ type: 'progress', stage: 'validate', label: `validate ${set}`, ...progress });
  }
  return findings;
}

export async function validateExamples(options: ValidateOptions): Promise<GoldReport> {
  const { examples } = options;
  const rows = options.rows ?? examples.map((_, index) => index + 1);
  const findings = await executeAll(options);
  const executed = examples.flatMap(({ id }, index): GoldProblem[] => {
    const finding = findings[index];
    return finding === undefined ? [] : [{ row: rows[index]!, id, ...finding }];
  });
  const problems = [...executed, ...findRepeatedQuestions(examples, rows)].sort((a, b) => a.row - b.row);
  const countOf = (kind: GoldProblemKind) => problems.filter((problem) => problem.kind === kind).length;
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, countOf(kind)])) as Record<
    GoldProblemKind,
    number
  >;
  return { examples: examples.length, problems, counts };
}
