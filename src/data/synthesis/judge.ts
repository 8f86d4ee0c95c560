/** Whether the SQL of a made pair may stay: it is run, and what is broken, slow, empty or left to chance is told apart. */
import type { Execution } from '../../database/execution.ts';

export type DropReason = 'slow' | 'broken' | 'order-ambiguous' | 'empty';

export interface JudgeOptions {
  /** Runs SQL in the sandbox, in parallel where it can. */
  readonly executeAll: (sqls: readonly string[]) => Promise<readonly Execution[]>;
  /** Slower queries are dropped. Default 1,000. */
  readonly maxElapsedMs?: number;
}

/** Whether a LIMIT cuts through equal values: then the rows that come first are chance. */
function isOrderAmbiguous(sql: string): boolean {
  return / LIMIT \d+( OFFSET \d+)?$/.test(sql) && !/ ORDER BY /.test(sql);
}

/** The same query with one more row and the sort key shown: equal keys at a cut mean an ambiguous answer. */
export function tieProbe(sql: string): { sql: string; cuts: readonly number[] } | undefined {
  const pattern =
    /^(SELECT (?:DISTINCT )?)(.*?) FROM (.*) ORDER BY (.*?)( DESC)? LIMIT (\d+)(?: OFFSET (\d+))?$/;
  const match = pattern.exec(sql);
  if (match === null || match[4]!.includes(',')) return undefined;
  const [, select, , rest, key, direction, limit, offset] = match;
  const skipped = Number(offset ?? 0);
  const end = skipped + Number(limit);
  return {
    sql: `${select}${key} FROM ${rest} ORDER BY ${key}${direction ?? ''} LIMIT ${end + 1}`,
    cuts: skipped === 0 ? [end] : [skipped, end],
  };
}

function cutsTie(probe: Execution, cuts: readonly number[]): boolean {
  if (probe.outcome !== 'rows') return false;
  const { rows } = probe;
  return cuts.some((cut) => cut < rows.length && Object.is(rows[cut - 1]![0], rows[cut]![0]));
}

function isEmptyResult(execution: Execution & { outcome: 'rows' }): boolean {
  if (execution.rows.length === 0) return true;
  return execution.rows.length === 1 && execution.rows[0]!.every((value) => value === null || value === 0);
}

function reasonOf(
  sql: string,
  execution: Execution,
  probed: ReadonlyMap<string, Execution>,
  maxElapsedMs: number,
): DropReason | undefined {
  if (execution.outcome !== 'rows') return execution.outcome === 'timeout' ? 'slow' : 'broken';
  if (execution.elapsedMs > maxElapsedMs) return 'slow';
  if (isOrderAmbiguous(sql)) return 'order-ambiguous';
  const probe = tieProbe(sql);
  if (probe !== undefined && cutsTie(probed.get(probe.sql)!, probe.cuts)) return 'order-ambiguous';
  return isEmptyResult(execution) ? 'empty' : undefined;
}

/** A judge that runs each statement once: the reason to drop each, or undefined. */
export function createJudge({ executeAll, maxElapsedMs = 1000 }: JudgeOptions) {
  const verdicts = new Map<string, DropReason | undefined>();
  return async (sqls: readonly string[]): Promise<(DropReason | undefined)[]> => {
    const fresh = [...new Set(sqls)].filter((sql) => !verdicts.has(sql));
    const probes = fresh.flatMap((sql) => tieProbe(sql) ?? []);
    const results = await executeAll([...fresh, ...probes.map((probe) => probe.sql)]);
    const probed = new Map(probes.map((probe, i) => [probe.sql, results[fresh.length + i]!]));
    fresh.forEach((sql, i) => {
      verdicts.set(sql, reasonOf(sql, results[i]!, probed, maxElapsedMs));
    });
    return sqls.map((sql) => verdicts.get(sql));
  };
}
