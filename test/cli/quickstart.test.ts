/** `querent quickstart` in its smallest form: every stage runs, and the one JSON line has its form. Nothing is learned here. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { QuickstartResult } from '../../src/cli/quickstart/result.ts';
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
});
