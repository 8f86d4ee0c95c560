/** Rows as a table: sorted by any column, copied, saved as CSV. Shows the first rows and the rest on demand. */
import { useMemo, useState } from 'react';
import type { PipelineRows } from '../../../src/agents/pipeline.ts';
import { columnKinds } from '../charts/choose-chart.ts';
import { csvOf, shown, sortRows, tabSeparated } from '../charts/values.ts';
import { CopyButton } from '../shell/copy-button.tsx';

interface Order {
  readonly column: number;
  readonly direction: 'ascending' | 'descending';
}

const rowsAtOnce = 100;

function saveCsv(result: PipelineRows): void {
  const address = URL.createObjectURL(new Blob([csvOf(result.columns, result.rows)], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = 'result.csv';
  link.click();
  URL.revokeObjectURL(address);
}

function nextOrder(order: Order | undefined, column: number): Order | undefined {
  if (order?.column !== column) return { column, direction: 'ascending' };
  return order.direction === 'ascending' ? { column, direction: 'descending' } : undefined;
}

export interface ResultTableProps {
  readonly result: PipelineRows;
  /** One figure stands above already: what can be copied and saved, without a table of one cell. */
  readonly isFigure?: boolean;
}

export function ResultTable({ result, isFigure = false }: ResultTableProps) {
  const [order, setOrder] = useState<Order>();
  const [isWhole, setWhole] = useState(false);
  const kinds = useMemo(() => columnKinds(result), [result]);
  const rows = useMemo(
    () => (order === undefined ? result.rows : sortRows(result.rows, order.column, order.direction)),
    [result, order],
  );
  const visible = isWhole ? rows : rows.slice(0, rowsAtOnce);
  return (
    <div className="result">
      <div className="result-bar">
        <p role="status">
          {rowsText(result)} <span className="dim">in {timeText(result.elapsedMs)}</span>
        </p>
        <span className="spacer" />
        <CopyButton text={() => tabSeparated(result.columns, rows)} label="Copy table" />
        <button type="button" className="quiet" onClick={() => saveCsv({ ...result, rows })}>
          Save CSV
        </button>
      </div>
      {!isFigure && (
        <>
          {/* Scrolls on its own, so it takes the focus: arrow keys must reach what is outside. */}
          <section className="table-scroll" aria-label="Rows" tabIndex={0} data-part="rows">
            <table>
              <thead>
                <tr>
                  {result.columns.map((name, at) => (
                    <th
                      key={at}
                      aria-sort={order?.column === at ? order.direction : 'none'}
                      data-kind={kinds[at]}
                    >
                      <button type="button" onClick={() => setOrder(nextOrder(order, at))}>
                        {name}
                        <span className="sort-mark" aria-hidden="true">
                          {order?.column === at ? (order.direction === 'ascending' ? '↑' : '↓') : ''}
                        </span>
                      </button>
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {visible.map((row, line) => (
                  <tr key={line}>
                    {row.map((value, at) => (
                      <td key={at} data-kind={kinds[at]} className={value === null ? 'null' : undefined}>
                        {shown(value, kinds[at]!)}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        </>
      )}
      {visible.length < rows.length && (
        <button type="button" className="plain more" onClick={() => setWhole(true)}>
          Show all {rows.length.toLocaleString('en-US')} rows
        </button>
      )}
    </div>
  );
}

function rowsText({ rows, truncated }: PipelineRows): string {
  const count = `${rows.length.toLocaleString('en-US')} ${rows.length === 1 ? 'row' : 'rows'}`;
  return truncated ? `The first ${count}` : count;
}

export function timeText(elapsedMs: number): string {
  if (elapsedMs >= 1_000) return `${(elapsedMs / 1_000).toFixed(1)} s`;
  return elapsedMs < 1 ? 'under 1 ms' : `${Math.round(elapsedMs)} ms`;
}
