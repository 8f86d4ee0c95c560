/**
 * What training and evaluation left in the folder of runs: lists, curves, reports. Names come from listing the folder and are
 * compared with it, so nothing that a client writes becomes a path. It knows files; it does not know requests.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runPaths } from '../../training/checkpoint.ts';
import { type MetricsRecord, readMetricsLog } from '../../training/metrics-log.ts';
import type { ReportsResponse, RunMetricsResponse, RunsResponse } from './contract.ts';

type Run = RunsResponse['runs'][number];

/** A run that has written nothing for longer has ended or was killed. */
const LIVE_MS = 120_000;
const POINTS_MAX = 2_000;
const reportFile = 'report.html';

/** Folders in a folder that hold a file of this name, with the time of that file; newest first. */
async function foldersWith(
  directory: string,
  file: string,
): Promise<readonly { readonly name: string; readonly at: number }[]> {
  const names = await readdir(directory).catch((): string[] => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const facts = await stat(join(directory, name, file)).catch(() => undefined);
      return facts?.isFile() === true ? [{ name, at: facts.mtimeMs }] : [];
    }),
  );
  return found.flat().sort((a, b) => b.at - a.at);
}

const isStage = (stage: string): stage is 'sft' | 'grpo' => stage === 'sft' || stage === 'grpo';

async function runOf(directory: string, name: string, at: number): Promise<readonly Run[]> {
  const records = await readMetricsLog(runPaths(join(directory, name)).metrics).catch(() => []);
  const last = records.flatMap((record) => (record.type === 'step' ? [record] : [])).at(-1);
  if (last === undefined || !isStage(last.stage)) return [];
  const isFinished = existsSync(runPaths(join(directory, name)).final);
  return [
    {
      name,
      stage: last.stage,
      step: last.step,
      steps: last.total,
      is_live: !isFinished && Date.now() - at < LIVE_MS,
      updated_at: new Date(at).toISOString(),
    },
  ];
}

export async function listRuns(directory: string): Promise<readonly Run[]> {
  const folders = await foldersWith(directory, 'metrics.jsonl');
  return (await Promise.all(folders.map(({ name, at }) => runOf(directory, name, at)))).flat();
}

/** Every n-th point and the last. */
function thinned<T>(points: readonly T[]): readonly T[] {
  const every = Math.ceil(points.length / (POINTS_MAX - 1));
  return every <= 1 ? points : points.filter((_, at) => at % every === 0 || at === points.length - 1);
}

/** JSON has no NaN: such points are gaps. */
const finite = (metrics: MetricsRecord['metrics']): Record<string, number> =>
  Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));

function curvesOf(name: string, records: readonly MetricsRecord[]): RunMetricsResponse {
  const series: Record<string, [number, number][]> = {};
  const evaluations: RunMetricsResponse['evaluations'][number][] = [];
  for (const record of records) {
    if (record.type === 'evaluation') {
      evaluations.push({ step: record.step, set: record.set, metrics: finite(record.metrics) });
      continue;
    }
    const all = { ...record.metrics, ...record.timing };
    for (const [metric, value] of Object.entries(finite(all))) {
      series[metric] ??= [];
      series[metric].push([record.step, value]);
    }
  }
  const thin = Object.entries(series).map(([metric, points]) => [metric, thinned(points)]);
  return { name, series: Object.fromEntries(thin), evaluations };
}

export interface WatchedRun {
  readonly curves: RunMetricsResponse;
  readonly isLive: boolean;
  /** Of the records that are in `curves`; to be given back to see what came after. */
  readonly records: number;
}

/** Undefined where there is no such run. `after`: records that are known already. */
export async function readRun(directory: string, name: string, after = 0): Promise<WatchedRun | undefined> {
  const run = (await listRuns(directory)).find((candidate) => candidate.name === name);
  if (run === undefined) return undefined;
  const records = await readMetricsLog(runPaths(join(directory, run.name)).metrics);
  // A resumed run forgets what came after its checkpoint: then everything is new.
  const fresh = records.length < after ? records : records.slice(after);
  return { curves: curvesOf(run.name, fresh), isLive: run.is_live, records: records.length };
}

export async function listReports(directory: string): Promise<ReportsResponse['reports']> {
  const folders = await foldersWith(directory, reportFile);
  return folders.map(({ name, at }) => ({
    name,
    url: `/reports/${encodeURIComponent(name)}`,
    updated_at: new Date(at).toISOString(),
  }));
}

/** The page of a report; undefined where there is none. */
export async function readReport(directory: string, name: string): Promise<string | undefined> {
  const known = (await foldersWith(directory, reportFile)).find((folder) => folder.name === name);
  return known === undefined ? undefined : readFile(join(directory, known.name, reportFile), 'utf8');
}
