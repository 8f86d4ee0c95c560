/**
 * `querent serve` over loopback with the shipped model: server and clients in processes of their own, on the same cores. One
 * client (p50, p95), then 32 clients for a minute. Every answer is computed (the cache of statements is off) and is the whole
 * pipeline: linking, sampling, validation, rows, explanation, history. The baseline is the same checkpoint behind FastAPI and
 * transformers' `generate` (`baselines/serve_fastapi.py`), which gets the same questions as token ids, is greedy, stops at the
 * same tokens, and gives token ids back: the model's work alone. `greedy alone` switches off our steps around the model.
 *
 *   npm run bench -- serve [--quick] [--set seconds=60] [--set rounds=3] [--set only=latency|greedy|pipeline|load]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWorkspace, shippedModelDirectory } from '../src/cli/project.ts';
import { loadCurated } from '../src/cli/wiring/data.ts';
import { openDatabase } from '../src/cli/wiring/database.ts';
import { openModel } from '../src/cli/wiring/model.ts';
import { recipeOf } from '../src/cli/wiring/shown-examples.ts';
import { percentile } from '../src/evaluation/statistics.ts';
import { ignoreEvents } from '../src/foundation/events.ts';
import { packageRoot } from '../src/foundation/files.ts';
import type { GenerateResponse } from '../src/serving/api/contract.ts';
import {
  type AlternatingResult,
  type BenchOptions,
  type Measurement,
  measurementOf,
  runAlternating,
} from './harness.ts';
import type { LoadReport } from './support/http-load.ts';
import { latenciesOf } from './support/latencies.ts';
import {
  type LoadClient,
  type ServiceProcess,
  startLoadClient,
  startQuerent,
  startServiceProcess,
} from './support/processes.ts';

const SUITE = 'serve';
const MAX_NEW_TOKENS = 256;
const CLIENTS = 32;
const ROUNDS_OF_QUESTIONS = 4;
/** Steps around the model that the baseline does not have. */
const MODEL_ALONE = {
  candidates: 0,
  plan: false,
  steps: {
    validate: false,
    evaluate: false,
    refine: false,
    confidence: false,
    execute: false,
    explain: false,
  },
};

interface Work {
  readonly ours: readonly string[];
  readonly oursAlone: readonly string[];
  readonly baseline: readonly string[];
}

interface Bench {
  readonly options: BenchOptions;
  readonly client: LoadClient;
  readonly ours: ServiceProcess;
  readonly theirs: ServiceProcess | undefined;
  readonly work: Work;
}

/** Questions that the model was trained on: the test sets are for accuracy. */
async function workOf(folder: string, count: number): Promise<Work> {
  const workspace = await openWorkspace(folder);
  const database = await openDatabase(workspace, ignoreEvents);
  const recipe = await recipeOf(shippedModelDirectory());
  const curated = await loadCurated(workspace, recipe?.curated ?? true);
  const step = Math.max(1, Math.floor(curated.length / count));
  const questions = curated
    .filter((_, at) => at % step === 0)
    .slice(0, count)
    .map(({ question }) => question);
  const { policy, format } = await openModel({
    directory: shippedModelDirectory(),
    database,
    observe: ignoreEvents,
  });
  const bodyOf = (query: string, options: object) =>
    JSON.stringify({ query, options: { cache: false, ...options } });
  const baseline = questions.map((question) => {
    const { promptTokens } = format.prepare(question);
    return JSON.stringify({
      tokens: [...promptTokens],
      stop: format.stopTokens,
      max_new_tokens: MAX_NEW_TOKENS,
    });
  });
  await policy.close();
  return {
    ours: questions.map((question) => bodyOf(question, {})),
    oursAlone: questions.map((question) => bodyOf(question, MODEL_ALONE)),
    baseline,
  };
}

const baselineName = ({ theirs }: Bench): string =>
  theirs === undefined
    ? 'skipped: no FastAPI in the Python environment'
    : 'FastAPI + transformers generate, greedy';

const roundsOf = ({ settings, quick }: BenchOptions): number => Number(settings.rounds ?? (quick ? 1 : 3));

async function ask(
  { client }: Bench,
  service: ServiceProcess,
  bodies: readonly string[],
  connections: number,
): Promise<LoadReport> {
  return client.run({ port: service.port, path: '/generate', bodies, connections });
}

async function alternating(
  bench: Bench,
  ours: () => Promise<number>,
  baseline: (service: ServiceProcess) => Promise<number>,
): Promise<AlternatingResult> {
  const { theirs, options } = bench;
  return runAlternating({
    rounds: roundsOf(options),
    ours,
    baseline: theirs === undefined ? undefined : () => baseline(theirs),
  });
}

async function* oneClient(bench: Bench): AsyncGenerator<Measurement> {
  const { ours, work } = bench;
  const kept = { ours: [] as LoadReport[], baseline: [] as LoadReport[] };
  const p50 = (report: LoadReport, into: LoadReport[]): number => {
    into.push(report);
    return percentile(report.latenciesMs, 0.5);
  };
  await alternating(
    bench,
    async () => p50(await ask(bench, ours, work.ours, 1), kept.ours),
    async (theirs) => p50(await ask(bench, theirs, work.baseline, 1), kept.baseline),
  );
  yield* latenciesOf(
    {
      suite: SUITE,
      name: 'one client',
      baselineName: baselineName(bench),
      details: { questions: work.ours.length },
    },
    // The first of each is the warm-up.
    { ours: kept.ours.slice(1), baseline: kept.baseline.slice(1), names: ['p50', 'p95'] },
  );
}

async function* throughput(
  bench: Bench,
  name: string,
  bodies: readonly string[],
): AsyncGenerator<Measurement> {
  const { ours, work } = bench;
  // Three questions a client are over before all have ended: what is measured would be the last one's.
  const often = (questions: readonly string[]): readonly string[] =>
    Array.from({ length: ROUNDS_OF_QUESTIONS }, () => questions).flat();
  const perSecond = ({ latenciesMs, elapsedMs }: LoadReport): number =>
    (latenciesMs.length / elapsedMs) * 1_000;
  const result = await alternating(
    bench,
    async () => perSecond(await ask(bench, ours, often(bodies), CLIENTS)),
    async (theirs) => perSecond(await ask(bench, theirs, often(work.baseline), CLIENTS)),
  );
  yield measurementOf(
    {
      suite: SUITE,
      name: `${CLIENTS} clients, ${name}`,
      unit: 'req/s',
      better: 'higher',
      baselineName: baselineName(bench),
      details: { questions: bodies.length, times: ROUNDS_OF_QUESTIONS },
    },
    result,
  );
}

/** A minute of load; an answer that is not 200 ends the measurement, so errors are 0 or there is no figure. */
async function* minute(bench: Bench): AsyncGenerator<Measurement> {
  const { options, ours, work } = bench;
  const seconds = Number(options.settings.seconds ?? (options.quick ? 5 : 60));
  const latencies: number[] = [];
  let elapsedMs = 0;
  let answered = 0;
  while (elapsedMs < seconds * 1_000) {
    const report = await ask(bench, ours, [...work.ours, ...work.ours], CLIENTS);
    elapsedMs += report.elapsedMs;
    latencies.push(...report.latenciesMs);
    answered += report.answers.filter((answer) => (JSON.parse(answer) as GenerateResponse).sql !== '').length;
  }
  yield {
    suite: SUITE,
    name: `${CLIENTS} clients for ${seconds} s`,
    value: (latencies.length / elapsedMs) * 1_000,
    unit: 'req/s',
    baseline: null,
    ratio: null,
    details: {
      requests: latencies.length,
      errors: 0,
      withSql: answered,
      p50Ms: percentile(latencies, 0.5),
      p95Ms: percentile(latencies, 0.95),
    },
  };
}

/** With one thread: at this size PyTorch is faster with one than with two, 28 answers a second against 22. */
async function startBaseline({ python, settings, log }: BenchOptions): Promise<ServiceProcess | undefined> {
  if (python === undefined) return undefined;
  const script = join(packageRoot(), 'bench', 'baselines', 'serve_fastapi.py');
  try {
    return await startServiceProcess(python, [
      script,
      shippedModelDirectory(),
      settings.baselineThreads ?? '1',
    ]);
  } catch (thrown) {
    log(`no baseline: ${thrown instanceof Error ? thrown.message.split('\n').at(-2) : thrown}`);
    return undefined;
  }
}

async function startOurs(folder: string): Promise<ServiceProcess> {
  return startQuerent(['serve', '--project', folder, '--port', '0', '--quiet', '--allow-host', 'bench']);
}

async function untilReady({ port }: ServiceProcess): Promise<void> {
  for (;;) {
    const { status } = await fetch(`http://127.0.0.1:${port}/health/ready`);
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export async function* run(options: BenchOptions): AsyncGenerator<Measurement> {
  const folder = await mkdtemp(join(tmpdir(), 'querent-bench-serve-'));
  const work = await workOf(folder, options.quick ? 32 : 96);
  const client = startLoadClient();
  const ours = await startOurs(folder);
  const theirs = await startBaseline(options);
  const bench: Bench = { options, client, ours, theirs, work };
  const { only } = options.settings;
  try {
    await untilReady(ours);
    if (only === undefined || only === 'latency') yield* oneClient(bench);
    if (only === undefined || only === 'greedy') yield* throughput(bench, 'greedy alone', work.oursAlone);
    if (only === undefined || only === 'pipeline') yield* throughput(bench, 'whole pipeline', work.ours);
    if (only === undefined || only === 'load') yield* minute(bench);
  } finally {
    client.stop();
    await ours.stop();
    await theirs?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
