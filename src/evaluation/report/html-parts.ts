/** Small pieces of HTML: escaped text, tables, a line chart as inline SVG, the style of the page. Knows no evaluation. */
import type { Curve } from './report.ts';
import { percentText } from './words.ts';

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Cells are HTML already. */
export function htmlTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: string) =>
    row.map((value) => `<${tag}>${value}</${tag}>`).join('');
  const body = rows.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('\n');
  return `<table><thead><tr>${cells(header, 'th')}</tr></thead><tbody>\n${body}\n</tbody></table>`;
}

const width = 360;
const height = 150;
const margin = { left: 46, right: 10, top: 8, bottom: 20 };

function axisText(value: number, unit: Curve['unit']): string {
  if (unit === 'share') return percentText(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/** Where a value lies between two others, from 0 to 1; the middle where that cannot be said. */
function placeBetween(value: number, low: number, high: number): number {
  const place = (value - low) / (high - low);
  return Number.isFinite(place) ? place : 0.5;
}

/** A line chart; undefined where there are fewer than two finite points. */
export function lineChart({ title, points, unit }: Curve): string | undefined {
  const finite = points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  if (finite.length < 2) return undefined;
  const xs = finite.map(({ x }) => x);
  const ys = finite.map(({ y }) => y);
  // reduce, not Math.min(...): a long run has more steps than a call may have arguments.
  const [xMin, xMax] = [xs.reduce((a, b) => Math.min(a, b)), xs.reduce((a, b) => Math.max(a, b))];
  const [yMin, yMax] = [ys.reduce((a, b) => Math.min(a, b)), ys.reduce((a, b) => Math.max(a, b))];
  const scaleX = (x: number) =>
    margin.left + placeBetween(x, xMin, xMax) * (width - margin.left - margin.right);
  const scaleY = (y: number) =>
    height - margin.bottom - placeBetween(y, yMin, yMax) * (height - margin.top - margin.bottom);
  const path = finite.map(({ x, y }) => `${scaleX(x).toFixed(1)},${scaleY(y).toFixed(1)}`).join(' ');
  const label = (x: number, y: number, anchor: string, text: string) =>
    `<text x="${x}" y="${y}" text-anchor="${anchor}">${escapeHtml(text)}</text>`;
  const bottom = height - margin.bottom;
  return `<figure><figcaption>${escapeHtml(title)}</figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">
<path class="axis" d="M${margin.left},${margin.top}V${bottom}H${width - margin.right}"/>
${label(margin.left - 4, margin.top + 8, 'end', axisText(yMax, unit))}
${label(margin.left - 4, bottom, 'end', axisText(yMin, unit))}
${label(margin.left, height - 5, 'start', String(xMin))}
${label(width - margin.right, height - 5, 'end', String(xMax))}
<polyline points="${path}"/></svg></figure>`;
}

export const pageStyle = `
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #c4302b; --ink: #2563eb; }
@media (prefers-color-scheme: dark) { :root { --good: #4ac26b; --bad: #ff7b72; --ink: #79a8ff; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .8rem 0; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .25rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } td { font-variant-numeric: tabular-nums; }
code { font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.match { color: var(--good); } .wrong { color: var(--bad); } .dim { opacity: .65; }
details { border-bottom: 1px solid var(--line); padding: .35rem 0; } summary { cursor: pointer; }
.filters { margin: .6rem 0; } .filters label { margin-right: 1rem; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; width: 22rem; max-width: 100%; }
svg { width: 100%; } svg text { font-size: 10px; fill: currentColor; opacity: .75; }
.axis { fill: none; stroke: var(--line); } polyline { fill: none; stroke: var(--ink); stroke-width: 1.6; }
section:has(input[value=wrong]:checked) details:not(.has-wrong),
section:has(input[value=contested]:checked) details:not(.contested) { display: none; }
`;
