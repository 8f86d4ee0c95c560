/** How sure the answer is and why; what to do about an answer that was held back. */
import type { AmbiguousWords, PipelineAnswer, PipelineWarning } from '../../../src/agents/pipeline.ts';
import { sentence } from '../shell/failure-box.tsx';

export function confidenceWord(confidence: number): 'high' | 'middling' | 'low' {
  return confidence >= 0.8 ? 'high' : confidence >= 0.5 ? 'middling' : 'low';
}

/** Never 100%: nobody is that sure. */
export const percentText = (share: number): string => `${Math.min(99, Math.round(share * 100))}%`;

export function Confidence({ answer }: { answer: PipelineAnswer }) {
  const level = confidenceWord(answer.confidence);
  return (
    <section className="side-part" aria-label="Confidence">
      <h2>Confidence</h2>
      <p className="confidence" data-level={level}>
        <span className="confidence-figure">{percentText(answer.confidence)}</span>
        <meter min={0} max={1} value={answer.confidence} aria-label="Confidence" />
      </p>
      <p className="reason">{sentence(answer.confidenceReason)}</p>
    </section>
  );
}

interface HeldBackProps {
  readonly answer: PipelineAnswer;
  onMeaning(words: string, meaning: string): void;
  onRun(): void;
}

/** `City` of `Companies.City`, in words. */
function columnWords(meaning: string): string {
  const column = meaning.split('.').at(-1)!;
  return column
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase();
}

/** The question with its unclear words told apart: “Berlin” becomes “city Berlin”. */
export function clarified(question: string, words: string, meaning: string): string {
  const at = question.toLowerCase().indexOf(words.toLowerCase());
  const name = columnWords(meaning);
  if (at < 0) return `${question.trim()} (${name} ${words})`;
  return `${question.slice(0, at)}${name} ${question.slice(at)}`;
}

export function HeldBack({ answer, onMeaning, onRun }: HeldBackProps) {
  const { clarification, sql, confidence } = answer;
  return (
    <section className="notice ask-back" aria-label="Held back">
      <p className="notice-title">
        {clarification === undefined
          ? 'No answer: this one is too unsure.'
          : sentence(clarification.question)}
      </p>
      {clarification?.ambiguous.map((part) => (
        <Meanings key={part.words} part={part} onMeaning={onMeaning} />
      ))}
      <p>
        {sql === ''
          ? 'No statement was found. Ask with other words, or name a table or column.'
          : `The statement above was not run: it would be right about ${percentText(confidence)} of the time.`}
      </p>
      {sql !== '' && (
        <p className="notice-foot">
          <button type="button" className="plain" onClick={onRun}>
            Run it anyway
          </button>
        </p>
      )}
    </section>
  );
}

function Meanings({ part, onMeaning }: { part: AmbiguousWords; onMeaning: HeldBackProps['onMeaning'] }) {
  if (part.meanings.length === 0) return null;
  return (
    <ul className="chips" aria-label={`Meanings of ${part.words}`}>
      {part.meanings.map((meaning) => (
        <li key={meaning}>
          <button type="button" className="chip" onClick={() => onMeaning(part.words, meaning)}>
            {meaning}
          </button>
        </li>
      ))}
    </ul>
  );
}

export function Warnings({ warnings }: { warnings: readonly PipelineWarning[] }) {
  if (warnings.length === 0) return null;
  return (
    <section className="side-part" aria-label="Warnings">
      <h2>Worth knowing</h2>
      <ul className="warnings">
        {warnings.map(({ code, message, severity }) => (
          <li key={`${code} ${message}`} data-severity={severity}>
            {sentence(message)} <code>{code}</code>
          </li>
        ))}
      </ul>
    </section>
  );
}
