/** Small pieces of HTML: tables, charts with a legend, the style of the page. Knows no evaluation. */
import { type Chart, drawChart, escapeHtml } from '../../training/svg-chart.ts';

/** Cells are HTML already. */
export function htmlTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: string) =>
    row.map((value) => `<${tag}>${value}</${tag}>`).join('');
  const body = rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n');
  return `<table><thead><tr>${cells(header, 'th')}</tr></thead><tbody>\n${body}\n</tbody></table>`;
}

/** A chart with its legend; nothing where there is nothing to draw. */
export function chartFigure(chart: Chart): string | undefined {
  const drawing = drawChart(chart);
  if (drawing === undefined) return undefined;
  const legend = chart.series.map(
    ({ label }, i) => `<li><i style="background:var(--series-${(i % 5) + 1})"></i>${escapeHtml(label)}</li>`,
  );
  return `<figure><figcaption>${escapeHtml(chart.title)}<ul>${legend.join('')}</ul></figcaption>${drawing}</figure>`;
}

export const pageStyle = `
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #c4302b;
  --series-1: #2563c4; --series-2: #c2570c; --series-3: #0f7f6c; --series-4: #a02c7d; --series-5: #7a6a12; }
@media (prefers-color-scheme: dark) { :root { --good: #4ac26b; --bad: #ff7b72;
  --series-1: #7aa9f7; --series-2: #f0954a; --series-3: #4cc3ac; --series-4: #e07fc0; --series-5: #cdb84a; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .8rem 0; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .25rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } td { font-variant-numeric: tabular-nums; }
code { font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.match { color: var(--good); } .wrong { color: var(--bad); } .dim { opacity: .65; }
details { border-bottom: 1px solid var(--line); padding: .35rem 0; } summary { cursor: pointer; }
.filters { margin: .6rem 0; } .filters label { margin-right: 1rem; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; width: 28rem; max-width: 100%; }
figcaption ul { list-style: none; display: inline-flex; gap: .8rem; margin: 0 0 0 .8rem; padding: 0; font-size: .85rem; }
figcaption i { display: inline-block; width: .7rem; height: .2rem; margin-right: .35rem; vertical-align: middle; }
svg { width: 100%; } svg text { font-size: 11px; fill: currentColor; opacity: .75; }
.grid { stroke: var(--line); } .line { fill: none; stroke-width: 1.8; } .raw { fill: none; opacity: .28; }
.band { fill: var(--series-1); opacity: .1; }
section:has(input[value=wrong]:checked) details:not(.has-wrong),
section:has(input[value=contested]:checked) details:not(.contested) { display: none; }
`;
