/** Where the question is written, with its options and examples. Enter asks, Shift+Enter starts a line. */
import { type KeyboardEvent, type RefObject, useLayoutEffect } from 'react';
import type { AskOptions } from '../api/client.ts';

export const questionLengthMax = 4_000;

export interface AskBoxProps {
  readonly field: RefObject<HTMLTextAreaElement | null>;
  readonly value: string;
  readonly isRunning: boolean;
  readonly options: AskOptions;
  onChange(value: string): void;
  onOptions(options: AskOptions): void;
  onAsk(): void;
  onStop(): void;
}

export function AskBox({
  field,
  value,
  isRunning,
  options,
  onChange,
  onOptions,
  onAsk,
  onStop,
}: AskBoxProps) {
  // As high as its text, up to what the style sheet allows.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text decides the height
  useLayoutEffect(() => {
    const element = field.current;
    if (element === null) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight + 2}px`;
  }, [value, field]);

  const onKey = (event: KeyboardEvent): void => {
    // While a word is composed (Chinese, Japanese, …) Enter belongs to the input method.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    onAsk();
  };

  return (
    <form
      className="ask-box"
      onSubmit={(event) => {
        event.preventDefault();
        onAsk();
      }}
    >
      <label className="visually-hidden" htmlFor="question">
        Your question
      </label>
      <textarea
        id="question"
        ref={field}
        rows={1}
        value={value}
        maxLength={questionLengthMax}
        placeholder="Ask your database …"
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={onKey}
      />
      {isRunning ? (
        <button type="button" className="primary" onClick={onStop}>
          Stop
        </button>
      ) : (
        <button type="submit" className="primary" disabled={value.trim() === ''}>
          Ask
        </button>
      )}
      <Options options={options} onOptions={onOptions} />
    </form>
  );
}

const thresholds = [0, 0.3, 0.5, 0.7, 0.9];
const candidateCounts = [0, 8, 16, 32];

function Options({ options, onOptions }: Pick<AskBoxProps, 'options' | 'onOptions'>) {
  const { confidenceMin = 0, candidates = 16, cache = true } = options;
  return (
    <details className="options">
      <summary>Options</summary>
      <div className="options-body">
        <label>
          Hold back answers below
          <select
            value={confidenceMin}
            onChange={(event) => onOptions({ ...options, confidenceMin: Number(event.target.value) })}
          >
            {thresholds.map((share) => (
              <option key={share} value={share}>
                {share === 0 ? 'never' : `${share * 100}%`}
              </option>
            ))}
          </select>
        </label>
        <label>
          Other candidates, where in doubt
          <select
            value={candidates}
            onChange={(event) => onOptions({ ...options, candidates: Number(event.target.value) })}
          >
            {candidateCounts.map((count) => (
              <option key={count} value={count}>
                {count === 0 ? 'none' : count}
              </option>
            ))}
          </select>
        </label>
        <label className="check">
          <input
            type="checkbox"
            checked={cache}
            onChange={(event) => onOptions({ ...options, cache: event.target.checked })}
          />
          Take answers given before
        </label>
      </div>
    </details>
  );
}
