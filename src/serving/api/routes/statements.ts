/** POST /execute and /explain: statements of people, run read-only or told about. */
import { rowsOf } from '../../../agents/cells.ts';
import { executeResponseSchema, explainResponseSchema } from '../answers.ts';
import { readJson } from '../body.ts';
import {
  type ExecuteResponse,
  type ExplainResponse,
  executeRequestSchema,
  explainRequestSchema,
} from '../contract.ts';
import type { ApiParts } from '../parts.ts';
import { parseInput, statementFailure } from '../problems.ts';
import type { ApiRoute } from '../route.ts';

export function statementRoutes({ execute, database, gate, limits }: ApiParts): readonly ApiRoute[] {
  return [
    {
      method: 'post',
      path: '/execute',
      tag: 'Statements',
      summary: 'Run one statement that only reads',
      body: { schema: executeRequestSchema, example: { sql: 'SELECT 1 AS one', max_rows: 10 } },
      answer: { description: 'The rows', schema: executeResponseSchema },
      handle: async (c) => {
        const body = await readJson(c, limits.bodyBytesMax);
        const { sql, max_rows, timeout_ms } = parseInput(executeRequestSchema, body, 'the body');
        const leave = await gate.enter(c.req.raw.signal);
        try {
          const execution = await execute(sql, { maxRows: max_rows, timeoutMs: timeout_ms });
          if (execution.outcome !== 'rows') throw statementFailure(execution);
          const { columns, rows, truncated, elapsedMs } = rowsOf(execution, max_rows);
          return c.json({ columns, rows, truncated, elapsed_ms: elapsedMs } satisfies ExecuteResponse);
        } finally {
          leave();
        }
      },
    },
    {
      method: 'post',
      path: '/explain',
      tag: 'Statements',
      summary: 'What a statement says, uses and costs, without running it',
      description:
        'With `advice` indexes and rewrites are tried on a copy of the database, which runs the statement there.',
      body: { schema: explainRequestSchema, example: { sql: 'SELECT 1 AS one' } },
      answer: { description: 'Words, tables, columns, plan, warnings', schema: explainResponseSchema },
      handle: async (c) => {
        const body = await readJson(c, limits.bodyBytesMax);
        const { sql, advice } = parseInput(explainRequestSchema, body, 'the body');
        const leave = await gate.enter(c.req.raw.signal);
        try {
          await database.refresh();
          const { isValid: _, ...told } = await database.known.explain(sql, { advice });
          return c.json(told satisfies ExplainResponse);
        } finally {
          leave();
        }
      },
    },
  ];
}
