/** The Python packages by their own tests: clients of the reward service, which start the real one, and the worker. */
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findPython } from '../bench/harness.ts';
import { packageRoot } from '../src/foundation/files.ts';

interface Outcome {
  readonly failed: boolean;
  readonly output: string;
}

/** Half a minute where nothing else runs; the limit is for machines that do other work. */
const limitMs = 540_000;

const runs = (python: string, program: string): boolean => spawnSync(python, ['-c', program]).status === 0;

/** The clients need no package: any Python 3.9 will do. */
function findAnyPython(): string | undefined {
  const candidate = findPython() ?? 'python3';
  return runs(candidate, 'import sys; sys.exit(sys.version_info < (3, 9))') ? candidate : undefined;
}

function findPythonWithTrl(): string | undefined {
  const candidate = findPython();
  return candidate !== undefined && runs(candidate, 'import importlib.metadata as m; m.version("trl")')
    ? candidate
    : undefined;
}

function unittest(python: string, ...modules: readonly string[]): Promise<Outcome> {
  const cwd = join(packageRoot(), 'python');
  const env = { ...process.env, QUERENT_NODE: process.execPath, PYTHONDONTWRITEBYTECODE: '1' };
  const options = { cwd, env, encoding: 'utf8', maxBuffer: 1e8, timeout: limitMs } as const;
  return new Promise((resolve) => {
    execFile(python, ['-m', 'unittest', '-v', ...modules], options, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: `${stdout}\n${stderr}` }),
    );
  });
}

const anyPython = findAnyPython();
const pythonWithTrl = findPythonWithTrl();

const pythonWithTorch = findPython();
const hasSdk =
  pythonWithTorch !== undefined &&
  runs(pythonWithTorch, 'import importlib.metadata as m; m.version("tinker")');

describe('the Python worker', () => {
  it.skipIf(!hasSdk)(
    'serves the official Tinker SDK (needs the environment of python/requirements-test.txt)',
    async () => {
      const { failed, output } = await unittest(pythonWithTorch!, 'tests.test_worker');
      expect(failed, output).toBe(false);
      expect(output, 'nothing may be skipped here').not.toMatch(/skipped/);
      expect(output).toMatch(/Ran (\d+) tests/);
    },
    limitMs + 60_000,
  );
});

describe('the Python clients', () => {
  it.skipIf(anyPython === undefined)(
    'score over the service, as TRL and verl call them (needs Python 3.9 or later)',
    async () => {
      const { failed, output } = await unittest(
        anyPython!,
        'tests.test_client',
        'tests.test_trainers',
        'tests.test_package',
      );
      expect(failed, output).toBe(false);
      expect(output).toMatch(/Ran (\d{2,}) tests/);
    },
    limitMs + 60_000,
  );

  it.skipIf(pythonWithTrl === undefined)(
    'reward a run of the real GRPOTrainer (needs the environment of python/requirements-test.txt)',
    async () => {
      const { failed, output } = await unittest(pythonWithTrl!, 'tests.test_trl_training');
      expect(failed, output).toBe(false);
      expect(output, 'nothing may be skipped here').not.toMatch(/skipped/);
      expect(output).toMatch(/Ran (\d+) tests/);
    },
    limitMs + 60_000,
  );
});
