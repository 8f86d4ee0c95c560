/** `querent serve` as a process, and the commands around it: keys, and feedback as training examples. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/foundation/files.ts';
import type { GenerateResponse } from '../../src/serving/api/contract.ts';
import { until } from '../support/served.ts';
import { runQuerent } from './fake-io.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'querent-serve-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function serve(...args: readonly string[]) {
  const main = join(packageRoot(), 'src', 'cli', 'main.ts');
  const command = ['--import', 'tsx', main, 'serve', '--project', folder, '--port', '0', ...args];
  const child = spawn(process.execPath, command, { cwd: packageRoot(), stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const texts = { out: '', err: '' };
  child.stderr.on('data', (chunk: Buffer) => {
    texts.err += chunk.toString();
  });
  const exited = once(child, 'close') as Promise<[number | null, string | null]>;
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      texts.out += chunk.toString();
      const found = /^listening on (http:\S+)\n/.exec(texts.out);
      if (found !== null) resolve(found[1]!);
    });
    child.once('exit', () => reject(new Error(texts.err)));
  });
  return { child, url, exited, log: () => texts.err };
}

const post = (url: string, body: object, key = ''): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });

describe('querent serve', () => {
  it('does not open its door to other machines without a key', async () => {
    const args = ['serve', '--project', folder, '--host', '0.0.0.0', '--port', '0'];
    const refused = await runQuerent(args, { workingDirectory: folder });
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('[serve/no-key]');
    expect(refused.stderr).toContain('querent keys create');
  }, 120_000);

  it('says at once where it listens, answers a key, and what people correct becomes examples', async () => {
    const made = await runQuerent(['keys', 'create', 'page', '--project', folder, '--json'], {
      workingDirectory: folder,
    });
    const { id, key } = made.json<{ id: string; key: string }>();
    const { child, url, exited, log } = await serve();
    await until(async () => (await fetch(`${url}/health/ready`)).status === 200);
    expect((await post(`${url}/generate`, { query: 'How many projects are there?' })).status).toBe(401);
    const asked = await post(`${url}/generate`, { query: 'How many projects are there?' }, key);
    const answer = (await asked.json()) as GenerateResponse;
    const corrected_sql = 'SELECT COUNT(DISTINCT Project_Code) FROM PAC_MNT_PROJECTS';
    await post(`${url}/feedback`, { id: answer.id, verdict: 'wrong', corrected_sql }, key);
    // While the server runs: both use the file.
    const imported = await runQuerent(['data', 'import', '--feedback', '--project', folder, '--json'], {
      workingDirectory: folder,
    });
    expect(imported.json()).toMatchObject({ examples: 1, corrections: 1, dropped: 0 });
    const lines = await readFile(imported.json<{ path: string }>().path, 'utf8');
    expect(JSON.parse(lines)).toMatchObject({ query: 'How many projects are there?', sql: corrected_sql });
    await runQuerent(['keys', 'revoke', id, '--project', folder], { workingDirectory: folder });
    expect((await post(`${url}/generate`, { query: 'x' }, key)).status).toBe(401);
    const listed = await runQuerent(['keys', 'list', '--project', folder], { workingDirectory: folder });
    expect(listed.stdout).toContain('revoked');
    expect(log()).not.toContain(key);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(log()).toContain('"event":"stopped","finished":true');
  }, 180_000);

  it('works on without its model, and says in its log what is missing', async () => {
    const { url, log } = await serve('--model', join(folder, 'nowhere'));
    await until(
      async () => ((await (await fetch(`${url}/health`)).json()) as { model: string }).model === 'missing',
    );
    expect(log()).toContain('[cli/no-model]');
    expect((await fetch(`${url}/health/ready`)).status).toBe(503);
  }, 120_000);
});

it('data import says where examples could come from', async () => {
  const wrong = await runQuerent(['data', 'import', '--project', folder], { workingDirectory: folder });
  expect(wrong.exitCode).toBe(2);
  expect(wrong.stderr).toContain('--feedback');
}, 60_000);
