import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../src/foundation/files.ts';
import { findPython, measurementOf, median, runAlternating, startPython } from './harness.ts';

describe('median', () => {
  it.each([
    [[3], 3],
    [[1, 9], 5],
    [[9, 1, 5], 5],
    [[4, 1, 3, 2], 2.5],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });
  it('of nothing is refused', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('runAlternating', () => {
  it('takes turns, drops the warm-up and takes medians', async () => {
    const turns: string[] = [];
    let count = 0;
    const result = await runAlternating({
      rounds: 3,
      warmupRounds: 1,
      ours: async () => {
        turns.push('ours');
        return ++count * 10;
      },
      baseline: async () => {
        turns.push('baseline');
        return 5;
      },
    });
    expect(turns).toHaveLength(8);
    expect(turns.slice(0, 4)).toEqual(['baseline', 'ours', 'ours', 'baseline']);
    expect(result.ours).toEqual([20, 30, 40]);
    expect(result.oursMedian).toBe(30);
    expect(result.baselineMedian).toBe(5);
  });

  it('points the ratio upwards for both kinds of units', () => {
    const result = { ours: [2], baseline: [4], oursMedian: 2, baselineMedian: 4 };
    const what = { suite: 's', name: 'n', unit: 'ms' };
    expect(measurementOf({ ...what, better: 'lower' }, result).ratio).toBe(2);
    expect(measurementOf({ ...what, better: 'higher' }, result).ratio).toBe(0.5);
  });
});

const python = findPython();
describe.skipIf(python === undefined)('startPython (skipped without a Python environment)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'querent-bench-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const baselines = join(packageRoot(), 'bench', 'baselines');

  function script(body: string): string {
    const path = join(folder, 'script.py');
    writeFileSync(path, `import sys\nsys.path.insert(0, ${JSON.stringify(baselines)})\n${body}`);
    return relative(baselines, path);
  }

  it('answers calls, ignores stray prints and reports exceptions', async () => {
    const body =
      'from stdio import serve\nprint("hello")\nserve(add=lambda a, b: a + b, fail=lambda: 1 / 0)\n';
    const process = startPython(python!, script(body));
    expect(await process.call<number>('add', { a: 2, b: 3 })).toBe(5);
    await expect(process.call('fail')).rejects.toThrow(/ZeroDivisionError/);
    expect(await process.call<number>('add', { a: 1, b: 1 })).toBe(2);
    await process.close();
  });

  it('rejects what waits when the process dies', async () => {
    const process = startPython(python!, script('import sys\nsys.exit("broken baseline")\n'));
    await expect(process.call('add')).rejects.toThrow(/exit code 1[\s\S]*broken baseline/);
    await process.close();
  });
});
