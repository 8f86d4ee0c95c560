/**
 * Whether a gold query's answer is the only right one on a database: the same however its rows lie (asked of the twin) and
 * however ties are broken (asked of the probes). Where it is not, agreement with it says nothing.
 */
import { hashRow } from '../../database/comparison/cell-hash.ts';
import { type Ordering, orderingOf } from '../../database/comparison/ordering.ts';
import { probesOf } from '../../database/comparison/probes.ts';
import { type ProtocolName, protocols } from '../../database/comparison/protocol.ts';
import { compareResults } from '../../database/comparison/strict.ts';
import type { Execution, ExecutionLimits } from '../../database/execution.ts';

/** The slice of the sandbox that is needed here. */
export interface ExecutingSandbox {
  execute(databasePath: string, sql: string, limits?: Partial<ExecutionLimits>): Promise<Execution>;
}

export type Determination =
  | 'determined'
  | 'fails'
  /** The rows are, their order is not: equal keys in an ORDER BY that are not among the output. */
  | 'order-open'
  /** Equal keys at a LIMIT, or a plain column among aggregates, leave open which rows or values. */
  | 'depends-on-ties'
  /** Another order of the same rows on disk gives another answer. */
  | 'depends-on-storage';

type Rows = Extract<Execution, { outcome: 'rows' }>;

const LIMITS = { maxRows: 20_000, maxBytes: 32_000_000 };

function orderingFor(protocol: ProtocolName, sql: string, columns: readonly string[]): Ordering {
  if (protocol === 'bird') return { kind: 'unordered' };
  if (protocol === 'strict') return orderingOf(sql, columns);
  return { kind: sql.toLowerCase().includes('order by') ? 'exact' : 'unordered' };
}

export interface GoldAnswer {
  readonly determination: Determination;
  /** Equal for equal rows in any order; undefined where the query fails. */
  readonly digest: string | undefined;
}

/** Sums of row hashes: whether two answers are the same, for all that matters here. */
function digestOf({ columns, rows }: Rows): string {
  let sum = 0;
  for (const row of rows) sum = (sum + hashRow(row)) % Number.MAX_SAFE_INTEGER;
  return `${columns.length} ${rows.length} ${sum}`;
}

export interface AnswerOptions {
  readonly sandbox: ExecutingSandbox;
  readonly databasePath: string;
  /** Without it, only what the text leaves open is found. */
  readonly twinPath?: string;
  readonly protocol?: ProtocolName;
}

export async function goldAnswerOf(goldSql: string, options: AnswerOptions): Promise<GoldAnswer> {
  const { sandbox, databasePath, twinPath, protocol = 'strict' } = options;
  const sql = protocols[protocol].prepare(goldSql);
  const gold = sql === undefined ? undefined : await sandbox.execute(databasePath, sql, LIMITS);
  if (sql === undefined || gold?.outcome !== 'rows' || gold.truncated)
    return { determination: 'fails', digest: undefined };
  const [twin, ...probed] = await Promise.all([
    twinPath === undefined ? gold : sandbox.execute(twinPath, sql, LIMITS),
    ...(probesOf(sql, gold.columns.length) ?? []).map((probe) =>
      sandbox.execute(databasePath, probe, LIMITS),
    ),
  ]);
  const isSame = (other: Execution, ordering: Ordering): boolean =>
    other.outcome !== 'rows' || compareResults(gold, other, { ordering }).match;
  const areSame = (ordering: Ordering): boolean =>
    [twin!, ...probed].every((other) => isSame(other, ordering));
  const determine = (): Determination => {
    if (areSame(orderingFor(protocol, sql, gold.columns))) return 'determined';
    if (areSame({ kind: 'unordered' })) return 'order-open';
    const isOpen = probed.some((other) => !isSame(other, { kind: 'unordered' }));
    return isOpen ? 'depends-on-ties' : 'depends-on-storage';
  };
  return { determination: determine(), digest: digestOf(gold) };
}
