/** The Python worker as a child process: finds a Python that has its packages, starts it, waits until it listens, ends it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { packageRoot } from '../../foundation/files.ts';

const packages = ['torch', 'transformers', 'peft', 'safetensors'] as const;
const installCommand = `pip install '${join('.', 'python')}[worker]'`;

/** Names what is missing; prints nothing where all is there. */
const probe = `import importlib.util as u, sys
print(*[n for n in ${JSON.stringify(packages)} if u.find_spec(n) is None] + (['Python 3.10'] if sys.version_info < (3, 10) else []))`;

function missingIn(python: string): string | undefined {
  const run = spawnSync(python, ['-c', probe], { encoding: 'utf8', timeout: 60_000 });
  return run.status === 0 ? run.stdout.trim() : undefined;
}

function candidates(env: Readonly<Record<string, string | undefined>>, workingDirectory: string): string[] {
  const inside = (folder: string): string[] => [
    join(folder, 'bin', 'python'),
    join(folder, 'Scripts', 'python.exe'),
  ];
  const environments = [env.VIRTUAL_ENV, join(workingDirectory, '.venv'), join(packageRoot(), '.venv')];
  const files = environments.flatMap((folder) => (folder === undefined ? [] : inside(folder)));
  const named = env.QUERENT_PYTHON === undefined ? [] : [env.QUERENT_PYTHON];
  return [...named, ...files.filter((path) => existsSync(path)), 'python3', 'python'];
}

/** The named one, else the first that has everything. */
export function findWorkerPython(
  named: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
): string {
  const tried = named === undefined ? candidates(env, workingDirectory) : [named];
  const lacking: string[] = [];
  for (const python of tried) {
    const missing = missingIn(python);
    if (missing === '') return python;
    if (missing !== undefined) lacking.push(`${python} lacks ${missing.replaceAll(' ', ', ')}`);
  }
  throw new QuerentError(
    'worker/no-python',
    `no Python here can run the worker: ${lacking.join('; ') || `${tried.join(', ')} not found`}`,
    { next: `Run \`${installCommand}\` in a virtual environment, and name its Python with --python.` },
  );
}

export interface WorkerOptions {
  readonly python: string;
  /** Of `querent-worker`, without host, port and token. */
  readonly args: readonly string[];
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Left out: the worker makes one up, where only this machine can reach it. */
  readonly token?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** What it writes on standard error. */
  readonly onLine: (line: string) => void;
}

export interface RunningWorker {
  readonly url: string;
  readonly token: string;
  readonly model: string;
  readonly device: string;
  readonly process: ChildProcess;
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

interface Listening {
  readonly event: 'listening';
  readonly url: string;
  readonly token?: string;
  readonly model: string;
  readonly device: string;
}

export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { python, args, host, port, token, env, workingDirectory, onLine } = options;
  const folder = join(packageRoot(), 'python');
  const child = spawn(python, ['-m', 'querent_worker', '--host', host, '--port', String(port), ...args], {
    cwd: workingDirectory,
    env: {
      ...env,
      PYTHONPATH: [folder, env.PYTHONPATH].filter((part) => part !== undefined && part !== '').join(':'),
      PYTHONUNBUFFERED: '1',
      // Not on the command line, where every user of the machine could read it.
      ...(token === undefined ? {} : { QUERENT_WORKER_TOKEN: token }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lastLines: string[] = [];
  createInterface(child.stderr).on('line', (line) => {
    lastLines.push(line);
    if (lastLines.length > 20) lastLines.shift();
    onLine(line);
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const listening = await new Promise<Listening>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      const event = parseEvent(line);
      if (event === undefined) onLine(line);
      else resolve(event);
    });
    child.once('error', (thrown) => reject(startFailed(messageOf(thrown))));
    void ended.then(() => reject(startFailed(lastLines.join('\n') || `exit code ${child.exitCode}`)));
  });
  return {
    url: listening.url,
    token: token ?? listening.token ?? '',
    model: listening.model,
    device: listening.device,
    process: child,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function parseEvent(line: string): Listening | undefined {
  try {
    const value = JSON.parse(line) as Partial<Listening>;
    return value.event === 'listening' ? (value as Listening) : undefined;
  } catch {
    return undefined;
  }
}

function startFailed(why: string): QuerentError {
  return new QuerentError('worker/start-failed', `the worker did not start: ${why}`, {
    next: `Correct what it says; its packages come with \`${installCommand}\`.`,
  });
}
