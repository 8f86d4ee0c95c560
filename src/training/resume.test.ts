import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTabularPolicy } from '../../test/support/tabular-policy.ts';
import { wordFormat } from '../../test/support/word-format.ts';
import type { Policy } from '../engine/policy.ts';
import type { RunEvent } from '../foundation/events.ts';
import { latestCheckpoint, readTrainerState } from './checkpoint.ts';
import { readMetricsLog } from './metrics-log.ts';
import { trainSft } from './sft.ts';

const childPath = fileURLToPath(new URL('../../test/support/resume-child.ts', import.meta.url));

/** Runs the child; resolves with the signal that ended it, or its exit code. */
function runChild(directory: string, stage: string, moment: string): Promise<string | number | null> {
  const child = spawn(process.execPath, ['--import', 'tsx', childPath, directory, stage, moment], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal ?? code));
  });
}

/** The curve without what a clock measured. */
async function curveOf(directory: string) {
  const records = await readMetricsLog(join(directory, 'metrics.jsonl'));
  return records.map((record) => (record.type === 'step' ? { ...record, timing: {} } : record));
}

let root: string;
let directory: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'resume-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));
let counter = 0;
beforeEach(() => {
  counter += 1;
  directory = join(root, `run-${counter}`);
});

describe.each(['sft', 'grpo'])('a killed %s run', (stage) => {
  it('goes on as if it had never been killed: same curve, same weights', async () => {
    const whole = join(root, `whole-${stage}`);
    expect(await runChild(whole, stage, 'none')).toBe(0);
    // Before the first checkpoint, between two, in the middle of writing one, and of the last one.
    for (const moment of ['step:2', 'step:7', 'save:12', 'step:15', 'save:20']) {
      expect(await runChild(directory, stage, moment)).toBe('SIGKILL');
    }
    expect(await runChild(directory, stage, 'none')).toBe(0);
    const curve = await curveOf(whole);
    expect(await curveOf(directory)).toEqual(curve);
    expect(curve.filter((record) => record.type === 'step')).toHaveLength(20);
    for (const name of ['final', 'best']) {
      const path = join(name, 'weights.bin');
      expect((await readFile(join(directory, path))).equals(await readFile(join(whole, path)))).toBe(true);
    }
    expect((await readdir(directory)).filter((name) => /\.(tmp|old)$/.test(name))).toEqual([]);
  });

  it('loses at most the steps since the last checkpoint', async () => {
    await runChild(directory, stage, 'step:11');
    const checkpoint = await latestCheckpoint(directory);
    expect((await readTrainerState(checkpoint!)).step).toBe(8);
  });
});

const format = wordFormat(['q0', 'q1', 'a', 'b']);
const examples = ['a', 'b a'].map((sql, i) => ({
  id: sql,
  question: `q${i}`,
  sql,
  databaseId: 'test',
  tags: [],
}));
const config = {
  learningRate: 0.1,
  batchSize: 2,
  maxSteps: 8,
  checkpointEverySteps: 2,
  validationShare: 0,
} as const;
const newPolicy = () => createTabularPolicy({ vocabSize: format.vocabSize });
const train = (policy: Policy, options: Partial<Parameters<typeof trainSft>[0]> = {}) =>
  trainSft({ policy, format, examples, config, runDirectory: directory, ...options });

describe('the run directory', () => {
  it.skipIf(!existsSync('/dev/full'))(
    'keeps the previous checkpoint when the disk fills up while one is written',
    async () => {
      const policy = newPolicy();
      let saves = 0;
      const onFullDisk: Policy = {
        ...policy,
        save: async (target, options) => {
          await policy.save(target, options);
          saves += 1;
          if (saves === 3) await writeFile('/dev/full', 'no space');
        },
      };
      await expect(train(onFullDisk)).rejects.toMatchObject({
        code: 'files/write-failed',
        next: expect.stringMatching(/disk is full/),
      });
      expect((await readTrainerState((await latestCheckpoint(directory))!)).step).toBe(4);
      expect(await readdir(join(directory, 'checkpoints'))).toEqual(['step-00000004']);
      const resumed = newPolicy();
      expect(await train(resumed, { existing: 'resume' })).toMatchObject({
        steps: 8,
        stopReason: 'finished',
      });
      const uninterrupted = newPolicy();
      await train(uninterrupted, { runDirectory: undefined });
      expect(resumed.weights()).toEqual(uninterrupted.weights());
    },
  );

  it('finishes the step, saves and returns on an abort, and can go on from there', async () => {
    const controller = new AbortController();
    const first = await train(newPolicy(), {
      signal: controller.signal,
      observe: (event) => event.type === 'step-end' && event.step === 5 && controller.abort(),
    });
    expect(first).toMatchObject({ steps: 5, stopReason: 'aborted' });
    expect((await readTrainerState((await latestCheckpoint(directory))!)).step).toBe(5);
    const policy = newPolicy();
    expect(await train(policy, { existing: 'resume' })).toMatchObject({ steps: 8, stopReason: 'finished' });
    const uninterrupted = newPolicy();
    await train(uninterrupted, { runDirectory: undefined });
    expect(policy.weights()).toEqual(uninterrupted.weights());
  });

  it('of a finished run is left as it is by another resume', async () => {
    await train(newPolicy());
    const before = await readFile(join(directory, 'metrics.jsonl'), 'utf8');
    const policy = newPolicy();
    expect(await train(policy, { existing: 'resume' })).toMatchObject({ steps: 8, stopReason: 'finished' });
    expect(policy.calls.optimStep).toBe(0);
    expect(await readFile(join(directory, 'metrics.jsonl'), 'utf8')).toBe(before);
  });

  it('is not overwritten by accident', async () => {
    await train(newPolicy());
    await expect(train(newPolicy())).rejects.toMatchObject({ code: 'training/run-exists' });
    expect(await train(newPolicy(), { existing: 'overwrite' })).toMatchObject({ steps: 8 });
  });

  it('is not resumed with other settings or other data', async () => {
    const controller = new AbortController();
    const observe = (event: { type: string }) => event.type === 'step-end' && controller.abort();
    await train(newPolicy(), { signal: controller.signal, observe });
    const resume = (options: Partial<Parameters<typeof trainSft>[0]>) =>
      train(newPolicy(), { existing: 'resume', ...options });
    await expect(resume({ config: { ...config, learningRate: 0.2 } })).rejects.toMatchObject({
      code: 'training/config-changed',
      message: expect.stringMatching(/learningRate/),
    });
    await expect(resume({ examples: [...examples, examples[0]!] })).rejects.toMatchObject({
      code: 'training/data-changed',
    });
  });

  it('made by another version is resumed with a warning', async () => {
    await train(newPolicy());
    const path = join((await latestCheckpoint(directory))!, 'trainer-state.json');
    const warnings: string[] = [];
    const observe = (event: RunEvent) => event.type === 'warning' && warnings.push(event.code);
    await train(newPolicy(), { existing: 'resume', observe });
    expect(warnings).toEqual([]);
    const state = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await writeFile(path, JSON.stringify({ ...state, codeVersion: '0.0.1' }));
    await train(newPolicy(), { existing: 'resume', observe });
    expect(warnings).toEqual(['training/other-code']);
  });

  it('with a damaged checkpoint says which file and what to do', async () => {
    await train(newPolicy());
    const checkpoint = (await latestCheckpoint(directory))!;
    for (const content of ['{"step": 3', '[]', '{}', '']) {
      await writeFile(join(checkpoint, 'trainer-state.json'), content);
      await expect(train(newPolicy(), { existing: 'resume' })).rejects.toMatchObject({
        code: 'training/bad-checkpoint',
        message: expect.stringMatching(/trainer-state\.json/),
        next: expect.stringMatching(/older/),
      });
    }
  });

  it('is repaired when a kill came while a directory was being replaced', async () => {
    await train(newPolicy());
    const best = join(directory, 'final');
    await mkdir(join(directory, 'best.123.0a1b2c3d.old'), { recursive: true });
    await writeFile(join(directory, 'best.123.0a1b2c3d.old', 'weights.bin'), 'old');
    await mkdir(join(directory, 'checkpoints', 'step-00000099.123.0a1b2c3d.tmp'));
    await mkdir(join(directory, 'checkpoints', 'step-00000099.123.0a1b2c3d.tmp.123.00000000.old'));
    await appendFile(join(directory, 'metrics.jsonl'), '{"type":"step","sta');
    await train(newPolicy(), { existing: 'resume' });
    expect(existsSync(best)).toBe(true);
    expect(await readFile(join(directory, 'best', 'weights.bin'), 'utf8')).toBe('old');
    expect(await readdir(join(directory, 'checkpoints'))).toEqual(['step-00000008']);
    expect(await readMetricsLog(join(directory, 'metrics.jsonl'))).toHaveLength(8);
  });
});
