/**
 * The curves of a run as one HTML file that opens anywhere: no network, no script, light and dark. It knows which metrics
 * belong on one chart; the numbers come from the metrics log.
 */
import { existsSync } from 'node:fs';
import { writeFileAtomic } from '../foundation/files.ts';
import { runPaths } from './checkpoint.ts';
import { type MetricsRecord, readMetricsLog } from './metrics-log.ts';
import { type Chart, drawChart, escapeHtml, formatNumber, type Point, type Series } from './svg-chart.ts';

/** A chart by the names of its metrics; `text` says how to read it. */
interface ChartPlan {
  readonly title: string;
  readonly text: string;
  readonly metrics: readonly string[];
  /** Metrics of evaluations, drawn as points. */
  readonly evaluations?: readonly string[];
  readonly band?: readonly [string, string];
}

const chartPlans: readonly ChartPlan[] = [
  {
    title: 'Reward',
    text: 'Mean of the samples; the area spans the lowest to the highest.',
    metrics: ['rewardMean', 'rewardStd'],
    band: ['rewardMin', 'rewardMax'],
  },
  {
    title: 'Loss',
    text: 'Of the step, and on held-out examples.',
    metrics: ['loss', 'negativeLogLikelihood'],
    evaluations: ['loss'],
  },
  {
    title: 'Entropy',
    text: 'Uncertainty of a token; a fall to 0 ends exploration.',
    metrics: ['entropy', 'trainedEntropy'],
  },
  { title: 'KL to the reference', text: 'k3 estimate on the samples.', metrics: ['kl'] },
  {
    title: 'Groups',
    text: 'Without variance nothing can be learned from a group.',
    metrics: ['zeroVarianceShare', 'distinctShare', 'unscoredShare'],
  },
  { title: 'Gradient norm', text: 'Before clipping.', metrics: ['gradientNorm'] },
  {
    title: 'Clipped tokens',
    text: 'Share of the tokens beyond the lower and the upper bound.',
    metrics: ['clippedLow', 'clippedHigh'],
  },
  {
    title: 'Response length',
    text: 'Tokens of a completion.',
    metrics: ['responseLength', 'responseLengthMax'],
  },
  {
    title: 'Cut off',
    text: 'Share of the samples that reached the length limit.',
    metrics: ['truncatedShare'],
  },
  {
    title: 'Sampler and trainer',
    text: 'Mean and largest difference of their log-probabilities.',
    metrics: ['samplerMismatch', 'samplerMismatchMax'],
  },
  { title: 'Learning rate', text: '', metrics: ['learningRate'] },
  { title: 'Speed', text: 'Tokens a second.', metrics: ['tokensPerSecond'] },
];

type StepRecord = Extract<MetricsRecord, { type: 'step' }>;
type EvaluationRecord = Extract<MetricsRecord, { type: 'evaluation' }>;

interface StageRecords {
  readonly stage: string;
  readonly steps: readonly StepRecord[];
  readonly evaluations: readonly EvaluationRecord[];
}

function byStage(records: readonly MetricsRecord[]): StageRecords[] {
  return [...new Set(records.map(({ stage }) => stage))].map((stage) => ({
    stage,
    steps: records.filter((record) => record.type === 'step' && record.stage === stage) as StepRecord[],
    evaluations: records.filter(
      (record) => record.type === 'evaluation' && record.stage === stage,
    ) as EvaluationRecord[],
  }));
}

function stepPoints(records: StageRecords, name: string): Point[] {
  return records.steps.flatMap(({ step, metrics, timing }) => {
    const y = metrics[name] ?? timing[name];
    return y === undefined ? [] : [{ x: step, y }];
  });
}

function evaluationSeries(records: StageRecords, set: string, name: string): Series {
  const points = records.evaluations.flatMap(({ step, metrics, set: of }) => {
    const y = of === set ? metrics[name] : undefined;
    return y === undefined ? [] : [{ x: step, y }];
  });
  return { label: `${set} ${name}`, points, isSparse: true };
}

function plannedChart(plan: ChartPlan, records: StageRecords): Chart {
  const sets = [...new Set(records.evaluations.map(({ set }) => set))];
  const evaluations = (plan.evaluations ?? []).flatMap((name) =>
    sets.map((set) => evaluationSeries(records, set, name)),
  );
  const steps = plan.metrics.map((name) => ({ label: name, points: stepPoints(records, name) }));
  const series = [...steps, ...evaluations].filter(({ points }) => points.length > 0);
  if (plan.band === undefined) return { title: plan.title, series };
  const [low, high] = plan.band.map((name) => stepPoints(records, name)) as [Point[], Point[]];
  const points = low.map(({ x, y }, i) => ({ x, low: y, high: high[i]?.y ?? y }));
  return { title: plan.title, series, band: { label: 'lowest to highest', points } };
}

/** Means of the parts of the reward, one line each. */
function componentChart(records: StageRecords): Chart {
  const names = new Set(records.steps.flatMap(({ metrics }) => Object.keys(metrics)));
  const means = [...names].filter((name) => /^component\..*\.mean$/.test(name));
  const series = means.map((name) => ({ label: name.split('.')[1]!, points: stepPoints(records, name) }));
  return { title: 'Parts of the reward', series };
}

/** What the evaluations measured (EX first), one chart a metric, a line a set. */
function evaluationCharts(records: StageRecords): Chart[] {
  const sets = [...new Set(records.evaluations.map(({ set }) => set))];
  const names = [...new Set(records.evaluations.flatMap(({ metrics }) => Object.keys(metrics)))];
  return names
    .filter((name) => name !== 'loss')
    .map((name) => ({
      title: name === 'ex' ? 'Execution accuracy' : `Evaluation: ${name}`,
      series: sets
        .map((set) => evaluationSeries(records, set, name))
        .filter(({ points }) => points.length > 0),
    }));
}

function figure(chart: Chart, text: string): string {
  const drawing = drawChart(chart);
  if (drawing === undefined) return '';
  const legend = chart.series.map(({ label, points }, i) => {
    const last = points.at(-1)!.y;
    return `<li><i style="background:var(--series-${(i % 5) + 1})"></i>${escapeHtml(label)} <b>${formatNumber(last)}</b></li>`;
  });
  const caption = `<figcaption><h3>${escapeHtml(chart.title)}</h3><p>${escapeHtml(text)}</p><ul>${legend.join('')}</ul></figcaption>`;
  return `<figure>${caption}${drawing}</figure>`;
}

function section(records: StageRecords): string {
  const last = records.steps.at(-1);
  const state = last === undefined ? '' : `step ${last.step} of ${last.total}`;
  const planned = chartPlans.map((plan) => figure(plannedChart(plan, records), plan.text));
  const figures = [
    ...evaluationCharts(records).map((chart) => figure(chart, 'On questions that are not trained on.')),
    planned[0]!,
    figure(componentChart(records), 'Mean over the samples.'),
    ...planned.slice(1),
  ];
  return `<section><h2>${escapeHtml(records.stage.toUpperCase())} <small>${state}</small></h2><div class="charts">${figures.join('')}</div></section>`;
}

const style = `
:root{color-scheme:light dark;--paper:#fbfaf8;--card:#fff;--ink:#1d1c1a;--soft:#6b6862;--grid:#e6e3dd;--series-1:#2563c4;--series-2:#c2570c;--series-3:#0f7f6c;--series-4:#a02c7d;--series-5:#7a6a12}
@media(prefers-color-scheme:dark){:root{--paper:#161617;--card:#1f1f21;--ink:#eceae6;--soft:#a19d95;--grid:#343437;--series-1:#7aa9f7;--series-2:#f0954a;--series-3:#4cc3ac;--series-4:#e07fc0;--series-5:#cdb84a}}
*{box-sizing:border-box}body{margin:0;padding:1.5rem;background:var(--paper);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
h1{font-size:1.35rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:2rem 0 .75rem}h2 small{color:var(--soft);font-weight:400}
.charts{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,360px),1fr))}
figure{margin:0;padding:.9rem 1rem;background:var(--card);border:1px solid var(--grid);border-radius:8px}
h3{font-size:.95rem;margin:0}p{margin:0;color:var(--soft);font-size:.82rem}figcaption{min-height:4.6rem}
ul{list-style:none;margin:.3rem 0 .2rem;padding:0;display:flex;flex-wrap:wrap;gap:.15rem .9rem;font-size:.82rem;color:var(--soft)}
li b{color:var(--ink);font-variant-numeric:tabular-nums;font-weight:600}li i{display:inline-block;width:.7rem;height:.2rem;margin-right:.35rem;vertical-align:middle;border-radius:1px}
svg{width:100%;height:auto;display:block}svg text{font-size:11px;fill:var(--soft);font-variant-numeric:tabular-nums}
.grid{stroke:var(--grid);stroke-width:1}.line{fill:none;stroke-width:1.8;stroke-linejoin:round}.raw{fill:none;stroke-width:1;opacity:.28}.band{fill:var(--series-1);opacity:.1}
`;

export function curvesPage(records: readonly MetricsRecord[], title: string): string {
  const body = byStage(records).map(section).join('') || '<p>No steps yet.</p>';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(title)}</title><style>${style}</style></head>
<body><h1>${escapeHtml(title)}</h1><p>Faint lines are single steps, strong lines their moving average; the number is the last value. Horizontal: optimizer steps.</p>${body}</body></html>
`;
}

/** Write `curves.html` beside the metrics of a run. */
export async function writeCurvesPage(runDirectory: string): Promise<void> {
  const paths = runPaths(runDirectory);
  if (!existsSync(paths.metrics)) return;
  await writeFileAtomic(paths.curves, curvesPage(await readMetricsLog(paths.metrics), 'Training curves'));
}
