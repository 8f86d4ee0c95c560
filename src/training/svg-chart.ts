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

/** Round numbers that cover [low, high]. */
export function ticks(low: number, high: number, count = 4): number[] {
  const magnitude = Math.max(Math.abs(low), Math.abs(high));
  // A range that is lost in the rounding of its ends, or of numbers too small to divide by, is drawn as a point.
  const isPoint = high - low <= 1e-9 * magnitude || high - low < 1e-290;
  const span = isPoint ? (magnitude < 1e-290 ? 1 : magnitude) : high - low;
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  const first = Math.floor(low / step) * step;
  const result: number[] = [];
  for (let value = first; value < high + step * 0.999; value += step)
    result.push(Number(value.toPrecision(12)));
  return result.length > 1 ? result : [first, first + step];
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

function drawAxes(xTicks: readonly number[], yTicks: readonly number[], scale: Scale): string {
  const right = width - plot.right;
  const rows = yTicks.map((value) => {
    const y = pixel(scale.y(value));
    return `<line x1="${plot.left}" x2="${right}" y1="${y}" y2="${y}" class="grid"/><text x="${plot.left - 6}" y="${y}" dy="4" text-anchor="end">${formatNumber(value)}</text>`;
  });
  const columns = xTicks.map(
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
  const xs = values.map(({ x }) => x);
  const extent = (list: readonly number[]) =>
    list.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)] as const, [
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ] as const);
  const [xLow, xHigh] = extent(xs);
  const yTicks = ticks(...extent(ys));
  const [yLow, yHigh] = [yTicks[0]!, yTicks.at(-1)!];
  const scale: Scale = {
    x: (value) => plot.left + ((value - xLow) / (xHigh - xLow || 1)) * (width - plot.left - plot.right),
    y: (value) =>
      height - plot.bottom - ((value - yLow) / (yHigh - yLow)) * (height - plot.top - plot.bottom),
  };
  const xTicks = ticks(xLow, xHigh).filter((value) => value >= xLow && value <= xHigh);
  const drawn = chart.series.map((series, i) => drawSeries(series, i, scale)).join('');
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(chart.title)}">${drawAxes(xTicks, yTicks, scale)}${drawBand(chart.band, scale)}${drawn}</svg>`;
}
