/** Copies a text and says so for a moment. */
import { useEffect, useState } from 'react';

export function CopyButton({ text, label }: { text: string | (() => string); label: string }) {
  const [said, say] = useState<string>();
  useEffect(() => {
    if (said === undefined) return;
    const timer = setTimeout(() => say(undefined), 1_600);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(typeof text === 'string' ? text : text());
      say('Copied');
    } catch {
      // Clipboards are only for secure pages and may be refused.
      say('The browser does not allow it');
    }
  };
  return (
    <button type="button" className="quiet" onClick={() => void copy()}>
      <span aria-live="polite">{said ?? label}</span>
    </button>
  );
}
