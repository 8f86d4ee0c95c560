/**
 * Validator: whether a statement may be an answer, before it is one. One statement, of a class that only reads, over tables
 * and columns that exist; a dry run with EXPLAIN QUERY PLAN; business rules; what it will cost; comparisons that can hardly
 * be meant. It reads results of nothing: whether the answer is right is not asked here.
 */
import type { Execution } from '../../database/execution.ts';
import { inventedIdentifiers } from '../../schema/identifiers.ts';
import type { Schema } from '../../schema/schema.ts';
import { injectionSignsOf } from '../../schema/syntax/injection.ts';
import { type StatementClass, statementClassOf } from '../../schema/syntax/statement-class.ts';
import { planOf } from '../explain/plan.ts';
import type { PipelineWarning, PlanNode } from '../pipeline.ts';
import { columnUses } from '../reading/column-use.ts';
import { readQuery } from '../reading/read-query.ts';
import { type BusinessRule, brokenRules } from './business-rules.ts';
import { costWarnings } from './cost.ts';
import { implausibleValues } from './value-types.ts';

export interface Validation {
  readonly statementClass: StatementClass;
  readonly issues: readonly PipelineWarning[];
  /** No issue is an error. */
  readonly isValid: boolean;
  /** Of the dry run; absent where the database refused the statement, or was not asked. */
  readonly plan?: readonly PlanNode[];
}

export interface ValidatorParts {
  readonly schema: Schema;
  readonly rules?: readonly BusinessRule[];
  /** Runs a statement in the sandbox; left out: no dry run. */
  readonly execute?: (sql: string) => Promise<Execution>;
  /** "text" may be a string. Default false. */
  readonly doubleQuotedStrings?: boolean;
}

export interface Validator {
  validate(sql: string): Promise<Validation>;
}

const error = (code: string, message: string): PipelineWarning => ({ code, message, severity: 'error' });

function classIssue(kind: StatementClass): PipelineWarning | undefined {
  switch (kind) {
    case 'query':
      return undefined;
    case 'empty':
      return error('statement/empty', 'there is no statement');
    case 'several':
      return error('statement/several', 'more than one statement');
    case 'unknown':
      return error('statement/unknown', 'this is no statement that only reads');
    default:
      return error('statement/not-a-query', `this would change or reach more than it may (${kind})`);
  }
}

/** Why the database would not run it; null where it would. */
function dryRunIssue(execution: Execution): PipelineWarning | undefined {
  switch (execution.outcome) {
    case 'rows':
      return undefined;
    case 'sql-error':
      return error(`database/${execution.errorClass}`, execution.message);
    case 'refused':
      return error('database/refused', execution.reason);
    case 'timeout':
      return error('database/timeout', `stopped after ${execution.limitMs} ms`);
    case 'out-of-memory':
      return error('database/out-of-memory', 'it needs more memory than is allowed');
    default:
      throw execution satisfies never;
  }
}

export function createValidator(parts: ValidatorParts): Validator {
  const { schema, rules = [], execute, doubleQuotedStrings = false } = parts;

  /** Everything that the text alone tells. */
  const read = (sql: string): PipelineWarning[] => {
    const issues: PipelineWarning[] = [];
    for (const name of inventedIdentifiers(sql, schema, { doubleQuotedStrings }))
      issues.push(error('schema/no-such-name', `there is no ${name} in the database`));
    for (const { kind, text } of injectionSignsOf(sql))
      issues.push({ code: `injection/${kind}`, message: `suspicious: ${text}`, severity: 'warning' });
    return issues;
  };

  return {
    validate: async (sql) => {
      const statementClass = statementClassOf(sql);
      const unfit = classIssue(statementClass);
      if (unfit !== undefined) return { statementClass, issues: [unfit], isValid: false };
      const issues = read(sql);
      const tree = readQuery(sql);
      issues.push(...brokenRules(rules, columnUses(sql, schema, tree)), ...implausibleValues(sql, schema));
      const execution = await execute?.(`EXPLAIN QUERY PLAN ${sql}`);
      const refusal = execution === undefined ? undefined : dryRunIssue(execution);
      if (refusal !== undefined) issues.push(refusal);
      const plan = execution === undefined ? undefined : planOf(execution);
      if (plan !== undefined) issues.push(...costWarnings(plan, tree, schema));
      return {
        statementClass,
        issues,
        isValid: issues.every(({ severity }) => severity !== 'error'),
        ...(plan === undefined ? {} : { plan }),
      };
    },
  };
}
