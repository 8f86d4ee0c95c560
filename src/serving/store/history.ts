/**
 * What was asked and answered, and what people said of it. Every line belongs to the key that asked, and only that key sees it.
 * It knows rows; it does not know how an answer came about.
 */
import { randomBytes } from 'node:crypto';
import type { PipelineAnswer } from '../../agents/pipeline.ts';
import type { StoreDatabase } from './database.ts';

export interface StoredAnswer {
  readonly id: string;
  readonly at: string;
  readonly databaseId: string;
  readonly question: string;
  readonly sql: string;
  readonly confidence: number;
  readonly latencyMs: number;
  readonly abstained: boolean;
  readonly feedback: StoredFeedback | null;
}

export interface StoredFeedback {
  readonly verdict: 'right' | 'wrong';
  readonly correctedSql: string | null;
  readonly comment: string | null;
}

export interface NewFeedback extends StoredFeedback {
  /** What becomes a training example; null where nothing does. */
  readonly exampleSql: string | null;
}

/** A question with the statement that people accepted for it. */
export interface AcceptedExample {
  readonly answerId: string;
  readonly at: string;
  readonly question: string;
  readonly sql: string;
  readonly isCorrection: boolean;
  readonly comment: string | null;
}

export interface HistoryPage {
  readonly items: readonly StoredAnswer[];
  readonly next: string | null;
}

export interface History {
  /** Returns the id of the answer. */
  add(owner: string, databaseId: string, answer: PipelineAnswer): string;
  page(owner: string, options: { limit: number; before?: string; search?: string }): HistoryPage;
  get(owner: string, id: string): (StoredAnswer & { readonly answer: PipelineAnswer }) | undefined;
  /** Also forgets the feedback. False where there is no such answer. */
  remove(owner: string, id: string): boolean;
  /** A later verdict replaces the earlier one. */
  setFeedback(answerId: string, feedback: NewFeedback): void;
  /** Oldest first. */
  accepted(databaseId: string): readonly AcceptedExample[];
}

interface AnswerRow {
  readonly id: string;
  readonly at: string;
  readonly database_id: string;
  readonly question: string;
  readonly sql: string;
  readonly confidence: number;
  readonly latency_ms: number;
  readonly abstained: number;
  readonly answer: string;
  readonly verdict: 'right' | 'wrong' | null;
  readonly corrected_sql: string | null;
  readonly comment: string | null;
}

const COLUMNS = `a.id, a.at, a.database_id, a.question, a.sql, a.confidence, a.latency_ms, a.abstained,
  f.verdict, f.corrected_sql, f.comment`;
const FROM = 'FROM answers a LEFT JOIN feedback f ON f.answer_id = a.id';

/** Twelve hexadecimal digits of milliseconds, then randomness: sorts by time, also where two servers write. */
const newId = (at: number): string => at.toString(16).padStart(12, '0') + randomBytes(8).toString('hex');

const answerOf = (row: AnswerRow): StoredAnswer => ({
  id: row.id,
  at: row.at,
  databaseId: row.database_id,
  question: row.question,
  sql: row.sql,
  confidence: row.confidence,
  latencyMs: row.latency_ms,
  abstained: row.abstained === 1,
  feedback:
    row.verdict === null
      ? null
      : { verdict: row.verdict, correctedSql: row.corrected_sql, comment: row.comment },
});

/** `%` and `_` of the searcher mean themselves. */
const likePattern = (text: string): string => `%${text.replace(/[\\%_]/g, '\\$&')}%`;

export function createHistory(database: StoreDatabase, answersMax: number): History {
  const insert = database.prepare('INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const prune = database.prepare(
    'DELETE FROM answers WHERE id <= (SELECT id FROM answers ORDER BY id DESC LIMIT 1 OFFSET ?)',
  );
  const select = database.prepare(
    `SELECT ${COLUMNS} ${FROM} WHERE a.owner = ? AND a.id < ?
       AND (? = '%%' OR a.question LIKE ? ESCAPE '\\' OR a.sql LIKE ? ESCAPE '\\')
     ORDER BY a.id DESC LIMIT ?`,
  );
  const one = database.prepare(`SELECT ${COLUMNS}, a.answer ${FROM} WHERE a.owner = ? AND a.id = ?`);
  const remove = database.prepare('DELETE FROM answers WHERE owner = ? AND id = ?');
  const upsert = database.prepare(
    `INSERT INTO feedback (answer_id, at, verdict, corrected_sql, comment, example_sql) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (answer_id) DO UPDATE SET at = excluded.at, verdict = excluded.verdict,
       corrected_sql = excluded.corrected_sql, comment = excluded.comment, example_sql = excluded.example_sql`,
  );
  const accepted = database.prepare(
    `SELECT a.id AS answerId, f.at, a.question, f.example_sql AS sql, f.corrected_sql IS NOT NULL AS isCorrection, f.comment
     FROM feedback f JOIN answers a ON a.id = f.answer_id
     WHERE f.example_sql IS NOT NULL AND a.database_id = ? ORDER BY f.at, a.id`,
  );
  let added = 0;
  return {
    add: (owner, databaseId, answer) => {
      const now = Date.now();
      const id = newId(now);
      insert.run(
        id,
        new Date(now).toISOString(),
        owner,
        databaseId,
        answer.question,
        answer.sql,
        answer.confidence,
        answer.latencyMs,
        answer.abstained ? 1 : 0,
        JSON.stringify(answer),
      );
      if (added++ % PRUNE_EVERY === 0) prune.run(answersMax);
      return id;
    },
    page: (owner, { limit, before, search = '' }) => {
      const pattern = likePattern(search);
      // Beyond every id: a first page has no `before`.
      const rows = select.all(
        owner,
        before ?? 'g',
        pattern,
        pattern,
        pattern,
        limit + 1,
      ) as unknown as AnswerRow[];
      const items = rows.slice(0, limit).map(answerOf);
      return { items, next: rows.length > limit ? items.at(-1)!.id : null };
    },
    get: (owner, id) => {
      const row = one.get(owner, id) as AnswerRow | undefined;
      return row === undefined
        ? undefined
        : { ...answerOf(row), answer: JSON.parse(row.answer) as PipelineAnswer };
    },
    remove: (owner, id) => remove.run(owner, id).changes > 0,
    setFeedback: (answerId, { verdict, correctedSql, comment, exampleSql }) => {
      upsert.run(answerId, new Date().toISOString(), verdict, correctedSql, comment, exampleSql);
    },
    accepted: (databaseId) =>
      (accepted.all(databaseId) as (Omit<AcceptedExample, 'isCorrection'> & { isCorrection: number })[]).map(
        (row) => ({ ...row, isCorrection: row.isCorrection === 1 }),
      ),
  };
}

const PRUNE_EVERY = 500;
