/** Runs the gold answers of a set and says which of them cannot be trusted. */

import { coverageOf } from '../../data/coverage.ts';
import type { Example } from '../../data/example.ts';
import type { Execution } from '../../database/execution.ts';
import type { Sandbox } from '../../database/sandbox.ts';
import { QuerentError } from '../../foundation/errors.ts';
import type { Observe } from '../../foundation/events.ts';
import type { OpenedDatabase } from './database.ts';

export interface GoldProblem {
  readonly id: string;
  readonly kind: 'broken' | 'empty' | 'slow' | 'contradiction';
  readonly message: string;
}

export interface GoldReport {
  readonly counts: {
    readonly examples: number;
    readonly broken: number;
    readonly empty: number;
    readonly slow: number;
    readonly contradictions: number;
  };
  readonly problems: readonly GoldProblem[];
}

const slowMs = 1000;
const batchSize = 256;

function problemOf(id: string, execution: Execution): GoldProblem | undefined {
  switch (execution.outcome) {
    case 'rows':
      if (execution.rows.length === 0) return { id, kind: 'empty', message: 'no rows' };
      if (execution.elapsedMs > slowMs)
        return { id, kind: 'slow', message: `${Math.round(execution.elapsedMs)} ms` };
      return undefined;
    case 'sql-error':
      return { id, kind: 'broken', message: execution.message };
    case 'refused':
      return { id, kind: 'broken', message: execution.reason };
    case 'timeout':
      return { id, kind: 'broken', message: `stopped after ${execution.limitMs} ms` };
    case 'out-of-memory':
      return { id, kind: 'broken', message: 'needs too much memory' };
    default:
      throw execution satisfies never;
  }
}

export interface GoldValidation {
  readonly name: string;
  readonly examples: readonly Example[];
  readonly database: OpenedDatabase;
  readonly sandbox: Sandbox;
  readonly observe: Observe;
  readonly signal: AbortSignal;
}

export async function validateGold(run: GoldValidation): Promise<GoldReport> {
  const { name, examples, database, sandbox, observe, signal } = run;
  const problems: GoldProblem[] = [];
  for (let start = 0; start < examples.length; start += batchSize) {
    if (signal.aborted) {
      throw new QuerentError('data/interrupted', `after ${start} of ${examples.length} examples of ${name}`);
    }
    const batch = examples.slice(start, start + batchSize);
    const executions = await Promise.all(batch.map(({ sql }) => sandbox.execute(database.path, sql)));
    problems.push(...batch.flatMap(({ id }, i) => problemOf(id, executions[i]!) ?? []));
    const done = start + batch.length;
    observe({ type: 'progress', stage: 'validate', label: `validate ${name}`, done, total: examples.length });
  }
  const { contradictions } = coverageOf(examples, database.schema);
  for (const [id, ...others] of contradictions) {
    problems.push({
      id: id!,
      kind: 'contradiction',
      message: `same question, other SQL: ${others.join(', ')}`,
    });
  }
  const countOf = (kind: GoldProblem['kind']): number =>
    problems.filter((problem) => problem.kind === kind).length;
  return {
    counts: {
      examples: examples.length,
      broken: countOf('broken'),
      empty: countOf('empty'),
      slow: countOf('slow'),
      contradictions: contradictions.length,
    },
    problems,
  };
}
