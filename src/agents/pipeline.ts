/**
 * The nouns of the agent pipeline: what is asked, what happens on the way, what is answered. Everything here survives
 * JSON, so that a server can stream it as it is. It knows no step from the inside; `create-pipeline.ts` puts them together.
 */
import { z } from 'zod';

/** In the order in which they run; a list that can be read aloud. */
export const pipelineSteps = [
  /** Relevant tables and columns, join paths, schema text. */
  'analyze',
  /** The greedy candidate, and others at several temperatures. */
  'generate',
  /** One read-only statement over real names, plausible types, business rules, dry run, cost. */
  'validate',
  /** Candidates run and compared without gold; the best is picked. */
  'evaluate',
  /** Errors and empty results are shown to the generator, which tries again. */
  'refine',
  /** How often such answers are right; below the threshold a question back or none. */
  'confidence',
  /** The rows. */
  'execute',
  /** Words, tables, plan and advice. */
  'explain',
] as const;
export type PipelineStep = (typeof pipelineSteps)[number];

const switches = z
  .strictObject({
    analyze: z.boolean(),
    validate: z.boolean(),
    evaluate: z.boolean(),
    refine: z.boolean(),
    confidence: z.boolean(),
    execute: z.boolean(),
    explain: z.boolean(),
  })
  .partial();

/** What a caller may choose for one question; everything has a default. */
export const pipelineOptionsSchema = z.strictObject({
  /** Candidates beside the greedy one; 0 = greedy alone. */
  candidates: z.int().min(0).max(64).default(16),
  /** Of the candidates, which are shared out evenly among them; colder than 0.05 is greedy in all but name, and overflows. */
  temperatures: z.array(z.number().min(0.05).max(2)).min(1).max(8).default([1]),
  /** Draw candidates only where something speaks against the greedy statement: as good, and twice as fast. */
  onlyWhenDoubtful: z.boolean().default(true),
  /** Turns of refinement at most. */
  refineTurns: z.int().min(0).max(5).default(2),
  /** Examples in the prompt, for formats that show some. */
  examples: z.int().min(0).max(16).default(4),
  /** Answers less sure than this are held back: a question back, or none. */
  confidenceMin: z.number().min(0).max(1).default(0),
  /** Tables kept by the schema analyzer at most. */
  tablesMax: z.int().min(1).max(200).default(10),
  /** Tokens of schema text in the prompt at most, for formats that show the schema. */
  schemaTokensMax: z.int().min(100).max(100_000).default(3_000),
  /** Rows in the answer at most. */
  rowsMax: z.int().min(1).max(10_000).default(100),
  /** EXPLAIN QUERY PLAN as a tree. */
  plan: z.boolean().default(true),
  /** Index and rewrite advice, measured on a copy of the database: takes as long as running the query a few times. */
  advice: z.boolean().default(false),
  /** Take an answer that was given before to the same question. */
  cache: z.boolean().default(true),
  /** A statement that was not right, and what is wrong with it in the words of a person or of the database. */
  correction: z
    .strictObject({ sql: z.string().max(100_000), message: z.string().min(1).max(10_000) })
    .optional(),
  /** Steps that can be left out; all run by default. */
  steps: switches.default({}),
});
export type PipelineOptions = z.output<typeof pipelineOptionsSchema>;

export interface PipelineRequest {
  readonly question: string;
  readonly options?: z.input<typeof pipelineOptionsSchema>;
}

/** A cell that JSON can hold: integers beyond 2^53 as their digits, bytes in base64. */
export type Cell = null | number | string;

export interface PipelineRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** There are more rows than are here. */
  readonly truncated: boolean;
  readonly elapsedMs: number;
}

export interface PipelineWarning {
  /** For example `rule/fiscal-year`, `cost/full-scan`, `schema/type`. */
  readonly code: string;
  readonly message: string;
  readonly severity: 'info' | 'warning' | 'error';
}

export interface PipelineCandidate {
  readonly sql: string;
  /** Probability of the whole statement, where the model gives one. */
  readonly probability?: number;
  /** 0 = greedy. */
  readonly temperature: number;
  /** Passed the validator. */
  readonly isValid: boolean;
  readonly outcome: 'rows' | 'sql-error' | 'timeout' | 'refused' | 'out-of-memory' | 'not-run';
  readonly rowCount?: number;
  /** Share of the candidates' weight that returned the same rows, in [0, 1]. */
  readonly agreement?: number;
  /** Of the reward evaluator: higher is better. */
  readonly score?: number;
  /** What speaks for and against it, for a person. */
  readonly feedback: readonly string[];
  readonly isChosen: boolean;
}

/** One operation of EXPLAIN QUERY PLAN. */
export interface PlanNode {
  readonly label: string;
  readonly operation: 'scan' | 'search' | 'sort' | 'subquery' | 'compound' | 'other';
  readonly table?: string;
  readonly index?: string;
  readonly children: readonly PlanNode[];
}

export interface Advice {
  readonly kind: 'index' | 'rewrite';
  readonly message: string;
  /** CREATE INDEX, or the rewritten query; never run on the database itself. */
  readonly sql: string;
  /** Medians, measured on a copy of the database; absent where nothing was measured. */
  readonly measured?: { readonly beforeMs: number; readonly afterMs: number };
}

export interface Clarification {
  readonly question: string;
  /** Words that could not be placed, and values found in several columns. */
  readonly ambiguous: readonly AmbiguousWords[];
}

export interface AmbiguousWords {
  readonly words: string;
  readonly reason: 'unknown-word' | 'several-columns';
  /** What they may mean, as `Table.Column`; empty for a word that nothing knows. */
  readonly meanings: readonly string[];
}

export interface StepReport {
  readonly step: PipelineStep;
  readonly elapsedMs: number;
  /** A few figures of the step, for display. */
  readonly payload: Readonly<Record<string, Payload>>;
}
export type Payload = null | boolean | number | string | readonly string[] | readonly number[];

export interface PipelineAnswer {
  readonly question: string;
  /** Empty where the model found none. */
  readonly sql: string;
  readonly reasoning?: string;
  /** Calibrated where the model has a calibration, in [0, 1]. */
  readonly confidence: number;
  /** Why it is as high or low as it is, for a person. */
  readonly confidenceReason: string;
  /** The answer was held back: `sql` is what would have been answered, and has not been run for rows. */
  readonly abstained: boolean;
  readonly clarification?: Clarification;
  /** Used by the statement. */
  readonly tables: readonly string[];
  /** As `Table.Column`. */
  readonly columns: readonly string[];
  /** Plain words, made from the syntax tree. */
  readonly explanation: string;
  /** Absent where nothing was run, or where it failed (see `failure`). */
  readonly result?: PipelineRows;
  /** Why there are no rows, for a person. */
  readonly failure?: string;
  readonly plan?: readonly PlanNode[];
  readonly advice?: readonly Advice[];
  readonly warnings: readonly PipelineWarning[];
  /** Best first. */
  readonly candidates: readonly PipelineCandidate[];
  readonly isFromCache: boolean;
  readonly latencyMs: number;
  readonly steps: readonly StepReport[];
}

/** Noun-verb, as everywhere. Between `step-start` and `step-end` of a step come its own events. */
export type PipelineEvent =
  | { readonly type: 'step-start'; readonly step: PipelineStep }
  | ({ readonly type: 'step-end' } & StepReport)
  /** A piece of the statement as it is written; `turn` 0 is the first, later ones are refinements and start anew. */
  | { readonly type: 'token'; readonly text: string; readonly turn: number }
  | { readonly type: 'candidate'; readonly candidate: PipelineCandidate }
  | ({ readonly type: 'rows' } & PipelineRows)
  | { readonly type: 'answer'; readonly answer: PipelineAnswer };
export type ObservePipeline = (event: PipelineEvent) => void;

export interface AskOptions {
  /** Aborting rejects with `agents/aborted` before the next token, or as soon as the running part of a step ends. */
  readonly signal?: AbortSignal;
  readonly observe?: ObservePipeline;
}

export interface Pipeline {
  /** Of the model, for example the directory that it was loaded from. */
  readonly name: string;
  /**
   * Rejects only where nothing can be answered: `agents/empty-question`, `agents/question-too-long`, `agents/bad-options`,
   * `agents/aborted`, `agents/closed`, or the database cannot be opened. A statement that fails is in the answer.
   */
  ask(request: PipelineRequest, options?: AskOptions): Promise<PipelineAnswer>;
  close(): Promise<void>;
}
