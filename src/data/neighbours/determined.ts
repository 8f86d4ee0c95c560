/**
 * Whether a gold query's answer is the only right one on a database: the same however its rows lie (asked of the twin) and
 * however ties are broken (asked of the probes). Where it is not, agreement with it says nothing.
 */
import { type Ordering, orderingOf } from '../../database/comparison/ordering.ts';
import { type ProtocolName, protocols } from '../../database/comparison/protocol.ts';
import { compareResults } from '../../database/comparison/strict.ts';
import { tieProbes } from '../../database/comparison/tie-probes.ts';
import type { Execution, ExecutionLimits } from '../../database/execution.ts';

/** The slice of the sandbox that is needed here. */
export interface ExecutingSandbox {
  execute(databasePath: string, sql: string, limits?: Partial<ExecutionLimits>): Promise<Execution>;
}

export type Determination =
  | 'determined'
  | 'fails'
  /** Another order of the same rows on disk gives another answer. */
  | 'depends-on-storage'
  /** Equal keys at a LIMIT, or in an ORDER BY whose keys are not among the output. */
  | 'depends-on-ties';

type Rows = Extract<Execution, { outcome: 'rows' }>;

const LIMITS = { maxRows: 20_000, maxBytes: 32_000_000 };

function orderingFor(protocol: ProtocolName, sql: string, columns: readonly string[]): Ordering {
  if (protocol === 'bird') return { kind: 'unordered' };
  if (protocol === 'strict') return orderingOf(sql, columns);
  return { kind: sql.toLowerCase().includes('order by') ? 'exact' : 'unordered' };
}

export interface DeterminationOptions {
  readonly sandbox: ExecutingSandbox;
  readonly databasePath: string;
  readonly twinPath: string;
  readonly protocol?: ProtocolName;
}

export async function determinationOf(
  goldSql: string,
  options: DeterminationOptions,
): Promise<Determination> {
  const { sandbox, databasePath, twinPath, protocol = 'strict' } = options;
  const sql = protocols[protocol].prepare(goldSql);
  if (sql === undefined) return 'fails';
  const gold = await sandbox.execute(databasePath, sql, LIMITS);
  if (gold.outcome !== 'rows' || gold.truncated) return 'fails';
  const ordering = orderingFor(protocol, sql, gold.columns);
  const isSame = (other: Execution): boolean =>
    other.outcome !== 'rows' || compareResults(gold, other as Rows, { ordering }).match;
  const probes = tieProbes(sql, gold.columns.length) ?? [];
  const [twin, ...probed] = await Promise.all([
    sandbox.execute(twinPath, sql, LIMITS),
    ...probes.map((probe) => sandbox.execute(databasePath, probe, LIMITS)),
  ]);
  if (!probed.every(isSame)) return 'depends-on-ties';
  return isSame(twin) ? 'determined' : 'depends-on-storage';
}
