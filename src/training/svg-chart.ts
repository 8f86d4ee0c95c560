/**
 * One line chart as an SVG text: axes, a faint raw line and its moving average for each series, an optional band.
 * Pure; it knows numbers and labels, not what they mean. Colours are CSS variables of the page.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Series {
  readonly label: string;
  readonly points: readonly Point[];
  /** Draw each point, for values that are measured now and then. */
  readonly isSparse?: boolean;
}

export interface Chart {
  readonly title: string;
  readonly series: readonly Series[];
  /** Area between two values at each x, for example the smallest and the largest reward. */
  readonly band?: {
    readonly label: string;
    readonly points: readonly { x: number; low: number; high: number }[];
  };
}

const width = 460;
const height = 200;
const plot = { left: 52, right: 10, top: 10, bottom: 24 };
/** More points than this are averaged in buckets: a chart is 400 pixels wide. */
const pointsMax = 400;

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Short enough for an axis: 0.0012, 3.4, 12k. */
export function formatNumber(value: number): string {
  const magnitude = Math.abs(value);
  if (value === 0) return '0';
  if (magnitude >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`;
  if (magnitude < 0.001) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

function finite(points: readonly Point[]): Point[] {
  return points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
}

function thinned(points: readonly Point[]): Point[] {
  const size = Math.ceil(points.length / pointsMax);
  if (size <= 1) return [...points];
  const result: Point[] = [];
  for (let start = 0; start < points.length; start += size) {
    const bucket = points.slice(start, start + size);
    const mean = (pick: (point: Point) => number) =>
      bucket.reduce((sum, point) => sum + pick(point), 0) / bucket.length;
    result.push({ x: mean(({ x }) => x), y: mean(({ y }) => y) });
  }
  return result;
}

/** Centred moving average over a twentieth of the points. */
function smoothed(points: readonly Point[]): Point[] {
  const reach = Math.floor(points.length / 40);
  return points.map(({ x }, i) => {
    const window = points.slice(Math.max(0, i - reach), i + reach + 1);
    return { x, y: window.reduce((sum, { y }) => sum + y, 0) / window.length };
  });
}

export interface Axis {
  readonly low: number;
  readonly high: number;
  /** Round numbers; whole ones where all values are whole. */
  readonly marks: readonly number[];
}

const MARKS = 4;

/** The smallest of 1, 2, 5, 10, … that parts a span into at most so many. */
function roundStep(span: number): number {
  const rough = span / MARKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
}

const multiples = (step: number, first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));

function extentOf(values: readonly number[]): readonly [low: number, high: number] {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)] as const, [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ] as const);
}

const magnitudeOf = (low: number, high: number): number => Math.max(Math.abs(low), Math.abs(high));

/** A range that is lost in the rounding of its ends, or of numbers too small to divide by. */
const isPoint = (low: number, high: number): boolean =>
  high - low <= 1e-9 * magnitudeOf(low, high) || high - low < 1e-290;

/** From a mark at or below the smallest value to one at or above the largest; equal values lie in the middle. */
export function axisOf(values: readonly number[]): Axis {
  const [low, high] = extentOf(values);
  const magnitude = magnitudeOf(low, high);
  const span = !isPoint(low, high) ? high - low : magnitude < 1e-290 ? 1 : magnitude;
  const step = Math.max(values.every(Number.isInteger) ? 1 : 0, roundStep(span));
  if (isPoint(low, high)) {
    const [bottom, top] = [low - step, high + step];
    const marks = multiples(step, Math.ceil(bottom / step - 1e-9), Math.floor(top / step + 1e-9));
    return { low: bottom, high: top, marks };
  }
  const marks = multiples(step, Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9));
  return { low: marks[0]!, high: marks.at(-1)!, marks };
}

/** From the smallest value to the largest, so that a curve fills the width. */
function tightAxisOf(values: readonly number[]): Axis {
  const [low, high] = extentOf(values);
  const axis = axisOf(values);
  if (isPoint(low, high)) return axis;
  return { low, high, marks: axis.marks.filter((value) => value >= low && value <= high) };
}

interface Scale {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
}

const pixel = (value: number): string => value.toFixed(1);

function line(points: readonly Point[], scale: Scale): string {
  return points
    .map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${pixel(scale.x(x))} ${pixel(scale.y(y))}`)
    .join('');
}

function drawSeries(series: Series, index: number, scale: Scale): string {
  const points = thinned(finite(series.points));
  const color = `var(--series-${(index % 5) + 1})`;
  if (series.isSparse || points.length === 1) {
    const dots = points.map(
      ({ x, y }) => `<circle cx="${pixel(scale.x(x))}" cy="${pixel(scale.y(y))}" r="3" fill="${color}"/>`,
    );
    return `<path d="${line(points, scale)}" class="line" stroke="${color}"/>${dots.join('')}`;
  }
  const raw = points.length > 40 ? `<path d="${line(points, scale)}" class="raw" stroke="${color}"/>` : '';
  return `${raw}<path d="${line(smoothed(points), scale)}" class="line" stroke="${color}"/>`;
}

function drawBand(band: Chart['band'], scale: Scale): string {
  if (band === undefined || band.points.length === 0) return '';
  const low = smoothed(thinned(band.points.map(({ x, low: y }) => ({ x, y }))));
  const high = smoothed(thinned(band.points.map(({ x, high: y }) => ({ x, y }))));
  const back = line([...low].reverse(), scale).replace('M', 'L');
  return `<path d="${line(high, scale)}${back}Z" class="band"/>`;
}

function drawAxes(xMarks: readonly number[], yMarks: readonly number[], scale: Scale): string {
  const right = width - plot.right;
  const rows = yMarks.map((value) => {
    const y = pixel(scale.y(value));
    return `<line x1="${plot.left}" x2="${right}" y1="${y}" y2="${y}" class="grid"/><text x="${plot.left - 6}" y="${y}" dy="4" text-anchor="end">${formatNumber(value)}</text>`;
  });
  const columns = xMarks.map(
    (value) =>
      `<text x="${pixel(scale.x(value))}" y="${height - 6}" text-anchor="middle">${formatNumber(value)}</text>`,
  );
  return [...rows, ...columns].join('');
}

/** Undefined where there is nothing to draw. */
export function drawChart(chart: Chart): string | undefined {
  const values = chart.series.flatMap(({ points }) => finite(points));
  if (values.length === 0) return undefined;
  const ys = [
    ...values.map(({ y }) => y),
    ...(chart.band?.points.flatMap(({ low, high }) => [low, high]) ?? []),
  ];
  const [xAxis, yAxis] = [tightAxisOf(values.map(({ x }) => x)), axisOf(ys)];
  const along = ({ low, high }: Axis, value: number): number => (value - low) / (high - low);
  const scale: Scale = {
    x: (value) => plot.left + along(xAxis, value) * (width - plot.left - plot.right),
    y: (value) => height - plot.bottom - along(yAxis, value) * (height - plot.top - plot.bottom),
  };
  const drawn = chart.series.map((series, i) => drawSeries(series, i, scale)).join('');
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(chart.title)}">${drawAxes(xAxis.marks, yAxis.marks, scale)}${drawBand(chart.band, scale)}${drawn}</svg>`;
}
