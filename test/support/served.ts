/** `querent serve` inside the test: a real server on loopback, the demonstration's database, the shipped model. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openServing, type Serving } from '../../src/cli/wiring/serve.ts';
import { ignoreEvents } from '../../src/foundation/events.ts';
import { createApiMetrics } from '../../src/serving/api/metrics.ts';
import { type ApiEvent, type ApiLimits, type ApiParts, defaultLimits } from '../../src/serving/api/parts.ts';
import { createApiServer } from '../../src/serving/api/server.ts';

export interface ServedSetup {
  readonly access?: Partial<ApiParts['access']>;
  readonly limits?: Partial<ApiLimits>;
  /** What the routes get in place of what the project has. */
  readonly parts?: Partial<Serving>;
}

export interface Served {
  readonly url: string;
  readonly port: number;
  readonly events: readonly ApiEvent[];
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  metric(line: string): Promise<number>;
  stop(): Promise<{ readonly finished: boolean }>;
}

export interface Project {
  readonly folder: string;
  readonly databasePath: string;
  readonly serving: Serving;
  serve(setup?: ServedSetup): Promise<Served>;
  /** Of the database: changes with every write. */
  fingerprint(): string;
  close(): Promise<void>;
}

export interface ProjectSetup {
  /** What could not be taken up of a changed database. */
  readonly onSchemaFailure?: (thrown: unknown) => void;
}

export async function openProject({ onSchemaFailure }: ProjectSetup = {}): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'querent-api-'));
  const metrics = createApiMetrics();
  const failures: unknown[] = [];
  const serving = await openServing({
    directory: folder,
    workingDirectory: folder,
    metrics,
    observe: ignoreEvents,
    onModelFailure: (thrown) => failures.push(thrown),
    onSchemaFailure: onSchemaFailure ?? ((thrown) => failures.push(thrown)),
  });
  await serving.model.settled;
  if (serving.model.state !== 'ready') throw failures[0];
  const home = join(folder, '.querent');
  const databasePath = join(home, 'erp.sqlite');
  const started: Served[] = [];
  return {
    folder,
    databasePath,
    serving,
    serve: async (setup = {}) => {
      const served = await startServer({ ...serving, ...setup.parts }, setup);
      started.push(served);
      return served;
    },
    fingerprint: () => {
      const files = readdirSync(home).filter((name) => !name.startsWith('serve.sqlite'));
      const hash = createHash('sha256').update(files.sort().join());
      return hash.update(readFileSync(databasePath)).digest('hex');
    },
    close: async () => {
      for (const served of started) await served.stop();
      await serving.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startServer(serving: Serving, { access, limits }: ServedSetup): Promise<Served> {
  const events: ApiEvent[] = [];
  const server = createApiServer({
    ...serving,
    version: '0.0.0-test',
    limits: { ...defaultLimits, ...limits },
    access: { isKeyRequired: false, hosts: undefined, corsOrigins: [], ...access },
    log: (event) => events.push(event),
  });
  const port = await server.listen('127.0.0.1', 0);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    events,
    post: (path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      }),
    get: (path, headers = {}) => fetch(`${url}${path}`, { headers }),
    metric: async (line) => {
      const text = await (await fetch(`${url}/metrics`)).text();
      const found = text.split('\n').find((candidate) => candidate.startsWith(line));
      return Number(found?.slice(line.length) ?? 0);
    },
    stop: () => server.stop(),
  };
}

export interface StreamedEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export function eventsOf(text: string): StreamedEvent[] {
  return text
    .split('\n\n')
    .filter((block) => block.startsWith('event: '))
    .map((block) => {
      const [event = '', data = ''] = block.split('\n');
      return {
        event: event.slice('event: '.length),
        data: JSON.parse(data.slice('data: '.length)) as StreamedEvent['data'],
      };
    });
}

/** Until it is so; a test that waits for ever fails by its own time limit. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}
