/**
 * An evaluation report. It is fetched like everything else, with the key where there is one, and shown in a frame that has an
 * origin of its own: its script can filter its tables, and reach neither this page nor any server.
 */
import { useEffect, useState } from 'react';
import { report as fetchReport } from '../api/client.ts';
import { type ApiFailure, asFailure, isAbort } from '../api/failure.ts';
import { FailureBox } from '../shell/failure-box.tsx';
import { addressOf } from '../shell/route.ts';

export function ReportView({ name }: { name: string }) {
  const [page, setPage] = useState<string>();
  const [failure, setFailure] = useState<ApiFailure>();
  useEffect(() => {
    const controller = new AbortController();
    fetchReport(name, controller.signal).then(setPage, (thrown: unknown) => {
      if (!isAbort(thrown)) setFailure(asFailure(thrown));
    });
    return () => controller.abort();
  }, [name]);
  return (
    <div className="report-page">
      <header className="page-head">
        <h1>{name}</h1>
        <a href={addressOf('training')}>All runs and reports</a>
      </header>
      {failure !== undefined && <FailureBox failure={failure} />}
      {page === undefined && failure === undefined && <p className="dim">Fetching the report …</p>}
      {page !== undefined && <iframe title={`Report ${name}`} sandbox="allow-scripts" srcDoc={page} />}
    </div>
  );
}
