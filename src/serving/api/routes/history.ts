/** /feedback and /history: what was answered, and what people say of it. */
import { z } from '@hono/zod-openapi';
import { QuerentError } from '../../../foundation/errors.ts';
import { inventedIdentifiers } from '../../../schema/identifiers.ts';
import type { StoredAnswer } from '../../store/history.ts';
import { feedbackResponseSchema, historyEntrySchema, historyResponseSchema } from '../answers.ts';
import { readJson } from '../body.ts';
import {
  type FeedbackResponse,
  feedbackRequestSchema,
  type HistoryEntry,
  type HistoryItem,
  type HistoryResponse,
  historyQuerySchema,
} from '../contract.ts';
import type { ApiParts } from '../parts.ts';
import { notFound, parseInput, statementFailure } from '../problems.ts';
import type { ApiRoute } from '../route.ts';
import { ownerOf } from './questions.ts';

const idParams = z.object({ id: z.string().min(1).max(100) });

function itemOf(stored: StoredAnswer): HistoryItem {
  const { id, at, question, sql, confidence, latencyMs, abstained, feedback } = stored;
  return {
    id,
    at,
    query: question,
    sql,
    confidence_score: confidence,
    latency_ms: latencyMs,
    abstained,
    feedback:
      feedback === null
        ? null
        : { verdict: feedback.verdict, corrected_sql: feedback.correctedSql, comment: feedback.comment },
  };
}

const noAnswer = () => notFound('there is no answer with this id');

/** What an answer teaches: itself, or a correction that reads, runs and uses names that exist. Throws where it does not. */
async function exampleOf(
  { execute, database }: ApiParts,
  verdict: 'right' | 'wrong',
  answered: string,
  corrected: string | undefined,
): Promise<string | null> {
  if (corrected === undefined) return verdict === 'right' && answered !== '' ? answered : null;
  const execution = await execute(corrected, { maxRows: 1 });
  if (execution.outcome !== 'rows') throw statementFailure(execution);
  await database.refresh();
  const [invented] = inventedIdentifiers(corrected, database.known.schema);
  if (invented === undefined) return corrected;
  throw new QuerentError('sql/no-such-column', `there is no ${invented.slice(0, 100)} in the database`, {
    next: 'Correct the statement; GET /schema lists tables and columns.',
  });
}

export function historyRoutes(parts: ApiParts): readonly ApiRoute[] {
  const { history } = parts.store;
  return [
    {
      method: 'post',
      path: '/feedback',
      tag: 'History',
      summary: 'Say whether an answer was right, and what would have been',
      description:
        'A correction must run. Accepted statements answer the same question from then on, and ' +
        '`querent data import --feedback` makes training examples of them.',
      body: { schema: feedbackRequestSchema },
      answer: { description: 'Noted', schema: feedbackResponseSchema },
      errors: [404],
      handle: async (c) => {
        const body = await readJson(c, parts.limits.bodyBytesMax);
        const { id, verdict, corrected_sql, comment } = parseInput(feedbackRequestSchema, body, 'the body');
        const stored = history.get(ownerOf(c), id);
        if (stored === undefined) throw noAnswer();
        const exampleSql = await exampleOf(parts, verdict, stored.sql, corrected_sql);
        history.setFeedback(id, {
          verdict,
          correctedSql: corrected_sql ?? null,
          comment: comment === undefined || comment === '' ? null : comment,
          exampleSql,
        });
        if (exampleSql !== null && parts.model.state === 'ready')
          parts.model.take().memory.add({ question: stored.question, sql: exampleSql, isAccepted: true });
        return c.json({ id, verdict, becomes_example: exampleSql !== null } satisfies FeedbackResponse);
      },
    },
    {
      method: 'get',
      path: '/history',
      tag: 'History',
      summary: 'What this key asked, newest first',
      query: historyQuerySchema,
      answer: { description: 'A page', schema: historyResponseSchema },
      handle: (c) => {
        const { limit, before, search } = parseInput(historyQuerySchema, c.req.query(), 'the query');
        const page = history.page(ownerOf(c), {
          limit,
          ...(before === undefined ? {} : { before }),
          ...(search === undefined ? {} : { search }),
        });
        return c.json({ items: page.items.map(itemOf), next: page.next } satisfies HistoryResponse);
      },
    },
    {
      method: 'get',
      path: '/history/{id}',
      tag: 'History',
      summary: 'One answer as it was given',
      params: idParams,
      answer: { description: 'The answer', schema: historyEntrySchema },
      errors: [404],
      handle: (c) => {
        const stored = history.get(ownerOf(c), c.req.param('id') ?? '');
        if (stored === undefined) throw noAnswer();
        return c.json({ ...itemOf(stored), answer: stored.answer } satisfies HistoryEntry);
      },
    },
    {
      method: 'delete',
      path: '/history/{id}',
      tag: 'History',
      summary: 'Forget an answer and its feedback',
      params: idParams,
      answer: { description: 'Forgotten', status: 204 },
      errors: [404],
      handle: (c) => {
        if (!history.remove(ownerOf(c), c.req.param('id') ?? '')) throw noAnswer();
        return c.body(null, 204);
      },
    },
  ];
}
