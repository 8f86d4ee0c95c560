/** `querent quickstart` in its smallest form: every stage runs, and the one JSON line has its form. Nothing is learned here. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { QuickstartResult } from '../../src/cli/quickstart/result.ts';
import { packageRoot } from '../../src/foundation/files.ts';
import { runQuerent } from './fake-io.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-quickstart-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings = [
  ...['data.train=60', 'data.rl=20', 'data.phrasings=8', 'data.shapes=4', 'evaluation.validationSize=4'],
  ...['model.hiddenSize=32', 'model.intermediateSize=48', 'model.layerCount=1', 'evaluation.maxNewTokens=16'],
  ...[
    'sft.maxSteps=2',
    'grpo.maxSteps=1',
    'grpo.promptsPerStep=2',
    'grpo.groupSize=2',
    'grpo.maxNewTokens=16',
  ],
].flatMap((setting) => ['--set', setting]);

describe('querent quickstart', () => {
  it('goes from database to report and ends with one JSON line', { timeout: 240_000 }, async () => {
    const run = await runQuerent(['quickstart', '--preset', 'minimal', '--json', ...settings], {
      workingDirectory: folder,
    });
    expect(run.stderr).not.toMatch(/error \[/);
    expect(run.exitCode).toBe(0);
    expect(run.stdout.trimEnd().split('\n')).toHaveLength(1);
    const result = run.json<QuickstartResult>();
    for (const stage of ['base', 'sft', 'grpo'] as const) {
      expect(result[stage].ex).toBeGreaterThanOrEqual(0);
      expect(result[stage].ex).toBeLessThanOrEqual(1);
    }
    expect(Object.keys(result.sets)).toEqual(['phrasings', 'practised', 'shapes', 'complex', 'natural']);
    expect(result.sets.complex).toMatchObject({
      total: 15,
      base: expect.any(Number),
      grpo: expect.any(Number),
    });
    expect(result.inventedIdentifiers).toBe(0);
    expect(result.validity).toBeLessThanOrEqual(1);
    expect(result.peakRssMb).toBeGreaterThan(50);

    const home = join(folder, 'runs', 'quickstart');
    const report = readFileSync(join(home, 'report.md'), 'utf8');
    for (const text of ['| phrasings | base |', '| complex | grpo |', '## Comparisons', '### Failures']) {
      expect(report).toContain(text);
    }
    for (const file of [
      'report.html',
      'recipe.json',
      'sft/curves.html',
      'grpo/metrics.jsonl',
      'grpo/final/prompt-format.json',
    ]) {
      expect(existsSync(join(home, file)), file).toBe(true);
    }
  });

  it('goes on from the model of an earlier run', { timeout: 240_000 }, async () => {
    const from = join('runs', 'quickstart', 'grpo', 'final');
    const layersOf = (directory: string): number =>
      JSON.parse(readFileSync(join(folder, directory, 'config.json'), 'utf8')).num_hidden_layers;
    const layers = layersOf(from) + 1;
    const further = [
      'data.reports=20',
      'data.rlReports=6',
      'data.trainKept=30',
      'data.rlCurated=["complex-b"]',
      `model.from=${from}`,
      `model.growTo=${layers}`,
    ].flatMap((setting) => ['--set', setting]);
    const run = await runQuerent(
      ['quickstart', '--preset', 'minimal', '--run', 'second', '--json', ...settings, ...further],
      { workingDirectory: folder },
    );
    expect(run.stderr).not.toMatch(/error \[/);
    expect(run.exitCode).toBe(0);
    const lines = (file: string): string[] =>
      readFileSync(join(folder, 'second', 'data', file), 'utf8')
        .trimEnd()
        .split('\n');
    const reportsIn = (file: string): number =>
      lines(file).filter((line) => line.includes('part:reports')).length;
    expect(reportsIn('rl.jsonl')).toBeGreaterThan(0);
    expect(reportsIn('rl.jsonl')).toBeLessThanOrEqual(6);
    expect(reportsIn('train.jsonl')).toBeLessThanOrEqual(20);
    const written = readFileSync(join(packageRoot(), 'datasets', 'erp', 'complex-b.jsonl'), 'utf8');
    const rewarded = new Set(lines('rl.jsonl').map((line) => JSON.parse(line).query));
    const queries = written
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).query);
    // All but those whose shape is a test's.
    expect(queries.filter((query) => rewarded.has(query)).length).toBeGreaterThan(queries.length / 2);
    expect(lines('train.jsonl').length).toBe(30 + reportsIn('train.jsonl'));
    const tests = (run: string): string => readFileSync(join(folder, run, 'data', 'phrasings.jsonl'), 'utf8');
    expect(tests('second')).toBe(tests(join('runs', 'quickstart')));
    const [first, second] = [from, join('second', 'sft-start')].map((directory) =>
      readFileSync(join(folder, directory, 'tokenizer.json'), 'utf8'),
    );
    expect(second).toBe(first);
    expect(layersOf(join('second', 'grpo', 'final'))).toBe(layers);
  });

  it('refuses to replace the run of the model that it would start from', async () => {
    const from = join('runs', 'quickstart', 'grpo', 'final');
    const run = await runQuerent(['quickstart', '--preset', 'minimal', '--set', `model.from=${from}`], {
      workingDirectory: folder,
    });
    expect(run.exitCode).not.toBe(0);
    expect(run.stderr).toMatch(/usage\/model-in-run.*--run/s);
    expect(existsSync(join(folder, from, 'model.safetensors'))).toBe(true);
  });

  it('says at once that the model to start from is not there', async () => {
    const run = await runQuerent(
      ['quickstart', '--preset', 'minimal', '--run', 'third', '--set', 'model.from=nowhere'],
      { workingDirectory: folder },
    );
    expect(run.exitCode).not.toBe(0);
    expect(run.stderr).toMatch(/nowhere/);
    expect(existsSync(join(folder, 'third', 'data'))).toBe(false);
  });
});
