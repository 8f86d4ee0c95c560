/** /runs and /reports: curves of training, also while it goes on, and what evaluation wrote. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from '@hono/zod-openapi';
import { reportsSchema, runMetricsSchema, runsSchema } from '../answers.ts';
import type { ReportsResponse, RunsResponse } from '../contract.ts';
import { eventStream } from '../event-stream.ts';
import type { ApiParts } from '../parts.ts';
import { notFound } from '../problems.ts';
import type { ApiRoute } from '../route.ts';
import { listReports, listRuns, readReport, readRun } from '../training-files.ts';

const POLL_MS = 1_000;
const nameParams = z.object({ name: z.string().min(1).max(200) });
const noRun = () => notFound('there is no run with this name');

/** Pages of reports bring their scripts and styles along; they may reach nothing. */
const REPORT_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts";

function liveCurves(parts: ApiParts, name: string, client: AbortSignal): Response {
  const signal = AbortSignal.any([client, parts.stopping]);
  return eventStream(signal, async (send, either) => {
    let known = 0;
    for (let isFirst = true; !either.aborted; isFirst = false) {
      const run = await readRun(parts.runsDirectory, name, known);
      if (run === undefined) break;
      if (isFirst || run.records !== known) send('metrics', run.curves);
      known = run.records;
      if (!run.isLive) break;
      await sleep(POLL_MS, undefined, { signal: either });
    }
    send('end', { name });
  });
}

export function trainingRoutes(parts: ApiParts): readonly ApiRoute[] {
  const { runsDirectory } = parts;
  return [
    {
      method: 'get',
      path: '/runs',
      tag: 'Training',
      summary: 'Training runs of the project, newest first',
      answer: { description: 'The runs', schema: runsSchema },
      handle: async (c) => c.json({ runs: await listRuns(runsDirectory) } satisfies RunsResponse),
    },
    {
      method: 'get',
      path: '/runs/{name}/metrics',
      tag: 'Training',
      summary: 'The curves of a run',
      description:
        'With `Accept: text/event-stream`: `metrics` with everything, then `metrics` with what is new for as long as the run ' +
        'goes on, then `end`.',
      params: nameParams,
      answer: { description: 'The curves', schema: runMetricsSchema, types: ['text/event-stream'] },
      errors: [404],
      handle: async (c) => {
        const name = c.req.param('name') ?? '';
        const run = await readRun(runsDirectory, name);
        if (run === undefined) throw noRun();
        const wantsStream = (c.req.header('accept') ?? '').includes('text/event-stream');
        return wantsStream ? liveCurves(parts, name, c.req.raw.signal) : c.json(run.curves);
      },
    },
    {
      method: 'get',
      path: '/reports',
      tag: 'Training',
      summary: 'Evaluation reports of the project, newest first',
      answer: { description: 'The reports', schema: reportsSchema },
      handle: async (c) => c.json({ reports: await listReports(runsDirectory) } satisfies ReportsResponse),
    },
    {
      method: 'get',
      path: '/reports/{name}',
      tag: 'Training',
      summary: 'A report as a page',
      params: nameParams,
      answer: { description: 'HTML', types: ['text/html'] },
      errors: [404],
      handle: async (c) => {
        const page = await readReport(runsDirectory, c.req.param('name') ?? '');
        if (page === undefined) throw notFound('there is no report with this name');
        return c.html(page, 200, { 'content-security-policy': REPORT_POLICY });
      },
    },
  ];
}
