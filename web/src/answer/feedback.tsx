/** A verdict on an answer, and a correction that the next model can learn from. */
import { useId, useState } from 'react';
import { sendFeedback } from '../api/client.ts';
import { type ApiFailure, asFailure } from '../api/failure.ts';
import { FailureBox } from '../shell/failure-box.tsx';

export interface FeedbackProps {
  readonly id: string;
  /** In the editor now. */
  readonly sql: string;
  readonly original: string;
  readonly verdict: 'right' | 'wrong' | undefined;
  onJudged(verdict: 'right' | 'wrong'): void;
  /** Asks again with what is wrong in words. */
  onTryAgain(message: string): void;
}

export function Feedback({ id, sql, original, verdict, onJudged, onTryAgain }: FeedbackProps) {
  const [isCorrecting, setCorrecting] = useState(false);
  const [comment, setComment] = useState('');
  const [said, say] = useState<string>();
  const [failure, setFailure] = useState<ApiFailure>();
  const commentId = useId();
  const isEdited = sql.trim() !== '' && sql.trim() !== original.trim();

  const send = async (next: 'right' | 'wrong'): Promise<void> => {
    setFailure(undefined);
    try {
      const { becomes_example } = await sendFeedback({
        id,
        verdict: next,
        ...(next === 'wrong' && isEdited ? { corrected_sql: sql.trim() } : {}),
        ...(next === 'wrong' && comment.trim() !== '' ? { comment: comment.trim() } : {}),
      });
      onJudged(next);
      setCorrecting(false);
      say(becomes_example ? 'Thank you. The next training will learn from it.' : 'Thank you, kept.');
    } catch (thrown) {
      setFailure(asFailure(thrown));
    }
  };

  return (
    <section className="side-part" aria-label="Feedback">
      <h2>Is it right?</h2>
      <p className="verdicts">
        <button
          type="button"
          className="plain"
          aria-pressed={verdict === 'right'}
          data-shortcut="right"
          onClick={() => void send('right')}
        >
          <Thumb /> Right
        </button>
        <button
          type="button"
          className="plain"
          aria-pressed={verdict === 'wrong'}
          aria-expanded={isCorrecting}
          data-shortcut="wrong"
          onClick={() => setCorrecting(!isCorrecting)}
        >
          <Thumb isDown /> Wrong
        </button>
      </p>
      {isCorrecting && (
        <form
          className="correction"
          onSubmit={(event) => {
            event.preventDefault();
            void send('wrong');
          }}
        >
          <p className="reason">
            {isEdited
              ? 'The statement in the editor is sent as the right one.'
              : 'If you know the right statement, put it into the editor first.'}
          </p>
          <label htmlFor={commentId}>What is wrong</label>
          <textarea
            id={commentId}
            rows={2}
            value={comment}
            maxLength={4_000}
            onChange={(event) => setComment(event.target.value)}
          />
          <p className="verdicts">
            <button type="submit" className="primary">
              {isEdited ? 'Send correction' : 'Send'}
            </button>
            <button
              type="button"
              className="plain"
              disabled={comment.trim() === ''}
              onClick={() => onTryAgain(comment.trim())}
            >
              Try again with this
            </button>
          </p>
        </form>
      )}
      <p className="reason" role="status">
        {said}
      </p>
      {failure !== undefined && <FailureBox failure={failure} />}
    </section>
  );
}

function Thumb({ isDown = false }: { isDown?: boolean }) {
  return (
    <svg
      className={isDown ? 'thumb down' : 'thumb'}
      viewBox="0 0 20 20"
      width="16"
      height="16"
      aria-hidden="true"
    >
      <path d="M2.5 9h3v8h-3zM5.5 9.5 9 2.5c1.4 0 2 .9 2 2V8h4.6c1 0 1.7.9 1.5 1.9l-1.1 5.6c-.2.9-.9 1.5-1.8 1.5H5.5" />
    </svg>
  );
}
