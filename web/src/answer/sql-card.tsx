/** The statement: streamed, edited, run again, copied, set back. */
import { CopyButton } from '../shell/copy-button.tsx';
import { type NamesOfSchema, SqlEditor } from './sql-editor.tsx';

export interface SqlCardProps {
  readonly sql: string;
  readonly original: string;
  readonly names: NamesOfSchema;
  readonly isWriting: boolean;
  readonly isRunning: boolean;
  readonly turn: number;
  readonly hasRun: boolean;
  onChange(sql: string): void;
  onRun(): void;
}

export function SqlCard({
  sql,
  original,
  names,
  isWriting,
  isRunning,
  turn,
  hasRun,
  onChange,
  onRun,
}: SqlCardProps) {
  const isEdited = !isWriting && sql !== original;
  return (
    <section className="card sql-card" aria-label="SQL">
      <header className="card-head">
        <h2>SQL</h2>
        {isWriting && (
          <span className="hint writing">{turn === 0 ? 'writing …' : `trying again, ${turn} …`}</span>
        )}
        {isEdited && <span className="hint">edited</span>}
        <span className="spacer" />
        {isEdited && original !== '' && (
          <button type="button" className="quiet" onClick={() => onChange(original)}>
            Undo edits
          </button>
        )}
        <CopyButton text={sql} label="Copy SQL" />
        <button
          type="button"
          className={isEdited ? 'primary' : 'plain'}
          disabled={isWriting || isRunning || sql.trim() === ''}
          onClick={onRun}
          title="Ctrl+Enter in the editor"
        >
          {isRunning ? 'Running …' : isEdited || !hasRun ? 'Run' : 'Run again'}
        </button>
      </header>
      <SqlEditor value={sql} isReadOnly={isWriting} names={names} onChange={onChange} onRun={onRun} />
    </section>
  );
}
