/** Draws a chosen chart: a figure, bars as a list, a line as SVG. Colours and type come from the style sheet. */
import { useLayoutEffect, useRef, useState } from 'react';
import { type ChartSeries, type ResultChart, ticksOf } from './choose-chart.ts';
import { shortNumber } from './values.ts';

const height = 240;
const margin = { top: 12, right: 16, bottom: 28, left: 56 };

export function ResultChartView({ chart }: { chart: ResultChart }) {
  if (chart.kind === 'figure') {
    return (
      <p className="figure">
        <span className="figure-value">
          {chart.value.toLocaleString('en-US', { maximumFractionDigits: 2 })}
        </span>
        <span className="figure-name">{chart.name}</span>
      </p>
    );
  }
  return (
    <figure className="chart">
      {chart.series.length > 1 && <Legend series={chart.series} />}
      {chart.kind === 'bars' ? <Bars {...chart} /> : <Line {...chart} />}
      <figcaption className="visually-hidden">
        {chart.series.map(({ name }) => name).join(', ')} by {chart.labelName}; the table below has the same
        values.
      </figcaption>
    </figure>
  );
}

function Legend({ series }: { series: readonly ChartSeries[] }) {
  return (
    <ul className="legend">
      {series.map(({ name }, at) => (
        <li key={name} data-series={at}>
          {name}
        </li>
      ))}
    </ul>
  );
}

interface Drawn {
  readonly labels: readonly string[];
  readonly series: readonly ChartSeries[];
}

function Bars({ labels, series }: Drawn) {
  const all = series.flatMap(({ values }) => values.map((value) => value ?? 0));
  const low = Math.min(0, ...all);
  const span = Math.max(0, ...all) - low || 1;
  return (
    <ol className="bars">
      {labels.map((label, row) => (
        <li key={label}>
          <span className="bar-label" title={label}>
            {label}
          </span>
          <span className="bar-tracks">
            {series.map(({ name, values }, at) => {
              const value = values[row] ?? 0;
              const start = ((Math.min(0, value) - low) / span) * 100;
              return (
                <span className="bar-track" key={name}>
                  <span
                    className="bar"
                    data-series={at}
                    style={{ marginInlineStart: `${start}%`, width: `${(Math.abs(value) / span) * 100}%` }}
                  />
                  <span className="bar-value">{values[row] === null ? 'null' : shortNumber(value)}</span>
                </span>
              );
            })}
          </span>
        </li>
      ))}
    </ol>
  );
}

function useWidth() {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width ?? 0));
    observer.observe(ref.current!);
    return () => observer.disconnect();
  }, []);
  return [ref, width] as const;
}

/** Pieces of a line between values that are missing. */
function pathOf(
  values: readonly (number | null)[],
  x: (at: number) => number,
  y: (value: number) => number,
): string {
  let isDown = false;
  return values
    .map((value, at) => {
      if (value === null) {
        isDown = false;
        return '';
      }
      const command = isDown ? 'L' : 'M';
      isDown = true;
      return `${command}${x(at).toFixed(1)},${y(value).toFixed(1)}`;
    })
    .join('');
}

function Line({ labels, series }: Drawn) {
  const [ref, width] = useWidth();
  const ticks = ticksOf(series.flatMap(({ values }) => values.filter((value) => value !== null)));
  const [low, high] = [ticks[0]!, ticks.at(-1)!];
  const inner = {
    width: Math.max(0, width - margin.left - margin.right),
    height: height - margin.top - margin.bottom,
  };
  const x = (at: number): number =>
    margin.left + (labels.length < 2 ? 0 : (at / (labels.length - 1)) * inner.width);
  const y = (value: number): number => margin.top + (1 - (value - low) / (high - low)) * inner.height;
  const every = Math.max(1, Math.ceil(labels.length / Math.max(1, Math.floor(inner.width / 84))));
  return (
    <div ref={ref} className="line-chart">
      {width > 0 && (
        <svg width={width} height={height} aria-hidden="true">
          {ticks.map((tick) => (
            <g key={tick}>
              <line className="grid" x1={margin.left} x2={width - margin.right} y1={y(tick)} y2={y(tick)} />
              <text className="axis" x={margin.left - 8} y={y(tick)} dy="0.32em" textAnchor="end">
                {shortNumber(tick)}
              </text>
            </g>
          ))}
          {labels.map((label, at) =>
            at % every === 0 ? (
              <text key={label} className="axis" x={x(at)} y={height - 8} textAnchor="middle">
                {label}
              </text>
            ) : null,
          )}
          {series.map(({ name, values }, at) => (
            <g key={name} data-series={at}>
              <path className="line" d={pathOf(values, x, y)} />
              {labels.length <= 60 &&
                values.map((value, point) =>
                  value === null ? null : (
                    <circle key={labels[point]} className="point" cx={x(point)} cy={y(value)} r="3">
                      <title>{`${labels[point]}: ${shortNumber(value)}`}</title>
                    </circle>
                  ),
                )}
            </g>
          ))}
        </svg>
      )}
    </div>
  );
}
