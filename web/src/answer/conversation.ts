/** One question from asking to answer, as a state and what each event makes of it. Pure: it fetches and shows nothing. */
import type {
  PipelineAnswer,
  PipelineCandidate,
  PipelineRows,
  PipelineStep,
  StepReport,
} from '../../../src/agents/pipeline.ts';
import type { HistoryEntry, StreamEvent } from '../../../src/serving/api/contract.ts';
import type { ApiFailure } from '../api/failure.ts';

export interface StepState {
  readonly step: PipelineStep;
  readonly report?: StepReport;
}

export interface Conversation {
  readonly phase: 'empty' | 'running' | 'answered' | 'failed' | 'stopped' | 'recalled';
  readonly question: string;
  readonly steps: readonly StepState[];
  /** As it is written, then as it was answered. */
  readonly sql: string;
  readonly turn: number;
  readonly candidates: readonly PipelineCandidate[];
  readonly rows?: PipelineRows;
  /** For feedback. */
  readonly id?: string;
  readonly answer?: PipelineAnswer;
  readonly reasoning?: string;
  readonly failure?: ApiFailure;
  readonly verdict?: 'right' | 'wrong';
  /** Of an answer that was opened again: when it was given, ISO 8601. */
  readonly answeredAt?: string;
}

export const emptyConversation: Conversation = {
  phase: 'empty',
  question: '',
  steps: [],
  sql: '',
  turn: 0,
  candidates: [],
};

export type ConversationEvent =
  | StreamEvent
  | { readonly type: 'asked'; readonly question: string }
  | { readonly type: 'stopped' }
  | { readonly type: 'failed'; readonly failure: ApiFailure }
  | { readonly type: 'recalled'; readonly entry: HistoryEntry }
  | { readonly type: 'judged'; readonly verdict: 'right' | 'wrong' };

function withStep(steps: readonly StepState[], next: StepState): StepState[] {
  // Refinement may run a step again: its last report counts.
  const found = steps.findIndex(({ step }) => step === next.step);
  return found < 0 ? [...steps, next] : steps.map((state, at) => (at === found ? next : state));
}

function partsOf(answer: PipelineAnswer): Pick<Conversation, 'answer' | 'candidates' | 'rows' | 'steps'> {
  return {
    answer,
    candidates: answer.candidates,
    ...(answer.result === undefined ? {} : { rows: answer.result }),
    steps: answer.steps.map((report) => ({ step: report.step, report })),
  };
}

export function advance(state: Conversation, event: ConversationEvent): Conversation {
  switch (event.type) {
    case 'asked':
      return { ...emptyConversation, phase: 'running', question: event.question };
    case 'step-start':
      return { ...state, steps: withStep(state.steps, { step: event.step }) };
    case 'step-end': {
      const { step, elapsedMs, payload } = event;
      return { ...state, steps: withStep(state.steps, { step, report: { step, elapsedMs, payload } }) };
    }
    case 'token':
      return { ...state, turn: event.turn, sql: (event.turn === state.turn ? state.sql : '') + event.text };
    case 'candidate':
      return { ...state, candidates: [...state.candidates, event.candidate] };
    case 'rows': {
      const { type: _, ...rows } = event;
      return { ...state, rows };
    }
    case 'response': {
      const { id, sql, reasoning, answer } = event.response;
      return {
        ...state,
        phase: 'answered',
        id,
        sql,
        ...(reasoning === null ? {} : { reasoning }),
        ...partsOf(answer),
      };
    }
    case 'error':
      // Turned into a failure by whoever reads the stream.
      return state;
    case 'failed':
      return { ...state, phase: 'failed', failure: event.failure };
    case 'stopped':
      return { ...state, phase: 'stopped' };
    case 'recalled': {
      const { id, at, query, sql, feedback, answer } = event.entry;
      const corrected = feedback?.corrected_sql ?? undefined;
      return {
        ...emptyConversation,
        ...{ phase: 'recalled', id, question: query, sql: corrected ?? sql },
        // What was said of the answer does not hold for what corrects it.
        ...(corrected === undefined ? { ...partsOf(answer), answeredAt: at } : {}),
        ...(feedback === null ? {} : { verdict: feedback.verdict }),
      };
    }
    case 'judged':
      return { ...state, verdict: event.verdict };
    default:
      event satisfies never;
      return state;
  }
}
