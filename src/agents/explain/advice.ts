/**
 * Advice on a statement: indexes for the columns that it looks for, and shorter ways to write it, each with the times that
 * were measured on a copy of the database. Nothing is ever changed in the database itself. What it does not cover: the cost
 * of keeping an index up to date, which is why advice is given and not taken.
 */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Execution } from '../../database/execution.ts';
import { writeIndexedCopy } from '../../database/indexed-copy.ts';
import { quoteName } from '../../database/sql-text.ts';
import type { Schema } from '../../schema/schema.ts';
import type { Advice } from '../pipeline.ts';
import { columnUses } from '../reading/column-use.ts';
import { rewritesOf } from './rewrites.ts';

export interface Advisor {
  /** The best advice first; empty where nothing is worth it. */
  advise(sql: string): Promise<readonly Advice[]>;
}

export interface AdvisorParts {
  readonly schema: Schema;
  readonly databasePath: string;
  /** Runs a statement in the sandbox over any database file. */
  readonly execute: (databasePath: string, sql: string) => Promise<Execution>;
  /** A file larger than this is not copied, and its indexes are advised without measurement. Default 256 MB. */
  readonly copyBytesMax?: number;
}

const COPY_BYTES_MAX = 256 * 1024 * 1024;
const RUNS = 5;
/** Indexes on smaller tables are not worth a word. */
const ROWS_MIN = 1_000;
const CANDIDATES_MAX = 3;
/** Advice must save this share of the time. */
const SAVING_MIN = 0.1;

interface IndexIdea {
  readonly table: string;
  readonly column: string;
  readonly sql: string;
}

function ideasFor(sql: string, schema: Schema): IndexIdea[] {
  const ideas: (IndexIdea & { readonly rows: number })[] = [];
  for (const [name, roles] of columnUses(sql, schema).columns) {
    if (!roles.has('filter') && !roles.has('join')) continue;
    const table = schema.tables.find((candidate) => name.startsWith(`${candidate.name}.`));
    const column = table?.columns.find((candidate) => name === `${table.name}.${candidate.name}`);
    if (table === undefined || column === undefined || table.rowCount < ROWS_MIN) continue;
    if (column.isUnique || (column.isPrimaryKey && table.primaryKey.length === 1)) continue;
    const index = quoteName(`idx_${table.name}_${column.name}`.toLowerCase());
    const ddl = `CREATE INDEX ${index} ON ${quoteName(table.name)} (${quoteName(column.name)})`;
    ideas.push({ table: table.name, column: column.name, sql: ddl, rows: table.rowCount });
  }
  return ideas.sort((a, b) => b.rows - a.rows).slice(0, CANDIDATES_MAX);
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

export function createAdvisor(parts: AdvisorParts): Advisor {
  const { schema, databasePath, execute, copyBytesMax = COPY_BYTES_MAX } = parts;

  /** Undefined where it does not run. */
  const timeOf = async (path: string, sql: string): Promise<number | undefined> => {
    const times: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const execution = await execute(path, sql);
      if (execution.outcome !== 'rows') return undefined;
      times.push(execution.elapsedMs);
    }
    return median(times);
  };

  /** Before and after are measured in turns on the same kind of file: a copy without the index, and one with it. */
  const measure = async (plain: string, indexed: string, before: string, after: string) => {
    const first = await timeOf(plain, before);
    const second = await timeOf(indexed, after);
    return first === undefined || second === undefined ? undefined : { beforeMs: first, afterMs: second };
  };

  const adviseIn = async (folder: string, sql: string): Promise<Advice[]> => {
    const plain = join(folder, 'plain.sqlite');
    await copyFile(databasePath, plain);
    const advice: Advice[] = [];
    for (const [at, idea] of ideasFor(sql, schema).entries()) {
      const path = join(folder, `indexed-${at}.sqlite`);
      if (!(await writeIndexedCopy(plain, path, idea.sql, copyBytesMax))) continue;
      const measured = await measure(plain, path, sql, sql);
      if (measured === undefined || measured.afterMs > (1 - SAVING_MIN) * measured.beforeMs) continue;
      const message = `An index on ${idea.column} of ${idea.table} makes this question faster.`;
      advice.push({ kind: 'index', message, sql: idea.sql, measured });
    }
    for (const { message, sql: rewritten } of rewritesOf(sql)) {
      const measured = await measure(plain, plain, sql, rewritten);
      if (measured !== undefined) advice.push({ kind: 'rewrite', message, sql: rewritten, measured });
    }
    const saved = ({ measured }: Advice): number =>
      measured === undefined ? 0 : measured.beforeMs - measured.afterMs;
    return advice.sort((a, b) => saved(b) - saved(a));
  };

  return {
    advise: async (sql) => {
      const folder = await mkdtemp(join(tmpdir(), 'querent-advice-'));
      try {
        return await adviseIn(folder, sql);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}
