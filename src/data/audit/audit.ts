/**
 * Audits gold queries: runs each, asks whether its answer is the only right one, whether it depends on the data at all,
 * and whether the same question is answered twice. It reports; what is set aside is the caller's choice.
 */

import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileIdentity } from '../../database/sqlite-file.ts';
import { QuerentError } from '../../foundation/errors.ts';
import { ignoreEvents, type Observe } from '../../foundation/events.ts';
import { introspectSqlite } from '../../schema/introspect.ts';
import { type AgreementSandbox, createAgreementJudge } from '../neighbours/agreement.ts';
import { type GoldAnswer, goldAnswerOf } from '../neighbours/determined.ts';
import { buildNeighbours, type NeighbourSet } from '../neighbours/neighbours.ts';
import { writeTwin } from '../neighbours/twin.ts';
import { type GoldProblem, validateExamples } from '../validate.ts';
import type { DataRow } from './data-file.ts';
import type { Finding, FindingKind } from './finding.ts';
import { type Execute, fixForEmpty, fixForError } from './fixes.ts';
import { hasLimit, limitsWithoutOrder, momentWord, readsNoTable } from './statement-checks.ts';

export interface AuditOptions {
  readonly rows: readonly DataRow[];
  /** Undefined where there is no such database. */
  readonly databasePathOf: (databaseId: string) => string | undefined;
  readonly sandbox: AgreementSandbox;
  /** Where twins and neighbours of the databases are kept. */
  readonly directory: string;
  /** Answers that take longer are reported as slow. Default 1,000. */
  readonly slowMs?: number;
  /** Neighbours of each database, for what they tell of ties and contradictions. Default 4; 0 for none. */
  readonly neighbours?: number;
  readonly observe?: Observe;
  readonly signal?: AbortSignal;
}

/** Examples judged side by side; their answers are held in memory. */
const ROWS_AT_ONCE = 32;
/** Of a larger file no twin is made, so that what depends on storage is not found. */
const TWIN_BYTES_MAX = 256 * 1024 * 1024;

interface Case {
  readonly path: string;
  readonly twinPath: string | undefined;
  readonly neighbours: NeighbourSet | undefined;
  readonly options: AuditOptions;
  readonly execute: Execute;
}

type Said = Pick<Finding, 'kind' | 'message'> & Partial<Pick<Finding, 'fix'>>;

async function openCase(path: string, rows: readonly DataRow[], options: AuditOptions): Promise<Case> {
  const { directory, sandbox } = options;
  const count = options.neighbours ?? 4;
  // Says in our words what is wrong with a file that is not there.
  fileIdentity(path);
  const twinPath = join(
    directory,
    `${createHash('sha256').update(path).digest('hex').slice(0, 16)}-twin.sqlite`,
  );
  const isSmall = statSync(path).size <= TWIN_BYTES_MAX;
  if (isSmall) await writeTwin(path, twinPath);
  const queries = rows.map(({ example }) => example.sql);
  return {
    path,
    twinPath: isSmall ? twinPath : undefined,
    neighbours:
      count === 0 ? undefined : await buildNeighbours({ databasePath: path, queries, count, directory }),
    options,
    execute: (sql) => sandbox.execute(path, sql),
  };
}

function openness(sql: string, { determination }: GoldAnswer): Said | undefined {
  switch (determination) {
    case 'order-open':
      return {
        kind: 'order-ambiguous',
        message: 'rows with equal sort keys, which are not all among the output, may come in any order',
      };
    case 'depends-on-ties':
      if (limitsWithoutOrder(sql))
        return { kind: 'order-ambiguous', message: 'LIMIT without ORDER BY: any rows will do' };
      return hasLimit(sql)
        ? { kind: 'order-ambiguous', message: 'rows with equal sort keys at the LIMIT: any of them will do' }
        : {
            kind: 'non-deterministic',
            message: 'a column that is neither grouped nor aggregated has several values in a group',
          };
    case 'depends-on-storage':
      return { kind: 'non-deterministic', message: 'another order of the rows on disk gives another answer' };
    default:
      return undefined;
  }
}

/** Of a query whose answer is settled on the source: whether other rows could unsettle it. */
async function askNeighbours(sql: string, { neighbours, options }: Case): Promise<Said | undefined> {
  if (neighbours === undefined || !hasLimit(sql)) return undefined;
  const answers = await Promise.all(
    neighbours.neighbours.map(({ path, twinPath }) =>
      goldAnswerOf(sql, { sandbox: options.sandbox, databasePath: path, twinPath }),
    ),
  );
  return answers.some(({ determination }) => determination === 'depends-on-ties')
    ? {
        kind: 'tie-possible',
        message: 'equal sort keys at the LIMIT, should they come up, would leave the answer open',
      }
    : undefined;
}

/** An aggregate over no rows. */
async function isOnlyNull(sql: string, { execute }: Case): Promise<boolean> {
  const execution = await execute(sql);
  return (
    execution.outcome === 'rows' &&
    execution.rows.length === 1 &&
    execution.rows[0]!.every((value) => value === null)
  );
}

async function judgeStatement(sql: string, its: Case): Promise<Said | undefined> {
  const word = momentWord(sql);
  if (word !== undefined)
    return { kind: 'non-deterministic', message: `${word} gives something else each time` };
  if (readsNoTable(sql)) return { kind: 'constant', message: 'it reads no table' };
  if (await isOnlyNull(sql, its)) return withFix({ kind: 'empty', message: 'only NULL' }, sql, its);
  const { path: databasePath, twinPath, options } = its;
  const source = await goldAnswerOf(sql, {
    sandbox: options.sandbox,
    databasePath,
    ...(twinPath && { twinPath }),
  });
  return openness(sql, source) ?? askNeighbours(sql, its);
}

/** What came of running it, with a correction where there is one. */
async function withFix(
  problem: Pick<GoldProblem, 'kind' | 'message'>,
  sql: string,
  its: Case,
): Promise<Said> {
  const { kind, message } = problem;
  if (kind !== 'broken' && kind !== 'empty') return { kind, message };
  const schema = await introspectSqlite(its.path, { inferForeignKeys: false });
  const fixed =
    kind === 'broken'
      ? await fixForError(sql, message, schema, its.execute)
      : await fixForEmpty(sql, schema, its.execute);
  return { kind, message, ...(fixed === undefined ? {} : { fix: { sql: fixed } }) };
}

/** The same question again: the same answer, or another one? */
async function compareRepeated(problem: GoldProblem, row: DataRow, first: DataRow, its: Case): Promise<Said> {
  const again = { words: `leave out row ${row.row}` };
  if (problem.kind === 'duplicate') return { kind: 'duplicate', message: problem.message, fix: again };
  const pair = { gold: first.example.sql, predicted: row.example.sql };
  const [verdict] = await its.options.sandbox.judgeBatch(its.path, [pair], { columnOrder: 'any' });
  if (verdict!.match === false)
    return { kind: 'contradiction', message: `${problem.message} and another answer` };
  const judge =
    its.neighbours &&
    createAgreementJudge({ sandbox: its.options.sandbox, neighbours: its.neighbours, columnOrder: 'any' });
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
  const its = await openCase(path, rows, options);
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
