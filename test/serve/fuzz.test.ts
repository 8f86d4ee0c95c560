/** A thousand malformed and hostile requests: none makes the server fail, write, or tell where it lives. */
import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findPython } from '../../bench/harness.ts';
import { packageRoot } from '../../src/foundation/files.ts';
import { createRandom } from '../../src/foundation/random.ts';
import { type FuzzedRequest, fuzzRequests } from '../support/api-fuzz.ts';
import { openProject, type Project, type Served } from '../support/served.ts';

const REQUESTS = 1_000;
const AT_ONCE = 4;

let project: Project;
let served: Served;
beforeAll(async () => {
  project = await openProject();
  served = await project.serve();
}, 120_000);
afterAll(() => project.close());

/** Folders of this machine, frames of a stack, names of our files. */
const leaks = (): RegExp =>
  new RegExp(
    [project.folder, packageRoot(), homedir()].map((path) => path.replace(/[.\\/]/g, '\\$&')).join('|') +
      String.raw`|\n\s+at .+:\d+|node_modules|\.(?:ts|js|mjs):\d+:\d+|node:internal`,
  );

it(`${REQUESTS} requests fuzzed from the OpenAPI document`, async () => {
  const document: unknown = await (await served.get('/openapi.json')).json();
  const requests = fuzzRequests(document, createRandom(7));
  const before = project.fingerprint();
  const leak = leaks();
  const statuses = new Map<number, number>();
  const faults: unknown[] = [];
  let sent = 0;
  const work = async (): Promise<void> => {
    while (sent < REQUESTS) {
      sent += 1;
      const { method, path, headers, body } = requests.next().value as FuzzedRequest;
      const response = await fetch(served.url + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      });
      const text = await response.text();
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      const said = text + JSON.stringify([...response.headers]);
      if (response.status >= 500 || (leak.test(said) && !path.startsWith('/docs')))
        faults.push({ method, path: path.slice(0, 100), status: response.status, text: text.slice(0, 300) });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  expect(faults).toEqual([]);
  expect(project.fingerprint()).toBe(before);
  expect(served.events.filter(({ event }) => event === 'failure')).toEqual([]);
  // Not all were sent away at the door.
  expect(statuses.get(200) ?? 0).toBeGreaterThan(REQUESTS / 10);
  expect(statuses.get(422) ?? 0).toBeGreaterThan(REQUESTS / 10);
}, 240_000);

const python = findPython();
const schemathesis = python === undefined ? undefined : join(python, '..', 'schemathesis');
const isThere =
  schemathesis !== undefined &&
  (await promisify(execFile)(schemathesis, ['--version']).then(
    () => true,
    () => false,
  ));

it.skipIf(!isThere)(
  'schemathesis, an independent fuzzer, finds no server error (skipped where Python has none)',
  async () => {
    const before = project.fingerprint();
    const args = [
      'run',
      `${served.url}/openapi.json`,
      '--checks',
      'not_a_server_error',
      '--max-examples',
      '8',
    ];
    const more = [
      '--phases',
      'examples,fuzzing',
      '--seed',
      '1',
      '--no-color',
      '--max-time',
      '45',
      '--request-timeout',
      '60',
    ];
    const { stdout } = await promisify(execFile)(schemathesis!, [...args, ...more], {
      cwd: project.folder,
    }).catch((failed: { stdout: string }) => ({ stdout: `FAILED\n${failed.stdout}` }));
    expect(stdout).not.toContain('FAILED');
    expect(project.fingerprint()).toBe(before);
    expect(served.events.filter(({ event }) => event === 'failure')).toEqual([]);
  },
  240_000,
);
