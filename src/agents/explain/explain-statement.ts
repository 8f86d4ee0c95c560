/**
 * Everything that can be said of a statement without running it: words, names, plan, doubts; and, where asked for, advice
 * measured on a copy. Knows the parts that say it; what is returned survives JSON.
 */
import type { Lexicon } from '../../schema/lexicon.ts';
import type { Schema } from '../../schema/schema.ts';
import { loadParser } from '../../schema/syntax/parser.ts';
import type { Advice, PipelineWarning, PlanNode } from '../pipeline.ts';
import { columnUses } from '../reading/column-use.ts';
import type { Validator } from '../validate/validator.ts';
import type { Advisor } from './advice.ts';
import { explainQuery } from './query-words.ts';

export interface StatementExplanation {
  readonly explanation: string;
  readonly tables: readonly string[];
  /** As `Table.Column`. */
  readonly columns: readonly string[];
  /** Empty where the database would not run it. */
  readonly plan: readonly PlanNode[];
  readonly warnings: readonly PipelineWarning[];
  /** Empty unless asked for. */
  readonly advice: readonly Advice[];
  /** It only reads, and every name in it exists. */
  readonly isValid: boolean;
}

export interface ExplainStatementParts {
  readonly schema: Schema;
  readonly lexicon?: Lexicon | undefined;
  readonly validator: Validator;
  readonly advisor?: Advisor | undefined;
}

export async function explainStatement(
  sql: string,
  { schema, lexicon, validator, advisor }: ExplainStatementParts,
  options: { readonly advice?: boolean } = {},
): Promise<StatementExplanation> {
  await loadParser();
  const { issues, plan = [], isValid, statementClass } = await validator.validate(sql);
  const isQuery = statementClass === 'query';
  const used = isQuery ? columnUses(sql, schema) : undefined;
  const wantsAdvice = options.advice === true && isValid;
  return {
    explanation: isQuery ? explainQuery(sql, { schema, lexicon }) : '',
    tables: used?.tables ?? [],
    columns: [...(used?.columns.keys() ?? [])],
    plan,
    warnings: issues,
    advice: wantsAdvice ? ((await advisor?.advise(sql)) ?? []) : [],
    isValid,
  };
}
