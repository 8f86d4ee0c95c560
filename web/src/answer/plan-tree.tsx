/** EXPLAIN QUERY PLAN as a tree, and the advice that was measured on a copy. */
import type { Advice, PlanNode } from '../../../src/agents/pipeline.ts';
import { CopyButton } from '../shell/copy-button.tsx';
import { sentence } from '../shell/failure-box.tsx';

export function PlanTree({ nodes }: { nodes: readonly PlanNode[] }) {
  if (nodes.length === 0) return <p className="dim pad">The database gave no plan.</p>;
  return (
    <ul className="plan">
      {nodes.map((node, at) => (
        <li key={at} data-operation={node.operation}>
          <span className="plan-node">
            <span className="plan-operation">{node.operation}</span>
            <span>{node.label}</span>
          </span>
          {node.children.length > 0 && <PlanTree nodes={node.children} />}
        </li>
      ))}
    </ul>
  );
}

export function AdviceList({ advice }: { advice: readonly Advice[] }) {
  if (advice.length === 0) return <p className="dim pad">Nothing to improve was found.</p>;
  return (
    <ul className="advice">
      {advice.map(({ kind, message, sql, measured }) => (
        <li key={sql}>
          <p>
            {sentence(message)}
            {measured !== undefined && (
              <strong>
                {' '}
                {measured.beforeMs.toFixed(1)} ms → {measured.afterMs.toFixed(1)} ms
              </strong>
            )}
          </p>
          <pre>{sql}</pre>
          <CopyButton text={sql} label={kind === 'index' ? 'Copy index' : 'Copy rewrite'} />
        </li>
      ))}
    </ul>
  );
}
