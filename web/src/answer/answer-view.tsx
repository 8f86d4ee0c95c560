/** Everything about one question: statement, rows and chart, plan, tables, candidates; beside them how it came about. */
import { lazy, Suspense, useState } from 'react';
import type { SchemaResponse } from '../../../src/serving/api/contract.ts';
import { chooseChart } from '../charts/choose-chart.ts';
import { ResultChartView } from '../charts/result-chart.tsx';
import { FailureBox, sentence } from '../shell/failure-box.tsx';
import { addressOf } from '../shell/route.ts';
import { type Tab, Tabs } from '../shell/tabs.tsx';
import { whenText } from '../shell/when.ts';
import { AdvicePart } from './advice-part.tsx';
import { Candidates } from './candidates.tsx';
import { Confidence, clarified, HeldBack, Warnings } from './confidence.tsx';
import { Feedback } from './feedback.tsx';
import { PlanTree } from './plan-tree.tsx';
import { ResultTable } from './result-table.tsx';
import { SqlCard } from './sql-card.tsx';
import type { NamesOfSchema } from './sql-editor.tsx';
import { Steps } from './steps.tsx';
import type { ConversationControl } from './use-conversation.ts';
import { useStatement } from './use-statement.ts';

const Diagram = lazy(() => import('../schema/diagram.tsx'));

export interface AnswerViewProps {
  readonly control: ConversationControl;
  readonly schema: SchemaResponse | undefined;
  readonly names: NamesOfSchema;
  /** Into the ask box, for the person to look at and send. */
  onSuggest(question: string): void;
  onRetry(): void;
}

export function AnswerView({ control, schema, names, onSuggest, onRetry }: AnswerViewProps) {
  const { state } = control;
  const statement = useStatement(state);
  const [open, setOpen] = useState('result');
  const { answer } = state;
  const { own } = statement;
  const isAsking = state.phase === 'running';
  const rows = own === undefined ? state.rows : own.rows;
  // The editor may hold another statement than the answer: what is said about it then comes from its own run.
  const explained = own?.explained ?? answer;

  const result = (): React.ReactNode => {
    if (own?.isRunning) return <p className="dim pad">Running …</p>;
    if (own?.failure !== undefined) return <FailureBox failure={own.failure} />;
    if (own === undefined && answer?.abstained) {
      return (
        <HeldBack
          answer={answer}
          onMeaning={(words, meaning) => onSuggest(clarified(state.question, words, meaning))}
          onRun={() => statement.run(state.sql)}
        />
      );
    }
    if (rows !== undefined) return <Result rows={rows} />;
    if (answer?.failure !== undefined) {
      return (
        <div className="notice bad" role="alert">
          <p className="notice-title">{sentence(answer.failure)}</p>
          <p>Mend the statement above and run it, or ask with other words.</p>
        </div>
      );
    }
    if (isAsking) return <p className="dim pad">The rows come last.</p>;
    return (
      <p className="dim pad">{state.phase === 'recalled' ? 'Run it to see today’s rows.' : 'No rows.'}</p>
    );
  };

  const tabs: Tab[] = [
    { name: 'result', title: 'Result', content: result },
    {
      name: 'plan',
      title: 'Plan',
      content: () => (
        <>
          <PlanTree nodes={explained?.plan ?? []} />
          {statement.sql.trim() !== '' && !isAsking && <AdvicePart key={statement.sql} sql={statement.sql} />}
        </>
      ),
    },
    {
      name: 'tables',
      title: <Counted title="Tables" count={explained?.tables.length} />,
      content: () =>
        schema === undefined ? (
          <p className="dim pad">The schema is not here yet.</p>
        ) : (
          <Suspense fallback={<p className="dim pad">Drawing …</p>}>
            <Diagram schema={schema} tables={explained?.tables ?? []} columns={explained?.columns ?? []} />
          </Suspense>
        ),
    },
    {
      name: 'candidates',
      title: <Counted title="Candidates" count={state.candidates.length} />,
      content: () => <Candidates candidates={state.candidates} onTake={(sql) => statement.run(sql)} />,
    },
  ];

  return (
    <div className="answer" data-phase={state.phase}>
      <div className="answer-main">
        {state.failure !== undefined && <FailureBox failure={state.failure} onRetry={onRetry} />}
        {state.phase === 'stopped' && <p className="notice">Stopped. Nothing was kept.</p>}
        {state.answeredAt !== undefined && own === undefined && (
          <div className="notice">
            <p>
              As it was answered <time dateTime={state.answeredAt}>{whenText(state.answeredAt)}</time>. Run it
              again to see today’s rows.
            </p>
          </div>
        )}
        {(state.sql !== '' || answer !== undefined || isAsking) && (
          <>
            <SqlCard
              sql={statement.sql}
              original={state.sql}
              names={names}
              isWriting={isAsking}
              isRunning={own?.isRunning === true}
              turn={state.turn}
              hasRun={rows !== undefined || own?.failure !== undefined}
              onChange={statement.edit}
              onRun={() => statement.run()}
            />
            <div className="card">
              <Tabs label="About the answer" tabs={tabs} open={open} onOpen={setOpen} />
            </div>
          </>
        )}
      </div>
      <aside className="answer-side" aria-label="How it came about">
        {answer !== undefined && <Confidence answer={answer} />}
        {explained !== undefined && explained.explanation !== '' && (
          <section className="side-part" aria-label="Explanation">
            <h2>In words</h2>
            <p className="explanation">{sentence(explained.explanation)}</p>
          </section>
        )}
        {explained !== undefined && <Warnings warnings={explained.warnings} />}
        {state.id !== undefined && (
          <Feedback
            key={state.id}
            id={state.id}
            sql={statement.sql}
            original={state.sql}
            verdict={state.verdict}
            onJudged={control.judged}
            onTryAgain={(message) =>
              control.ask(state.question, { correction: { sql: statement.sql, message } })
            }
          />
        )}
        <Steps steps={state.steps} isRunning={isAsking} />
        {state.id !== undefined && state.id !== '' && (
          <p className="reason">
            <a href={addressOf('history', state.id)}>Link to this answer</a>
          </p>
        )}
        {answer?.isFromCache && <p className="reason">Answered before: the statement came from the cache.</p>}
      </aside>
    </div>
  );
}

function Counted({ title, count }: { title: string; count: number | undefined }) {
  return (
    <>
      {title} {count !== undefined && count > 0 && <span className="count">{count}</span>}
    </>
  );
}

function Result({ rows }: { rows: Parameters<typeof ResultTable>[0]['result'] }) {
  if (rows.rows.length === 0) {
    return <p className="dim pad">The statement ran and returned no rows: nothing fits its conditions.</p>;
  }
  const chart = rows.truncated ? undefined : chooseChart(rows);
  return (
    <>
      {chart !== undefined && <ResultChartView chart={chart} />}
      <ResultTable result={rows} isFigure={chart?.kind === 'figure'} />
    </>
  );
}
