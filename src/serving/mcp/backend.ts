/** What the MCP server answers with, handed in by whoever starts it. Knows no protocol. */
import type { StatementExplanation } from '../../agents/explain/explain-statement.ts';
import type { Pipeline } from '../../agents/pipeline.ts';
import type { BusinessRule } from '../../agents/validate/business-rules.ts';
import type { Execution, ExecutionLimits } from '../../database/execution.ts';
import type { Schema } from '../../schema/schema.ts';
import type { McpLimits } from './contract.ts';

export interface McpBackend {
  readonly schema: Schema;
  readonly pipeline: Pipeline;
  /** Values of columns that these keep from being shown are shown nowhere, and statements that show them are not run. */
  readonly rules: readonly BusinessRule[];
  execute(sql: string, limits?: Partial<ExecutionLimits>): Promise<Execution>;
  explain(sql: string, options?: { readonly advice?: boolean }): Promise<StatementExplanation>;
}

export interface McpOptions {
  readonly backend: McpBackend;
  readonly version: string;
  readonly limits: McpLimits;
  /** What went wrong on our side; the client is only told that something did. */
  readonly onFailure: (error: unknown) => void;
}
