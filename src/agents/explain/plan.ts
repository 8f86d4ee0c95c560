/** SQLite's EXPLAIN QUERY PLAN as a tree. Knows the words of its lines; runs nothing itself. */
import type { Execution } from '../../database/execution.ts';
import type { PlanNode } from '../pipeline.ts';

const operations: readonly (readonly [RegExp, PlanNode['operation']])[] = [
  [/^SCAN CONSTANT ROW/, 'other'],
  [/^SCAN /, 'scan'],
  [/^SEARCH /, 'search'],
  [/^USE TEMP B-TREE/, 'sort'],
  [/^(?:CORRELATED )?(?:SCALAR|LIST) SUBQUERY|^MATERIALIZE|^CO-ROUTINE|^RECURSIVE STEP|^SETUP/, 'subquery'],
  [/^COMPOUND|^LEFT-MOST|^UNION|^INTERSECT|^EXCEPT|^MERGE|^LEFT$|^RIGHT$/, 'compound'],
];

function nodeOf(label: string, children: readonly PlanNode[]): PlanNode {
  const operation = operations.find(([words]) => words.test(label))?.[1] ?? 'other';
  const table =
    operation === 'scan' || operation === 'search' ? /^(?:SCAN|SEARCH) (\S+)/.exec(label)?.[1] : undefined;
  const index = /USING (?:AUTOMATIC )?(?:PARTIAL )?(?:COVERING )?(?:INDEX (\S+)|(INTEGER PRIMARY KEY))/.exec(
    label,
  );
  const named = index?.[1] ?? index?.[2];
  return {
    label,
    operation,
    ...(table === undefined ? {} : { table }),
    ...(named === undefined ? {} : { index: named }),
    children,
  };
}

/** Rows of `EXPLAIN QUERY PLAN`: id, parent, unused, detail; undefined where it gave none. */
export function planOf(execution: Execution): readonly PlanNode[] | undefined {
  if (execution.outcome !== 'rows') return undefined;
  const rows = execution.rows.map((row) => ({
    id: Number(row[0]),
    parent: Number(row[1]),
    label: String(row[3]),
  }));
  const under = (parent: number): PlanNode[] =>
    rows
      .filter((row) => row.parent === parent && row.id !== parent)
      .map(({ id, label }) => nodeOf(label, under(id)));
  return under(0);
}
