/** The two dialogs: the list of keys, and the API key where the server asks for one. */
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { keepKey } from '../api/key.ts';
import { shortcuts } from './shortcuts.ts';

function Dialog({ label, onClose, children }: { label: string; onClose(): void; children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  // The browser's own dialog: it keeps the focus inside and gives it back.
  useEffect(() => ref.current?.showModal(), []);
  return (
    <dialog ref={ref} aria-label={label} onClose={onClose}>
      {children}
    </dialog>
  );
}

export function ShortcutsDialog({ onClose }: { onClose(): void }) {
  return (
    <Dialog label="Keyboard shortcuts" onClose={onClose}>
      <form method="dialog">
        <h2>Keyboard</h2>
        <dl className="shortcuts">
          {shortcuts.map(([keys, meaning]) => (
            <div key={keys}>
              <dt>
                <kbd>{keys}</kbd>
              </dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
        <button type="submit" className="plain">
          Close
        </button>
      </form>
    </Dialog>
  );
}

export interface KeyDialogProps {
  readonly wasRefused: boolean;
  onDone(key: string | undefined): void;
}

export function KeyDialog({ wasRefused, onDone }: KeyDialogProps) {
  const [key, setKey] = useState('');
  const [isRemembered, setRemembered] = useState(false);
  return (
    <Dialog label="API key" onClose={() => onDone(undefined)}>
      <form
        className="key-form"
        onSubmit={(event) => {
          event.preventDefault();
          keepKey(key.trim(), isRemembered);
          onDone(key.trim());
        }}
      >
        <h2>API key</h2>
        <p>
          {wasRefused ? 'The server did not take this key.' : 'This server answers only with a key.'} Whoever
          runs it makes one with <code>querent keys create</code>.
        </p>
        <label>
          Key
          <input
            type="password"
            autoComplete="off"
            required
            value={key}
            onChange={(event) => setKey(event.target.value)}
          />
        </label>
        <label className="check">
          <input
            type="checkbox"
            checked={isRemembered}
            onChange={(event) => setRemembered(event.target.checked)}
          />
          Remember it in this browser
        </label>
        <p className="verdicts">
          <button type="submit" className="primary" disabled={key.trim() === ''}>
            Use this key
          </button>
          <button type="button" className="plain" onClick={() => onDone(undefined)}>
            Not now
          </button>
        </p>
      </form>
    </Dialog>
  );
}
