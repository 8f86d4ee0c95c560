import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { curvesPage } from './curves-page.ts';
import type { MetricsRecord } from './metrics-log.ts';
import { axisOf, drawChart } from './svg-chart.ts';

const steps: MetricsRecord[] = Array.from({ length: 900 }, (_, i) => ({
  type: 'step',
  stage: 'grpo',
  step: i + 1,
  total: 900,
  metrics: {
    loss: Math.sin(i / 50),
    rewardMean: i / 900,
    rewardStd: 0.2,
    rewardMin: 0,
    rewardMax: 1,
    'component.match.mean': i / 900,
    kl: Number.NaN,
    entropy: 0.4,
    zeroVarianceShare: 0.7,
  },
  timing: { tokensPerSecond: 1000 },
}));
const evaluation: MetricsRecord = {
  type: 'evaluation',
  stage: 'grpo',
  set: 'dev',
  step: 900,
  metrics: { ex: 0.83 },
};

describe('curvesPage', () => {
  it('shows a chart for what was measured, and none for what was not', () => {
    const page = curvesPage([...steps, evaluation], 'run <1> & "more"');
    for (const title of [
      'Reward',
      'Parts of the reward',
      'Execution accuracy',
      'Entropy',
      'Groups',
      'Speed',
    ]) {
      expect(page).toContain(`<h3>${title}</h3>`);
    }
    for (const title of ['Gradient norm', 'KL to the reference'])
      expect(page).not.toContain(`<h3>${title}</h3>`);
    expect(page).toContain('step 900 of 900');
    expect(page).toContain('<b>0.83</b>');
    expect(page).toContain('run &#60;1&#62; &#38; &#34;more&#34;');
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('needs nothing from outside and stays small', () => {
    const page = curvesPage([...steps, evaluation], 'run');
    expect(page).not.toMatch(/https?:|<script|<link|<img|@import|url\(/);
    expect(page).toContain('prefers-color-scheme:dark');
    expect(page.length).toBeLessThan(200_000);
  });

  it('is a page also before the first step', () => {
    expect(curvesPage([], 'empty')).toContain('No steps yet.');
  });
});

describe('drawChart', () => {
  it('keeps every coordinate finite and inside the picture', () => {
    const points = fc.array(fc.record({ x: fc.integer({ min: 0, max: 1e6 }), y: fc.double() }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(points, (list) => {
        const sorted = [...list].sort((a, b) => a.x - b.x).filter(({ y }) => Math.abs(y) < 1e200);
        const svg = drawChart({ title: 't', series: [{ label: 's', points: sorted }] });
        if (svg === undefined) return;
        expect(svg).not.toMatch(/NaN|Infinity/);
        for (const [, x, y] of svg.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)) {
          expect(Number(x)).toBeGreaterThanOrEqual(0);
          expect(Number(x)).toBeLessThanOrEqual(460);
          expect(Number(y)).toBeGreaterThanOrEqual(0);
          expect(Number(y)).toBeLessThanOrEqual(200);
        }
      }),
    );
  });

  it.each<[string, readonly number[], readonly number[]]>([
    ['of a share', [0, 0.3, 1], [0, 0.5, 1]],
    ['of large numbers', [3, 97.5], [0, 50, 100]],
    ['on both sides of nothing', [-0.3, 0.1], [-0.3, -0.2, -0.1, 0, 0.1]],
    ['of a few whole numbers', [1, 2, 3], [1, 2, 3]],
    ['of two whole numbers', [0, 1], [0, 1]],
    ['of more whole numbers', [1, 20], [0, 5, 10, 15, 20]],
  ])('has round marks around the values %s', (_, values, marks) => {
    expect(axisOf(values)).toEqual({ low: marks[0], high: marks.at(-1), marks });
  });

  it.each<[number, readonly number[]]>([
    [0, [-1, 0, 1]],
    [1, [0, 1, 2]],
    [5, [4, 6]],
    [0.3, [0.2, 0.3, 0.4]],
    [0.84, [0.5, 1]],
    [-0.84, [-1, -0.5]],
  ])('has %d, which never changes, in the middle', (value, marks) => {
    const axis = axisOf([value, value]);
    expect(axis.marks).toEqual(marks);
    expect((axis.low + axis.high) / 2).toBeCloseTo(value, 12);
  });

  it('draws a flat curve at half the height, and steps with whole numbers', () => {
    const points = [1, 2, 3].map((x) => ({ x, y: 1 }));
    const svg = drawChart({ title: 't', series: [{ label: 's', points }] })!;
    const heights = [...svg.matchAll(/[ML]-?[\d.]+ (-?[\d.]+)/g)].map(([, y]) => Number(y));
    // The plot goes from 10 to 176.
    expect(heights).toEqual([93, 93, 93]);
    const marks = [...svg.matchAll(/text-anchor="middle">([^<]+)</g)].map(([, text]) => text);
    expect(marks).toEqual(['1', '2', '3']);
  });

  it('draws a single measurement in the middle', () => {
    const svg = drawChart({ title: 't', series: [{ label: 's', points: [{ x: 900, y: 0.5 }] }] })!;
    expect(svg).toContain('<circle cx="251.0" cy="93.0"');
  });
});
