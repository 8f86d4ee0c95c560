/** Something that failed: what happened, and what to do next in the server's words. */
import type { ApiFailure } from '../api/failure.ts';

export function FailureBox({ failure, onRetry }: { failure: ApiFailure; onRetry?: () => void }) {
  return (
    <div className="notice bad" role="alert">
      <p className="notice-title">{sentence(failure.message)}</p>
      {failure.next !== undefined && (
        <p>
          <span className="next">Next:</span> {failure.next}
        </p>
      )}
      <p className="notice-foot">
        <code>{failure.code}</code>
        {onRetry !== undefined && (
          <button type="button" className="plain" onClick={onRetry}>
            Try again
          </button>
        )}
      </p>
    </div>
  );
}

export function sentence(text: string): string {
  const trimmed = text.trim();
  const ended = /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}
