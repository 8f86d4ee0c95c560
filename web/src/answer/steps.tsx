/** The pipeline's steps as they happen, with their time and figures. */
import type { Payload, PipelineStep } from '../../../src/agents/pipeline.ts';
import type { StepState } from './conversation.ts';
import { timeText } from './result-table.tsx';

const titles: Record<PipelineStep, string> = {
  analyze: 'Find tables',
  generate: 'Write SQL',
  validate: 'Check it',
  evaluate: 'Compare candidates',
  refine: 'Mend it',
  confidence: 'Judge confidence',
  execute: 'Run it',
  explain: 'Explain it',
};

function wordsOf(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}

function payloadText(value: Payload): string {
  if (value === null) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(2);
  if (typeof value === 'string') return value;
  return value.length === 0 ? 'none' : value.join(', ');
}

export function Steps({ steps, isRunning }: { steps: readonly StepState[]; isRunning: boolean }) {
  if (steps.length === 0) return null;
  const total = steps.reduce((sum, { report }) => sum + (report?.elapsedMs ?? 0), 0);
  return (
    <section className="side-part" aria-label="Steps">
      <h2>
        Steps <span className="dim">{isRunning ? '' : timeText(total)}</span>
      </h2>
      <ol className="steps" aria-live="polite" aria-relevant="additions">
        {steps.map(({ step, report }) => (
          <li key={step} data-state={report === undefined ? (isRunning ? 'running' : 'open') : 'done'}>
            <Step title={titles[step]} report={report} />
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Said elsewhere on the page, or meant for machines. */
const unshown = new Set(['reason', 'words', 'features', 'raw', 'schemaTokens']);

function Step({ title, report }: { title: string; report: StepState['report'] }) {
  const figures = Object.entries(report?.payload ?? {}).filter(([name]) => !unshown.has(name));
  const head = (
    <>
      <span className="step-title">{title}</span>
      <span className="step-time">{report === undefined ? '…' : timeText(report.elapsedMs)}</span>
    </>
  );
  if (figures.length === 0) return <div className="step-head">{head}</div>;
  return (
    <details>
      <summary className="step-head">{head}</summary>
      <dl>
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{wordsOf(name)}</dt>
            <dd>{payloadText(value)}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
