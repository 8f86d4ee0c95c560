/**
 * Audits gold queries: runs each, asks whether its answer is the only right one, whether it depends on the data at all,
 * and whether the same question is answered twice. It reports; what is set aside is the caller's choice.
 */
import { QuerentError } from '../../foundation/errors.ts';
import { ignoreEvents, type Observe } from '../../foundation/events.ts';
import { createAgreementJudge } from '../neighbours/agreement.ts';
import { type GoldProblem, validateExamples } from '../validate.ts';
import {
  type Case,
  type CaseOptions,
  judgeStatement,
  openCase,
  type Said,
  withFix,
} from './audit-statement.ts';
import type { DataRow } from './data-file.ts';
import type { Finding, FindingKind } from './finding.ts';

export interface AuditOptions extends CaseOptions {
  readonly rows: readonly DataRow[];
  /** Undefined where there is no such database. */
  readonly databasePathOf: (databaseId: string) => string | undefined;
  /** Answers that take longer are reported as slow. Default 1,000. */
  readonly slowMs?: number;
  readonly observe?: Observe;
  readonly signal?: AbortSignal;
}

/** Examples judged side by side; their answers are held in memory. */
const ROWS_AT_ONCE = 32;
/** The same question again: the same answer, or another one? */
async function compareRepeated(problem: GoldProblem, row: DataRow, first: DataRow, its: Case): Promise<Said> {
  const again = { words: `leave out row ${row.row}` };
  if (problem.kind === 'duplicate') return { kind: 'duplicate', message: problem.message, fix: again };
  const pair = { gold: first.example.sql, predicted: row.example.sql };
  const [verdict] = await its.sandbox.judgeBatch(its.path, [pair], { columnOrder: 'any' });
  if (verdict!.match === false)
    return { kind: 'contradiction', message: `${problem.message} and another answer` };
  const judge =
    its.neighbours &&
    createAgreementJudge({ sandbox: its.sandbox, neighbours: its.neighbours, columnOrder: 'any' });
  const [agreement] = (await judge?.judge([pair])) ?? [];
  if (agreement?.match === false)
    return { kind: 'contradiction', message: `${problem.message}, which gives another answer on other data` };
  return { kind: 'duplicate', message: `${problem.message} and the same answer`, fix: again };
}

async function auditDatabase(
  path: string,
  rows: readonly DataRow[],
  options: AuditOptions,
): Promise<Finding[]> {
  const queries = rows.map(({ example }) => example.sql);
  const its = await openCase(path, queries, options);
  const { problems } = await validateExamples({
    examples: rows.map(({ example }) => example),
    rows: rows.map(({ row }) => row),
    databasePath: path,
    sandbox: options.sandbox,
    ...(options.slowMs === undefined ? {} : { slowMs: options.slowMs }),
  });
  const statements = new Map<string, Promise<Said | undefined>>();
  const judgeOnce = (sql: string, problem: GoldProblem | undefined) => {
    const said =
      statements.get(sql) ?? (problem === undefined ? judgeStatement(sql, its) : withFix(problem, sql, its));
    statements.set(sql, said);
    return said;
  };
  const auditRow = async (row: DataRow): Promise<Finding[]> => {
    const { id, sql, databaseId } = row.example;
    const own = problems.filter((problem) => problem.row === row.row);
    const repeated = own.find(({ firstRow }) => firstRow !== undefined);
    const first = rows.find((other) => other.row === repeated?.firstRow);
    const again = repeated && first ? await compareRepeated(repeated, row, first, its) : undefined;
    const said = [
      await judgeOnce(
        sql,
        own.find((problem) => problem !== repeated),
      ),
      again,
    ];
    const found = said.flatMap((one): Finding[] =>
      one === undefined ? [] : [{ row: row.row, id, databaseId, ...one }],
    );
    if (again?.kind !== 'contradiction') return found;
    // Nobody knows which of the two is right.
    const message = `row ${row.row} (${id}) asks the same and answers otherwise`;
    return [...found, { row: first!.row, id: first!.example.id, databaseId, kind: 'contradiction', message }];
  };
  const found: Finding[] = [];
  for (let start = 0; start < rows.length; start += ROWS_AT_ONCE) {
    options.signal?.throwIfAborted();
    found.push(...(await Promise.all(rows.slice(start, start + ROWS_AT_ONCE).map(auditRow))).flat());
  }
  return found;
}

/** A database that cannot be used is a finding of each of its examples; the others go on. */
async function auditOrComplain(
  databaseId: string,
  rows: readonly DataRow[],
  options: AuditOptions,
): Promise<Finding[]> {
  const complain = (message: string): Finding[] =>
    rows.map(({ row, example: { id } }) => ({ row, id, databaseId, kind: 'no-database', message }));
  const path = options.databasePathOf(databaseId);
  if (path === undefined) return complain(`there is no database called "${databaseId}"`);
  try {
    return await auditDatabase(path, rows, options);
  } catch (thrown) {
    if (!(thrown instanceof QuerentError)) throw thrown;
    return complain(thrown.message);
  }
}

/** Sorted by row. */
export async function auditRows(options: AuditOptions): Promise<readonly Finding[]> {
  const { rows, observe = ignoreEvents } = options;
  const byDatabase = new Map<string, DataRow[]>();
  for (const row of rows) {
    const { databaseId } = row.example;
    byDatabase.set(databaseId, [...(byDatabase.get(databaseId) ?? []), row]);
  }
  const findings: Finding[] = [];
  let done = 0;
  for (const [databaseId, its] of byDatabase) {
    findings.push(...(await auditOrComplain(databaseId, its, options)));
    done += its.length;
    observe({ type: 'progress', stage: 'audit', label: `audit ${databaseId}`, done, total: rows.length });
  }
  return findings.sort((a, b) => a.row - b.row);
}

export function countFindings(findings: readonly Finding[]): Readonly<Partial<Record<FindingKind, number>>> {
  const counts: Partial<Record<FindingKind, number>> = {};
  for (const { kind } of findings) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
