/** The statements that were considered, best first: what each returned, and what speaks for and against it. */
import type { PipelineCandidate } from '../../../src/agents/pipeline.ts';
import { percentText } from './confidence.tsx';

function outcomeText({ outcome, rowCount }: PipelineCandidate): string {
  if (outcome === 'rows')
    return rowCount === undefined ? 'ran' : `${rowCount} ${rowCount === 1 ? 'row' : 'rows'}`;
  return {
    'sql-error': 'error',
    timeout: 'timeout',
    refused: 'refused',
    'out-of-memory': 'too large',
    'not-run': 'not run',
  }[outcome];
}

function figuresOf(candidate: PipelineCandidate): string[] {
  const { probability, agreement, temperature, score } = candidate;
  return [
    outcomeText(candidate),
    ...(agreement === undefined ? [] : [`${percentText(agreement)} agree`]),
    ...(probability === undefined
      ? []
      : [`probability ${probability < 0.01 ? '< 1%' : percentText(probability)}`]),
    ...(score === undefined ? [] : [`score ${score.toFixed(2)}`]),
    temperature === 0 ? 'greedy' : `temperature ${temperature}`,
  ];
}

export function Candidates({
  candidates,
  onTake,
}: {
  candidates: readonly PipelineCandidate[];
  onTake(sql: string): void;
}) {
  if (candidates.length === 0) return <p className="dim pad">No candidates were kept.</p>;
  return (
    <ol className="candidates">
      {candidates.map((candidate) => (
        <li key={candidate.sql} data-chosen={candidate.isChosen}>
          <p className="candidate-head">
            {candidate.isChosen && <strong>chosen</strong>}
            {!candidate.isValid && <strong className="bad-text">not valid</strong>}
            {figuresOf(candidate).map((text) => (
              <span key={text}>{text}</span>
            ))}
          </p>
          <pre>{candidate.sql}</pre>
          {candidate.feedback.length > 0 && <p className="reason">{candidate.feedback.join('; ')}</p>}
          {!candidate.isChosen && (
            <button type="button" className="plain" onClick={() => onTake(candidate.sql)}>
              Run this one
            </button>
          )}
        </li>
      ))}
    </ol>
  );
}
