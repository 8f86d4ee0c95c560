/** One curve on a canvas with uPlot: the values faint, the mean around them strong. Loaded on demand. */
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { type Point, smoothed, valueText } from './curves.ts';

const height = 170;

function dataOf(points: readonly Point[]): uPlot.AlignedData {
  const values = points.map(([, value]) => value);
  return [points.map(([step]) => step), values, smoothed(values, Math.min(51, points.length / 24))];
}

export interface CurveProps {
  readonly title: string;
  readonly points: readonly Point[];
  /** Colours are read when the curve is made: another theme makes it anew. */
  readonly theme: string;
}

export default function Curve({ title, points, theme }: CurveProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(points);
  latest.current = points;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme changes the colours that are read here
  useEffect(() => {
    const element = host.current!;
    const style = getComputedStyle(element);
    // A canvas knows no custom properties and no light-dark(): the element's own colour resolves them.
    const color = (name: string): string => {
      element.style.color = `var(${name})`;
      return style.color;
    };
    const axis = {
      stroke: color('--ink-soft'),
      grid: { stroke: color('--line'), width: 1 },
      ticks: { show: false },
      font: `11px ${style.fontFamily}`,
    };
    const created = new uPlot(
      {
        width: element.clientWidth,
        height,
        legend: { show: false },
        // Room for the last number of the axis.
        padding: [8, 22, 0, 0],
        cursor: { y: false, points: { size: 6 } },
        scales: { x: { time: false } },
        axes: [
          { ...axis, size: 26 },
          { ...axis, size: 52, values: (_, ticks) => ticks.map(valueText) },
        ],
        series: [
          {},
          { label: title, stroke: color('--curve-faint'), width: 1, points: { show: false } },
          { label: 'mean', stroke: color('--accent'), width: 2, points: { show: points.length < 2 } },
        ],
      },
      dataOf(latest.current),
      element,
    );
    plot.current = created;
    const observer = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      created.destroy();
    };
  }, [theme, title]);

  useEffect(() => {
    plot.current?.setData(dataOf(points));
  }, [points]);

  const values = points.map(([, value]) => value);
  const [start, end] = [values[0], values.at(-1)];
  const summary =
    start === undefined || end === undefined
      ? title
      : `${title}: ${valueText(start)} at step ${points[0]![0]}, ${valueText(end)} at step ${points.at(-1)![0]}`;
  return <div ref={host} className="curve" role="img" aria-label={summary} />;
}
