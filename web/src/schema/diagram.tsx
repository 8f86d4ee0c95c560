/** The ER diagram: tables as cards, foreign keys as lines, what the statement uses lit. Loaded on demand. */
import {
  Background,
  Controls,
  type Edge,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
} from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import { useEffect, useMemo, useState } from 'react';
import type { SchemaResponse } from '../../../src/serving/api/contract.ts';
import { layOut } from './layout.ts';
import { visibleTables } from './visible-tables.ts';
import '../style/diagram.css';

type Table = SchemaResponse['tables'][number];
interface TableData extends Record<string, unknown> {
  readonly table: Table;
  readonly isLit: boolean;
  readonly litColumns: ReadonlySet<string>;
  readonly foreignColumns: ReadonlySet<string>;
  /** Where only some fit: keys and lit columns come first. */
  readonly shownColumns: Table['columns'];
}
type TableNode = Node<TableData, 'table'>;

const width = 216;
const headHeight = 38;
const rowHeight = 24;
const columnsShown = 8;

function TableCard({ data }: NodeProps<TableNode>) {
  const { table, isLit, litColumns, foreignColumns, shownColumns } = data;
  const hidden = table.columns.length - shownColumns.length;
  return (
    <div className="er-table" data-lit={isLit}>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <p className="er-name" title={table.comment ?? undefined}>
        {table.name}
        <span>{table.rows.toLocaleString('en-US')}</span>
      </p>
      <ul>
        {shownColumns.map(({ name, type, primary_key, comment }) => (
          <li key={name} data-lit={litColumns.has(name)} title={comment ?? undefined}>
            <span className="er-key">{primary_key ? 'PK' : foreignColumns.has(name) ? 'FK' : ''}</span>
            <span className="er-column">{name}</span>
            <span className="er-type">{type.toLowerCase()}</span>
          </li>
        ))}
        {hidden > 0 && <li className="er-more">{hidden} more</li>}
      </ul>
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  );
}

const nodeTypes = { table: TableCard };

function columnsOf(table: Table, lit: ReadonlySet<string>, foreign: ReadonlySet<string>): Table['columns'] {
  const weight = ({ name, primary_key }: Table['columns'][number]): number =>
    (lit.has(name) ? 4 : 0) + (primary_key ? 2 : 0) + (foreign.has(name) ? 1 : 0);
  const kept = new Set([...table.columns].sort((a, b) => weight(b) - weight(a)).slice(0, columnsShown));
  return table.columns.filter((column) => kept.has(column));
}

function tableData(
  schema: SchemaResponse,
  table: Table,
  tables: ReadonlySet<string>,
  columns: readonly string[],
): TableData {
  const litColumns = new Set(
    columns
      .filter((name) => name.startsWith(`${table.name}.`))
      .map((name) => name.slice(table.name.length + 1)),
  );
  const foreignColumns = new Set(
    schema.foreign_keys.filter((key) => key.table === table.name).flatMap((key) => key.columns),
  );
  const shownColumns = columnsOf(table, litColumns, foreignColumns);
  return { table, isLit: tables.has(table.name), litColumns, foreignColumns, shownColumns };
}

export interface DiagramProps {
  readonly schema: SchemaResponse;
  readonly tables: readonly string[];
  /** As `Table.Column`. */
  readonly columns: readonly string[];
  readonly isTall?: boolean;
}

export default function Diagram({ schema, tables, columns, isTall = false }: DiagramProps) {
  const [isWhole, setWhole] = useState(false);
  const [nodes, setNodes] = useState<TableNode[]>();
  const [problem, setProblem] = useState<string>();
  const key = `${tables.join()}|${columns.join()}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the names decide, not the arrays that hold them
  const used = useMemo(() => new Set(tables), [key]);
  const visible = useMemo(() => visibleTables(schema, used, isWhole), [schema, used, isWhole]);
  const keys = schema.foreign_keys.filter(
    ({ table, references_table }) =>
      visible.has(table) && visible.has(references_table) && table !== references_table,
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: as above; the keys follow from schema and visible
  useEffect(() => {
    let isWanted = true;
    const cards = schema.tables
      .filter(({ name }) => visible.has(name))
      .map((table) => ({ id: table.name, data: tableData(schema, table, used, columns) }))
      .map(({ id, data }) => {
        const lines =
          data.shownColumns.length + (data.shownColumns.length < data.table.columns.length ? 1 : 0);
        return { id, data, width, height: headHeight + lines * rowHeight + 10 };
      });
    layOut(
      cards.map(({ id, height }) => ({ id, width, height })),
      keys.map(({ table, references_table }, at) => ({ id: `k${at}`, from: references_table, to: table })),
    ).then(
      (positions) => {
        if (!isWanted) return;
        setNodes(
          cards.map((card) => ({
            ...card,
            type: 'table' as const,
            position: positions.get(card.id) ?? { x: 0, y: 0 },
            ariaLabel: `Table ${card.id}${card.data.isLit ? ', used' : ''}`,
          })),
        );
      },
      (thrown: unknown) => setProblem(thrown instanceof Error ? thrown.message : String(thrown)),
    );
    return () => {
      isWanted = false;
    };
  }, [schema, visible, key]);

  if (problem !== undefined) return <p className="dim pad">The diagram cannot be drawn: {problem}</p>;
  if (nodes === undefined) return <p className="dim pad">Drawing …</p>;
  const edges: Edge[] = keys.map(({ table, references_table, columns: names }, at) => {
    const isLit = used.has(table) && used.has(references_table);
    return {
      id: `k${at}`,
      source: references_table,
      target: table,
      className: isLit ? 'er-edge is-lit' : 'er-edge',
      markerEnd: { type: MarkerType.ArrowClosed, color: isLit ? 'var(--accent)' : 'var(--line-strong)' },
      ariaLabel: `${table}.${names.join(', ')} refers to ${references_table}`,
    };
  });
  return (
    <div className={isTall ? 'diagram is-tall' : 'diagram'}>
      <ReactFlow
        key={[...visible].join()}
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        fitView
        fitViewOptions={{
          padding: 0.08,
          maxZoom: 1,
          ...(used.size > 0 ? { nodes: tables.map((id) => ({ id })) } : {}),
        }}
        minZoom={0.1}
        nodesConnectable={false}
        nodesDraggable
        edgesFocusable={false}
        preventScrolling={isTall}
        proOptions={{ hideAttribution: true }}
      >
        <Background gap={20} color="var(--line)" />
        <Controls showInteractive={false} />
      </ReactFlow>
      {!isWhole && visible.size < schema.tables.length && (
        <button type="button" className="plain diagram-all" onClick={() => setWhole(true)}>
          Show all {schema.tables.length} tables
        </button>
      )}
    </div>
  );
}
