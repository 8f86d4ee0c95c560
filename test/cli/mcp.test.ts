/** `querent mcp` with the shipped model, asked by the official SDK's client as an assistant would: both transports, both protocols. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openWorkbench, type Workbench } from '../../src/cli/wiring/workbench.ts';
import { ENDLESS } from '../../src/database/database.fixture.ts';
import { ignoreEvents } from '../../src/foundation/events.ts';
import { packageRoot } from '../../src/foundation/files.ts';
import type { McpBackend } from '../../src/serving/mcp/backend.ts';
import { defaultMcpLimits, type McpLimits } from '../../src/serving/mcp/contract.ts';
import { type McpHttpService, startMcpHttp } from '../../src/serving/mcp/http-service.ts';
import { createMcpFactory } from '../../src/serving/mcp/mcp-server.ts';
import { runQuerent } from './fake-io.ts';

let folder: string;
let workbench: Workbench;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'querent-mcp-'));
  workbench = await openWorkbench({ directory: folder, workingDirectory: folder, observe: ignoreEvents });
}, 240_000);
afterAll(async () => {
  await workbench.close();
  await rm(folder, { recursive: true, force: true });
});

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const failures: unknown[] = [];
function factoryOf(backend: McpBackend = workbench, limits: Partial<McpLimits> = {}) {
  const onFailure = (error: unknown) => failures.push(error);
  return createMcpFactory({
    backend,
    version: '1.2.3',
    limits: { ...defaultMcpLimits, ...limits },
    onFailure,
  });
}

async function serve(
  backend?: McpBackend,
  limits?: Partial<McpLimits>,
  key?: string,
): Promise<McpHttpService> {
  const onFailure = (error: unknown) => failures.push(error);
  const service = await startMcpHttp({
    factory: factoryOf(backend, limits),
    host: '127.0.0.1',
    port: 0,
    key,
    onFailure,
  });
  closers.push(() => service.close());
  return service;
}

type Mode = 'legacy' | 'auto';
async function connect(
  transport: ConstructorParameters<typeof Object>[0],
  mode: Mode = 'legacy',
): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(transport as StdioClientTransport);
  closers.push(() => client.close());
  return client;
}
const connectHttp = (url: string, mode?: Mode, headers: Record<string, string> = {}): Promise<Client> =>
  connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }), mode);

const textOf = (result: { content?: unknown }): string => (result.content as { text: string }[])[0]!.text;
const call = async (client: Client, name: string, args: Record<string, unknown>) => {
  const result = await client.callTool({ name, arguments: args });
  return { ...result, structured: result.structuredContent as Record<string, unknown>, text: textOf(result) };
};

/** A pipeline that answers nothing until it is told to stop. */
function waitingBackend() {
  const signals: AbortSignal[] = [];
  const backend: McpBackend = {
    ...workbench,
    pipeline: {
      ...workbench.pipeline,
      ask: (_request, { signal } = {}) =>
        new Promise((_resolve, reject) => {
          signals.push(signal!);
          signal!.addEventListener('abort', () => reject(new Error('stopped')));
        }),
    },
  };
  return { backend, signals };
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
};

async function everyTool(client: Client): Promise<void> {
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual([
    'ask_database',
    'run_sql',
    'describe_schema',
    'explain_sql',
  ]);
  expect(
    tools.every(({ annotations, outputSchema }) => annotations?.readOnlyHint && outputSchema !== undefined),
  ).toBe(true);

  const asked = await call(client, 'ask_database', { question: 'How many active projects are there?' });
  expect(asked.isError).toBeFalsy();
  expect(asked.structured).toMatchObject({ abstained: false, tables: ['PAC_MNT_PROJECTS'], failure: null });
  const { sql, result } = asked.structured as unknown as { sql: string; result: { rows: unknown[][] } };
  expect(JSON.parse(asked.text)).toEqual(asked.structured);

  const ran = await call(client, 'run_sql', { sql });
  expect(ran.structured.rows).toEqual(result.rows);

  const described = await call(client, 'describe_schema', { tables: ['pac_mnt_projects'] });
  expect(described.structured).toMatchObject({ database_id: 'erp', tables: [{ name: 'PAC_MNT_PROJECTS' }] });

  const explained = await call(client, 'explain_sql', { sql });
  expect(explained.structured).toMatchObject({ valid: true, tables: ['PAC_MNT_PROJECTS'] });
  expect(explained.structured.explanation).toMatch(/^Shows .*active/i);
  expect((explained.structured.plan as string[])[0]).toMatch(/PAC_MNT_PROJECTS/);
}

describe('over HTTP', { timeout: 240_000 }, () => {
  it.each(['legacy', 'auto'] as const)('answers every tool (%s)', async (mode) => {
    const client = await connectHttp((await serve()).url, mode);
    expect(client.getServerVersion()).toMatchObject({ name: 'querent', version: '1.2.3' });
    await everyTool(client);
    expect(failures).toEqual([]);
  });

  it('offers the tables as resources, and completes their names', async () => {
    const client = await connectHttp((await serve()).url);
    const { resources } = await client.listResources();
    expect(resources).toHaveLength(workbench.schema.tables.length + 1);
    for (const { uri } of resources) {
      const { contents } = await client.readResource({ uri });
      expect((contents[0] as { text: string }).text).toContain(decodeURIComponent(uri.split('/')[3] ?? ''));
    }
    const completed = await client.complete({
      ref: { type: 'ref/resource', uri: 'querent://schema/{table}' },
      argument: { name: 'table', value: 'srm_co' },
    });
    expect(completed.completion.values).toEqual(['SRM_COMPANIES', 'SRM_CONTACTS']);
    await expect(client.readResource({ uri: 'querent://schema/NOWHERE' })).rejects.toThrow(/not found/i);
  });

  it('tells the steps to who asks for progress', async () => {
    const client = await connectHttp((await serve()).url);
    const steps: (string | undefined)[] = [];
    await client.callTool(
      { name: 'ask_database', arguments: { question: 'How many companies are there?' } },
      { onprogress: ({ message }) => steps.push(message) },
    );
    expect(steps.slice(0, 3)).toEqual(['analyze', 'generate', 'validate']);
  });

  it.each(['legacy', 'auto'] as const)(
    'withdraws a question that the client withdraws (%s)',
    async (mode) => {
      const { backend, signals } = waitingBackend();
      const client = await connectHttp((await serve(backend)).url, mode);
      const controller = new AbortController();
      const asked = client.callTool(
        { name: 'ask_database', arguments: { question: 'How many?' } },
        { signal: controller.signal },
      );
      await until(() => signals.length === 1);
      controller.abort();
      await expect(asked).rejects.toThrow();
      await until(() => signals[0]!.aborted);
      expect(await call(client, 'describe_schema', {})).toMatchObject({ structured: { database_id: 'erp' } });
    },
  );

  it('lets nobody in who was not meant', async () => {
    const key = 'a-key-of-some-length';
    const { url } = await serve(workbench, {}, key);
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const post = (headers: Record<string, string>) =>
      fetch(url, { method: 'POST', body, headers: { ...json, ...headers } });
    expect((await post({})).status).toBe(401);
    expect((await post({ authorization: `Bearer ${key}x` })).status).toBe(401);
    expect((await post({ origin: 'https://evil.example', authorization: `Bearer ${key}` })).status).toBe(403);
    const client = await connectHttp(url, 'legacy', { authorization: `Bearer ${key}` });
    expect((await client.listTools()).tools).toHaveLength(4);
    const elsewhere = { factory: factoryOf(), host: '0.0.0.0', port: 0, onFailure: () => {} };
    await expect(startMcpHttp(elsewhere)).rejects.toMatchObject({ code: 'mcp/no-key' });
    await expect(startMcpHttp({ ...elsewhere, key: 'short' })).rejects.toMatchObject({
      code: 'mcp/short-key',
    });
  });

  it('answers what is no request of the protocol without failing', async () => {
    const { url } = await serve();
    const json = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const statuses: number[] = [];
    for (const body of ['', '{', '[]', '{"jsonrpc":"2.0"}', 'x'.repeat(2_000_000)])
      statuses.push((await fetch(url, { method: 'POST', body, headers: json })).status);
    statuses.push((await fetch(url)).status, (await fetch(url, { method: 'DELETE' })).status);
    statuses.push(
      (await fetch(url, { method: 'POST', body: '{}', headers: { ...json, 'mcp-session-id': 'x' } })).status,
    );
    for (const status of statuses) expect(status).toBeGreaterThanOrEqual(400);
    for (const status of statuses) expect(status).toBeLessThan(500);
    expect((await fetch(new URL('/elsewhere', url))).status).toBe(404);
    expect(await (await fetch(new URL('/health', url))).json()).toEqual({ status: 'ok' });
    expect(failures).toEqual([]);
  });
});

describe('what an assistant gets wrong is said so that it can be put right', { timeout: 240_000 }, () => {
  it.each([
    [
      'run_sql',
      { sql: 'DELETE FROM SRM_COMPANIES' },
      /\[mcp\/refused\].*\nnext: Write one statement that only reads/,
    ],
    ['run_sql', { sql: 'SELECT 1; DROP TABLE SRM_COMPANIES' }, /\[mcp\/(refused|sql-error)\]/],
    ['run_sql', { sql: 'SELECT Nonsense FROM SRM_COMPANIES' }, /\[mcp\/sql-error\] no such column: Nonsense/],
    ['run_sql', { sql: ENDLESS, timeout_ms: 50 }, /\[mcp\/timeout\] stopped after 50 ms/],
    ['run_sql', { sql: 'SELECT Email FROM SRM_CONTACTS' }, /\[mcp\/rule-broken\] E-mail addresses/],
    ['run_sql', { sql: 'SELECT 1', max_rows: 1_001 }, /max_rows/],
    ['run_sql', { sql: 'SELECT 1', nonsense: true }, /nonsense/],
    ['ask_database', { question: '  ?! ' }, /\[agents\/empty-question\]/],
    ['ask_database', { question: 'a'.repeat(100_000) }, /4000/],
    ['describe_schema', { tables: ['CONTACT'] }, /\[mcp\/no-such-table\].*\nnext: Tables are: SRM_CONTACTS/],
  ])('%s %j', async (name, args, words) => {
    const client = await connectHttp((await serve()).url);
    const result = await client.callTool({ name, arguments: args }).catch((thrown: Error) => ({
      isError: true,
      content: [{ text: thrown.message }],
    }));
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(words);
    expect(failures).toEqual([]);
  });

  it('neither rows nor examples show what a rule keeps back', async () => {
    const client = await connectHttp((await serve()).url);
    const { structured } = await call(client, 'describe_schema', { search: 'SRM_CONTACTS' });
    const { tables } = structured as unknown as {
      tables: { columns: { name: string; examples: unknown[] }[] }[];
    };
    const examples = Object.fromEntries(
      tables[0]!.columns.map((column) => [column.name, column.examples.length]),
    );
    expect(examples).toMatchObject({ Email: 0, Phone: 0 });
    expect(examples.Contact_ID).toBeGreaterThan(0);
    const { contents } = await client.readResource({ uri: 'querent://schema/SRM_CONTACTS' });
    expect((contents[0] as { text: string }).text).not.toContain('@');
  });

  it('more calls than may run at once are told to come back', async () => {
    const { backend, signals } = waitingBackend();
    const client = await connectHttp((await serve(backend, { callsMax: 1 })).url);
    const controller = new AbortController();
    const first = client.callTool(
      { name: 'ask_database', arguments: { question: 'a' } },
      { signal: controller.signal },
    );
    await until(() => signals.length === 1);
    expect((await call(client, 'run_sql', { sql: 'SELECT 1' })).text).toMatch(/\[mcp\/busy\]/);
    controller.abort();
    await expect(first).rejects.toThrow();
    await until(() => signals[0]!.aborted);
    expect((await call(client, 'run_sql', { sql: 'SELECT 1' })).structured.rows).toEqual([[1]]);
  });
});

describe('over standard input and output', { timeout: 240_000 }, () => {
  const main = join(packageRoot(), 'src', 'cli', 'main.ts');
  const args = ['--import', 'tsx', main, 'mcp', '--project'];

  it('answers every tool as a process, and ends when its input does', async () => {
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [...args, folder],
      cwd: packageRoot(),
      stderr: 'pipe',
    });
    await everyTool(await connect(transport));
  });

  it('writes nothing but the protocol, also where it starts with a warning or a build', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'querent-mcp-new-'));
    const child = spawn(process.execPath, [...args, empty], { cwd: packageRoot() });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    const initialize = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
    };
    child.stdin.write(
      `${JSON.stringify(initialize)}\nthis is no JSON\n{"jsonrpc":"2.0","id":2,"method":"ping"}\n`,
    );
    await until(() => out.split('\n').length > 2);
    child.stdin.end();
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: number; result: unknown });
    expect(lines.map(({ id }) => id)).toEqual([1, 2]);
    expect(lines[0]!.result).toMatchObject({
      protocolVersion: '2025-06-18',
      serverInfo: { name: 'querent' },
    });
    await rm(empty, { recursive: true, force: true });
  });

  it('withdraws a question that the client withdraws', async () => {
    const { backend, signals } = waitingBackend();
    const [input, output] = [new PassThrough(), new PassThrough()];
    const connection = serveStdio(factoryOf(backend), { transport: new StdioServerTransport(input, output) });
    closers.push(() => connection.close());
    const send = (message: object) => input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    const clientInfo = { name: 'test', version: '1' };
    send({
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo },
    });
    send({ method: 'notifications/initialized' });
    send({
      id: 2,
      method: 'tools/call',
      params: { name: 'ask_database', arguments: { question: 'How many?' } },
    });
    await until(() => signals.length === 1);
    send({ method: 'notifications/cancelled', params: { requestId: 2 } });
    await until(() => signals[0]!.aborted);
  });

  it('says on standard error why it does not start', async () => {
    const run = await runQuerent(['mcp', '--model', 'nowhere'], { workingDirectory: folder });
    expect(run).toMatchObject({ exitCode: 1, stdout: '' });
    expect(run.stderr).toMatch(/\[cli\/no-model\][\s\S]*next:/);
  });
});
