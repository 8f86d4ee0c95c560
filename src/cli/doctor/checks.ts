/** What Querent needs of a machine, each as one small check that says what is missing and what to do. Prints nothing. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, freemem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { sharedSqlite } from '../../database/wasm.ts';
import { loadModel } from '../../engine/checkpoint/model-directory.ts';
import { isQuerentError, messageOf } from '../../foundation/errors.ts';
import { packageRoot } from '../../foundation/files.ts';
import { introspectSqlite } from '../../schema/introspect.ts';
import { shippedModelDirectory, type Workspace } from '../project.ts';
import { usableMemoryBytes } from '../wiring/memory.ts';

export interface CheckResult {
  /** `missing` stops something from working; `note` is worth knowing. */
  readonly status: 'ok' | 'note' | 'missing';
  readonly detail: string;
  readonly next?: string;
}

export interface Check {
  readonly name: string;
  run(): Promise<CheckResult>;
}

const nodeMajorMin = 20;
const memoryBytesMin = 4e9;
const diskBytesMin = 1e9;
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

async function checkNode(version: string): Promise<CheckResult> {
  const major = Number(version.split('.')[0]);
  if (major >= nodeMajorMin) return { status: 'ok', detail: `Node.js ${version}` };
  const next = `Install Node.js ${nodeMajorMin} or later.`;
  return { status: 'missing', detail: `Node.js ${version}, ${nodeMajorMin} or later is needed`, next };
}

async function checkOnnxRuntime(): Promise<CheckResult> {
  try {
    const { listSupportedBackends } = await import('onnxruntime-node');
    const backends = listSupportedBackends()
      .filter(({ bundled }) => bundled)
      .map(({ name }) => name);
    return { status: 'ok', detail: `onnxruntime-node loads (${backends.join(', ')})` };
  } catch (thrown) {
    const next =
      'Run `npm ci` again on this machine; Linux x64/arm64, macOS arm64 and Windows are supported.';
    return { status: 'missing', detail: `onnxruntime-node does not load: ${messageOf(thrown)}`, next };
  }
}

async function checkSqlite(): Promise<CheckResult> {
  try {
    const sqlite = await sharedSqlite();
    return { status: 'ok', detail: `SQLite ${sqlite.capi.sqlite3_libversion()} (WebAssembly)` };
  } catch (thrown) {
    return {
      status: 'missing',
      detail: `SQLite does not start: ${messageOf(thrown)}`,
      next: 'Run `npm ci` again.',
    };
  }
}

async function checkMachine(): Promise<CheckResult> {
  const memory = usableMemoryBytes();
  const detail = `${availableParallelism()} cores, ${gigabytes(memory)} memory, ${gigabytes(freemem())} free`;
  if (memory >= memoryBytesMin) return { status: 'ok', detail };
  const next = `Training wants ${gigabytes(memoryBytesMin)}: use \`quickstart --preset minimal\`, or lower sft.batchSize.`;
  return { status: 'note', detail, next };
}

function nearestExisting(directory: string): string {
  return existsSync(directory) ? directory : nearestExisting(dirname(directory));
}

async function checkDisk(wanted: string): Promise<CheckResult> {
  const directory = nearestExisting(wanted);
  const { bavail, bsize } = await statfs(directory);
  const detail = `${gigabytes(bavail * bsize)} free in ${directory}`;
  if (bavail * bsize >= diskBytesMin) return { status: 'ok', detail };
  return { status: 'note', detail, next: `Checkpoints and runs want about ${gigabytes(diskBytesMin)}.` };
}

export async function checkModel(directory: string): Promise<CheckResult> {
  const next = 'Install the package again, or train one: `querent quickstart`.';
  const files = ['config.json', 'tokenizer.json', 'prompt-format.json', 'model.safetensors'];
  const missing = files.filter((file) => !existsSync(join(directory, file)));
  if (missing.length > 0) {
    return {
      status: 'missing',
      detail: `the shipped model lacks ${missing.join(', ')} in ${directory}`,
      next,
    };
  }
  try {
    const weights = await loadModel(directory);
    return {
      status: 'ok',
      detail: `shipped model: ${weights.config.layerCount} layers of ${weights.config.hiddenSize}`,
    };
  } catch (thrown) {
    return { status: 'missing', detail: `the shipped model is damaged: ${messageOf(thrown)}`, next };
  }
}

async function checkDatabase(workspace: Workspace): Promise<CheckResult> {
  const { databasePath, isDemo, schemaHash } = workspace;
  if (isDemo && !existsSync(databasePath)) {
    return { status: 'ok', detail: 'no querent.json: the ERP demonstration, built at first use' };
  }
  try {
    const schema = await introspectSqlite(databasePath);
    const detail = `${databasePath}: ${schema.tables.length} tables`;
    if (schemaHash === undefined || schemaHash === schema.hash) return { status: 'ok', detail };
    const next = 'Run `querent init DATABASE --force`, then synthesise and train again.';
    return { status: 'note', detail: `${detail}, the schema changed since querent init`, next };
  } catch (thrown) {
    const next = isQuerentError(thrown) ? thrown.next : undefined;
    return { status: 'missing', detail: messageOf(thrown), ...(next === undefined ? {} : { next }) };
  }
}

const versionsScript = `import importlib.metadata as m
for n in ("torch", "transformers", "peft", "trl"):
    try: print(n, m.version(n))
    except m.PackageNotFoundError: print(n, "missing")`;

/** Only tests and benchmarks use Python, so nothing here is ever `missing`. */
async function checkPython(env: Readonly<Record<string, string | undefined>>): Promise<CheckResult> {
  const python = resolve(packageRoot(), env.QUERENT_PYTHON ?? join('.venv', 'bin', 'python'));
  const next =
    'Only for contributors: python3 -m venv .venv && .venv/bin/pip install -r python/requirements-test.txt';
  if (!existsSync(python)) {
    return { status: 'note', detail: 'no Python test environment (not needed to train or ask)', next };
  }
  try {
    const { stdout } = await promisify(execFile)(python, ['-c', versionsScript], { timeout: 20_000 });
    const versions = stdout.trim().split('\n').join(', ');
    return versions.includes('missing')
      ? { status: 'note', detail: `Python test environment: ${versions}`, next }
      : { status: 'ok', detail: `Python test environment: ${versions}` };
  } catch (thrown) {
    return { status: 'note', detail: `the Python test environment does not run: ${messageOf(thrown)}`, next };
  }
}

export function doctorChecks(
  workspace: Workspace,
  env: Readonly<Record<string, string | undefined>>,
): readonly Check[] {
  return [
    { name: 'node', run: () => checkNode(process.versions.node) },
    { name: 'engine', run: checkOnnxRuntime },
    { name: 'sqlite', run: checkSqlite },
    { name: 'machine', run: checkMachine },
    { name: 'disk', run: () => checkDisk(workspace.directory) },
    { name: 'model', run: () => checkModel(shippedModelDirectory()) },
    { name: 'database', run: () => checkDatabase(workspace) },
    { name: 'python', run: () => checkPython(env) },
  ];
}
