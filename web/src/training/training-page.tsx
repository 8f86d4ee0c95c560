/** Training runs with their curves, live while one goes on, and the evaluation reports. */
import { lazy, Suspense, useEffect, useState } from 'react';
import type { ReportsResponse, RunMetricsResponse, RunsResponse } from '../../../src/serving/api/contract.ts';
import { reports as fetchReports, runs as fetchRuns } from '../api/client.ts';
import { type ApiFailure, asFailure, isAbort } from '../api/failure.ts';
import { FailureBox } from '../shell/failure-box.tsx';
import { addressOf } from '../shell/route.ts';
import { whenText } from '../shell/when.ts';
import { metricTitle, orderedSeries, valueText } from './curves.ts';
import { useRunMetrics } from './use-run-metrics.ts';

const Curve = lazy(() => import('./curve.tsx'));

type Run = RunsResponse['runs'][number];
/** New runs and new steps appear by themselves. */
const refreshMs = 5_000;

function useRuns() {
  const [runs, setRuns] = useState<readonly Run[]>();
  const [reports, setReports] = useState<ReportsResponse['reports']>([]);
  const [failure, setFailure] = useState<ApiFailure>();
  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async (): Promise<void> => {
      try {
        const [foundRuns, foundReports] = await Promise.all([
          fetchRuns(controller.signal),
          fetchReports(controller.signal),
        ]);
        setRuns(foundRuns.runs);
        setReports(foundReports.reports);
        setFailure(undefined);
      } catch (thrown) {
        if (isAbort(thrown)) return;
        setFailure(asFailure(thrown));
      }
      timer = setTimeout(() => void load(), refreshMs);
    };
    void load();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, []);
  return { runs, reports, failure };
}

export function TrainingPage({ theme }: { theme: string }) {
  const { runs, reports, failure } = useRuns();
  const [chosen, setChosen] = useState<string>();
  const run = runs?.find(({ name }) => name === chosen) ?? runs?.[0];
  return (
    <div className="training-page">
      <header className="page-head">
        <h1>Training</h1>
      </header>
      {failure !== undefined && <FailureBox failure={failure} />}
      {runs?.length === 0 && (
        <p className="dim">
          No training runs yet. <code>querent train</code> starts one, and its curves appear here.
        </p>
      )}
      {run !== undefined && runs !== undefined && (
        <div className="training-body">
          <ul className="runs" aria-label="Runs">
            {runs.map((one) => (
              <li key={one.name}>
                <button type="button" aria-pressed={one === run} onClick={() => setChosen(one.name)}>
                  <span className="run-name">{one.name}</span>
                  <span className="dim">
                    {one.stage} · {one.is_live ? <em className="live">live</em> : whenText(one.updated_at)}
                  </span>
                  <progress
                    max={Math.max(1, one.steps)}
                    value={one.step}
                    aria-label={`Steps of ${one.name}`}
                  />
                </button>
              </li>
            ))}
          </ul>
          <RunView key={run.name} run={run} theme={theme} />
        </div>
      )}
      <Reports reports={reports} />
    </div>
  );
}

function RunView({ run, theme }: { run: Run; theme: string }) {
  const { metrics, failure } = useRunMetrics(run.name, run.is_live);
  return (
    <section className="run" aria-label={run.name}>
      <p className="run-facts" role="status">
        Step {run.step.toLocaleString('en-US')} of {run.steps.toLocaleString('en-US')}
      </p>
      {failure !== undefined && <FailureBox failure={failure} />}
      {metrics === undefined && failure === undefined && <p className="dim">Reading the curves …</p>}
      <Suspense fallback={<p className="dim">Drawing …</p>}>
        <ul className="curves">
          {orderedSeries(metrics?.series ?? {}).map(([name, points]) => (
            <li key={name} className="card">
              <h2>
                {metricTitle(name)} <span className="dim">{valueText(points.at(-1)![1])}</span>
              </h2>
              <Curve title={metricTitle(name)} points={points} theme={theme} />
            </li>
          ))}
        </ul>
      </Suspense>
      <Evaluations evaluations={metrics?.evaluations ?? []} />
    </section>
  );
}

function Evaluations({ evaluations }: { evaluations: RunMetricsResponse['evaluations'] }) {
  if (evaluations.length === 0) return null;
  const names = [...new Set(evaluations.flatMap(({ metrics }) => Object.keys(metrics)))];
  return (
    <section className="card" aria-label="Evaluations while training">
      <h2>Evaluations</h2>
      {/* Scrolls on its own, so it takes the focus. */}
      <section className="table-scroll" aria-label="Evaluations" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th data-kind="number">step</th>
              <th>set</th>
              {names.map((name) => (
                <th key={name} data-kind="number">
                  {metricTitle(name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {evaluations.map(({ step, set, metrics }) => (
              <tr key={`${step} ${set}`}>
                <td data-kind="number">{step}</td>
                <td>{set}</td>
                {names.map((name) => (
                  <td key={name} data-kind="number">
                    {metrics[name] === undefined ? '' : valueText(metrics[name])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function Reports({ reports }: { reports: ReportsResponse['reports'] }) {
  return (
    <section className="reports" aria-label="Evaluation reports">
      <h2>Evaluation reports</h2>
      {reports.length === 0 ? (
        <p className="dim">
          None yet. <code>querent evaluate</code> writes one.
        </p>
      ) : (
        <ul>
          {reports.map(({ name, updated_at }) => (
            <li key={name}>
              <a href={addressOf('training', name)}>{name}</a>{' '}
              <span className="dim">{whenText(updated_at)}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
