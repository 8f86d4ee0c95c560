/** The answers of the API as schemas, for its documentation: what `contract.ts` says as types. They check nothing that goes out. */
import { z } from '@hono/zod-openapi';

const cell = z.union([z.null(), z.number(), z.string()]);
const names = z.array(z.string());

export const rowsSchema = z
  .object({
    columns: names,
    rows: z.array(z.array(cell)).openapi({ description: 'Integers beyond 2^53 as digits, bytes in base64' }),
    truncated: z.boolean(),
    elapsedMs: z.number(),
  })
  .openapi('Rows');

const warningSchema = z
  .object({
    code: z.string(),
    message: z.string(),
    severity: z.enum(['info', 'warning', 'error']),
  })
  .openapi('Warning');

const planSchema = z
  .array(z.looseObject({ label: z.string(), operation: z.string() }))
  .openapi({ description: 'EXPLAIN QUERY PLAN as trees: label, operation, table, index, children' });

const adviceSchema = z
  .object({
    kind: z.enum(['index', 'rewrite']),
    message: z.string(),
    sql: z.string(),
    measured: z.object({ beforeMs: z.number(), afterMs: z.number() }).optional(),
  })
  .openapi('Advice');

export const answerSchema = z
  .looseObject({
    question: z.string(),
    sql: z.string().openapi({ description: 'Empty where the model found none' }),
    reasoning: z.string().optional(),
    confidence: z.number(),
    confidenceReason: z.string(),
    abstained: z.boolean(),
    clarification: z
      .object({ question: z.string(), ambiguous: z.array(z.looseObject({ words: z.string() })) })
      .optional(),
    tables: names,
    columns: names,
    explanation: z.string(),
    result: rowsSchema.optional(),
    failure: z.string().optional(),
    plan: planSchema.optional(),
    advice: z.array(adviceSchema).optional(),
    warnings: z.array(warningSchema),
    candidates: z.array(z.looseObject({ sql: z.string(), isChosen: z.boolean() })),
    isFromCache: z.boolean(),
    latencyMs: z.number(),
    steps: z.array(z.looseObject({ step: z.string(), elapsedMs: z.number() })),
  })
  .openapi('Answer');

export const generateResponseSchema = z
  .object({
    id: z.string().openapi({ description: 'For /feedback and /history' }),
    sql: z.string(),
    confidence_score: z.number(),
    reasoning: z.string().nullable(),
    latency_ms: z.number(),
    answer: answerSchema,
  })
  .openapi('GenerateResponse');

export const batchResultSchema = z
  .object({
    index: z.int(),
    item_id: z.string().nullable(),
    ok: z.boolean(),
    response: generateResponseSchema.optional(),
    error: z.looseObject({ code: z.string(), message: z.string() }).optional(),
  })
  .openapi('BatchResult');

export const batchResponseSchema = z.object({
  results: z.array(batchResultSchema),
  succeeded: z.int(),
  failed: z.int(),
});

export const executeResponseSchema = z.object({
  columns: names,
  rows: z.array(z.array(cell)),
  truncated: z.boolean(),
  elapsed_ms: z.number(),
});

export const explainResponseSchema = z.object({
  explanation: z.string(),
  tables: names,
  columns: names,
  warnings: z.array(warningSchema),
  plan: planSchema,
  advice: z.array(adviceSchema),
});

const verdict = z.enum(['right', 'wrong']);
export const feedbackResponseSchema = z.object({
  id: z.string(),
  verdict,
  becomes_example: z.boolean(),
});

export const historyItemSchema = z
  .object({
    id: z.string(),
    at: z.string(),
    query: z.string(),
    sql: z.string(),
    confidence_score: z.number(),
    latency_ms: z.number(),
    abstained: z.boolean(),
    feedback: z
      .object({ verdict, corrected_sql: z.string().nullable(), comment: z.string().nullable() })
      .nullable(),
  })
  .openapi('HistoryItem');
export const historyResponseSchema = z.object({
  items: z.array(historyItemSchema),
  next: z.string().nullable(),
});
export const historyEntrySchema = historyItemSchema.extend({ answer: answerSchema });

export const modelInfoSchema = z.object({
  name: z.string(),
  kind: z.enum(['embedded', 'hugging-face', 'gguf', 'endpoint']),
  parameters: z.int().nullable(),
  prompt_format: z.string(),
  database_id: z.string(),
  schema_hash: z.string(),
  querent_version: z.string(),
  calibration_error: z.number().nullable(),
});

const tableFacts = { name: z.string(), comment: z.string().nullable(), rows: z.int() };
export const tablesSchema = z.object({
  database_id: z.string(),
  dialect: z.string(),
  tables: z.array(z.object({ ...tableFacts, columns: z.int() })),
});
export const schemaSchema = z.object({
  database_id: z.string(),
  dialect: z.string(),
  hash: z.string(),
  tables: z.array(
    z.object({
      ...tableFacts,
      columns: z.array(
        z.object({
          name: z.string(),
          type: z.string(),
          nullable: z.boolean(),
          primary_key: z.boolean(),
          comment: z.string().nullable(),
        }),
      ),
    }),
  ),
  foreign_keys: z.array(
    z.object({
      table: z.string(),
      columns: names,
      references_table: z.string(),
      references_columns: names,
    }),
  ),
});
export const examplesSchema = z.object({
  examples: z.array(z.object({ query: z.string(), sql: z.string() })),
});
export const healthSchema = z
  .object({
    status: z.enum(['ok', 'degraded', 'starting', 'draining']),
    model: z.enum(['ready', 'loading', 'missing']),
    database: z.enum(['ready', 'unreachable']),
    schema: z.enum(['current', 'stale']),
    uptime_s: z.number(),
  })
  .openapi('Health');

export const runsSchema = z.object({
  runs: z.array(
    z.object({
      name: z.string(),
      stage: z.enum(['sft', 'grpo']),
      step: z.int(),
      steps: z.int(),
      is_live: z.boolean(),
      updated_at: z.string(),
    }),
  ),
});
export const runMetricsSchema = z.object({
  name: z.string(),
  series: z.record(z.string(), z.array(z.array(z.number()).length(2))),
  evaluations: z.array(
    z.object({ step: z.int(), set: z.string(), metrics: z.record(z.string(), z.number()) }),
  ),
});
export const reportsSchema = z.object({
  reports: z.array(z.object({ name: z.string(), url: z.string(), updated_at: z.string() })),
});
