/**
 * What `querent serve` takes and gives: bodies of the HTTP API, as schemas that check, document and type them at once.
 * The fields of the published interface (`query`, `include_reasoning`, `confidence_score`) are spelt as there; everything that
 * the pipeline knows beyond them is in `answer`, spelt as the pipeline spells it. It knows no routes and no storage.
 */
import { z } from 'zod';
import {
  type PipelineAnswer,
  type PipelineEvent,
  type PipelineRows,
  pipelineOptionsSchema,
} from '../../agents/pipeline.ts';

export const limits = {
  questionLengthMax: 4_000,
  sqlLengthMax: 100_000,
  batchItemsMax: 1_000,
  rowsMax: 10_000,
} as const;

const question = z.string().trim().min(1, 'the question is empty').max(limits.questionLengthMax);
const sql = z.string().trim().min(1, 'the statement is empty').max(limits.sqlLengthMax);

/** POST /generate; with `Accept: text/event-stream` the answer is a stream of `StreamEvent`. */
export const generateRequestSchema = z.strictObject({
  query: question.describe('The question, in words'),
  include_reasoning: z.boolean().default(false).describe('Also say how the answer came about'),
  options: pipelineOptionsSchema.optional().describe('Choices of the pipeline for this question'),
});
export type GenerateRequest = z.output<typeof generateRequestSchema>;

export interface GenerateResponse {
  /** Of this answer, for feedback and history. */
  readonly id: string;
  readonly sql: string;
  readonly confidence_score: number;
  /** The model's own, or the explanation of the statement; null unless asked for. */
  readonly reasoning: string | null;
  readonly latency_ms: number;
  readonly answer: PipelineAnswer;
}

/** Server-sent events of /generate: the pipeline's own (`event:` is their type) up to `answer`, then one of these two. */
export type StreamEvent =
  | Exclude<PipelineEvent, { readonly type: 'answer' }>
  | { readonly type: 'response'; readonly response: GenerateResponse }
  | { readonly type: 'error'; readonly error: ApiError };

export interface ApiError {
  readonly code: string;
  readonly message: string;
  readonly next?: string;
}

/** POST /generate/batch: JSON, or JSON lines (`application/x-ndjson`) of items; answered in the same form, in order. */
export const batchItemSchema = generateRequestSchema.extend({
  id: z.string().max(200).optional().describe('Comes back with the result'),
});
export const batchRequestSchema = z.strictObject({
  queries: z
    .array(z.union([question, batchItemSchema]))
    .min(1)
    .max(limits.batchItemsMax),
});
export type BatchItem = z.output<typeof batchItemSchema>;
export type BatchRequest = z.output<typeof batchRequestSchema>;

/** One item failed or did not; the others are not touched by it. */
export type BatchResult = { readonly index: number; readonly item_id: string | null } & (
  | { readonly ok: true; readonly response: GenerateResponse }
  | { readonly ok: false; readonly error: ApiError }
);
export interface BatchResponse {
  readonly results: readonly BatchResult[];
  readonly succeeded: number;
  readonly failed: number;
}

/** POST /execute: one read-only statement in the sandbox. */
export const executeRequestSchema = z.strictObject({
  sql,
  max_rows: z.int().min(1).max(limits.rowsMax).default(1_000),
  timeout_ms: z.int().min(1).max(30_000).default(5_000),
});
export type ExecuteRequest = z.output<typeof executeRequestSchema>;
export interface ExecuteResponse {
  readonly columns: readonly string[];
  readonly rows: PipelineRows['rows'];
  readonly truncated: boolean;
  readonly elapsed_ms: number;
}

/** POST /explain: what a statement says, uses and costs, without running it (advice is measured on a copy). */
export const explainRequestSchema = z.strictObject({ sql, advice: z.boolean().default(false) });
export type ExplainRequest = z.output<typeof explainRequestSchema>;
export type ExplainResponse = Pick<PipelineAnswer, 'explanation' | 'tables' | 'columns' | 'warnings'> & {
  readonly plan: NonNullable<PipelineAnswer['plan']>;
  readonly advice: NonNullable<PipelineAnswer['advice']>;
};

/** POST /feedback: a verdict on an answer; a correction becomes a training example once it has been accepted. */
export const feedbackRequestSchema = z.strictObject({
  id: z.string().min(1).max(100).describe('Of the answer, from /generate or /history'),
  verdict: z.enum(['right', 'wrong']),
  corrected_sql: sql.optional().describe('What would have been right; must run'),
  comment: z.string().trim().max(4_000).optional(),
});
export type FeedbackRequest = z.output<typeof feedbackRequestSchema>;
export interface FeedbackResponse {
  readonly id: string;
  readonly verdict: 'right' | 'wrong';
  /** Will be taken by `querent data import --feedback`. */
  readonly becomes_example: boolean;
}

/** GET /history?limit=&before=&search= : newest first. */
export const historyQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  before: z.string().max(100).optional().describe('The `next` of the page before'),
  search: z.string().max(200).optional(),
});
export interface HistoryItem {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly query: string;
  readonly sql: string;
  readonly confidence_score: number;
  readonly latency_ms: number;
  readonly abstained: boolean;
  readonly feedback: null | {
    readonly verdict: 'right' | 'wrong';
    readonly corrected_sql: string | null;
    readonly comment: string | null;
  };
}
/** GET /history/{id}: with the whole answer as it was given; DELETE forgets it. */
export interface HistoryEntry extends HistoryItem {
  readonly answer: PipelineAnswer;
}
export interface HistoryResponse {
  readonly items: readonly HistoryItem[];
  /** For `before`; null on the last page. */
  readonly next: string | null;
}

/** GET /model/info. */
export interface ModelInfoResponse {
  readonly name: string;
  readonly kind: 'embedded' | 'hugging-face' | 'gguf' | 'endpoint';
  readonly parameters: number | null;
  readonly prompt_format: string;
  readonly database_id: string;
  readonly schema_hash: string;
  readonly querent_version: string;
  /** Calibrated on held-out questions; null where the model has none. */
  readonly calibration_error: number | null;
}

/** GET /schema/tables. */
export interface TablesResponse {
  readonly database_id: string;
  readonly dialect: string;
  readonly tables: readonly {
    readonly name: string;
    readonly comment: string | null;
    readonly rows: number;
    readonly columns: number;
  }[];
}

/** GET /schema: what the ER diagram is drawn from. */
export interface SchemaResponse {
  readonly database_id: string;
  readonly dialect: string;
  readonly hash: string;
  readonly tables: readonly {
    readonly name: string;
    readonly comment: string | null;
    readonly rows: number;
    readonly columns: readonly {
      readonly name: string;
      readonly type: string;
      readonly nullable: boolean;
      readonly primary_key: boolean;
      readonly comment: string | null;
    }[];
  }[];
  readonly foreign_keys: readonly {
    readonly table: string;
    readonly columns: readonly string[];
    readonly references_table: string;
    readonly references_columns: readonly string[];
  }[];
}

/** GET /examples?limit= : questions that the model can answer, for an empty page. */
export interface ExamplesResponse {
  readonly examples: readonly { readonly query: string; readonly sql: string }[];
}

/** GET /health (both), /health/live, /health/ready (503 until the model is loaded and the database answers). */
export interface HealthResponse {
  readonly status: 'ok' | 'degraded' | 'starting' | 'draining';
  readonly model: 'ready' | 'loading' | 'missing';
  readonly database: 'ready' | 'unreachable';
  /** `stale`: the database has other tables than the server knows, and they could not be taken up. */
  readonly schema: 'current' | 'stale';
  readonly uptime_s: number;
}

/** GET /runs: training runs of the project, newest first; GET /runs/{name}/metrics: their curves, also as a live stream. */
export interface RunsResponse {
  readonly runs: readonly {
    readonly name: string;
    readonly stage: 'sft' | 'grpo';
    readonly step: number;
    readonly steps: number;
    readonly is_live: boolean;
    readonly updated_at: string;
  }[];
}
export interface RunMetricsResponse {
  readonly name: string;
  /** A series a metric: the step and the value, thinned to at most 2,000 points. */
  readonly series: Readonly<Record<string, readonly (readonly [step: number, value: number])[]>>;
  readonly evaluations: readonly {
    readonly step: number;
    readonly set: string;
    readonly metrics: Readonly<Record<string, number>>;
  }[];
}
/** GET /reports: evaluation reports of the project. */
export interface ReportsResponse {
  readonly reports: readonly { readonly name: string; readonly url: string; readonly updated_at: string }[];
}
