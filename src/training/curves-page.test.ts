import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { curvesPage } from './curves-page.ts';
import type { MetricsRecord } from './metrics-log.ts';
import { drawChart, ticks } from './svg-chart.ts';

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

  it('has round ticks around the values', () => {
    expect(ticks(0, 1)).toEqual([0, 0.5, 1]);
    expect(ticks(3, 97)).toEqual([0, 50, 100]);
    expect(ticks(5, 5).length).toBeGreaterThan(1);
  });
});
