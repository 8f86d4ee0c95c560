/**
 * Comparisons that can hardly be meant: a text with a number, a date with no date, a value that the column does not have.
 * Knows what the columns hold; a statement that `comparisonsIn` does not understand passes.
 */

import type { SqlToken } from '../../database/sql-text.ts';
import { nearestOf } from '../../schema/link/spelling.ts';
import type { Column, Schema } from '../../schema/schema.ts';
import { comparisonsIn } from '../../schema/syntax/comparisons.ts';
import type { PipelineWarning } from '../pipeline.ts';

const isNumeric = (text: string): boolean => /^\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*$/.test(text);
const isPattern = (text: string): boolean => /[%_*?]/.test(text);
const isDateLike = (text: string): boolean =>
  /^\d{4}(?:-\d{2})?(?:-\d{2})?(?:[ T]|%|-%|$)/.test(text) || text === 'now';

function trouble(name: string, column: Column, { kind, value, text }: SqlToken): PipelineWarning | undefined {
  const issue = (code: string, message: string): PipelineWarning => ({ code, message, severity: 'warning' });
  switch (column.kind) {
    case 'integer':
    case 'real':
      return kind === 'string' && !isNumeric(value) && !isPattern(value)
        ? issue('schema/type', `${name} holds numbers and is compared with the text ${text}`)
        : undefined;
    case 'date':
    case 'datetime':
      return kind === 'string' && !isDateLike(value) && !isPattern(value) && !/^\d{2}$/.test(value)
        ? issue('schema/type', `${name} holds dates and is compared with ${text}, which is none`)
        : undefined;
    case 'text':
      return missingValue(name, column, value, kind);
    default:
      return undefined;
  }
}

/** Only where every value of the column is known. */
function missingValue(
  name: string,
  column: Column,
  value: string,
  kind: SqlToken['kind'],
): PipelineWarning | undefined {
  const { textValues } = column;
  if (kind !== 'string' || isPattern(value) || textValues.length === 0 || textValues.includes(value))
    return undefined;
  const other = textValues.find((known) => known.toLowerCase() === value.toLowerCase());
  const near =
    other ??
    nearestOf(
      value.toLowerCase(),
      textValues.map((known) => known.toLowerCase()),
    );
  const hint =
    near === undefined
      ? ''
      : `; did you mean '${other ?? textValues.find((known) => known.toLowerCase() === near)}'?`;
  return { code: 'schema/no-such-value', message: `no ${name} is '${value}'${hint}`, severity: 'warning' };
}

export function implausibleValues(sql: string, schema: Schema): PipelineWarning[] {
  const found = new Map<string, PipelineWarning>();
  for (const { table, column, literals } of comparisonsIn(sql)) {
    const owner = schema.tables.find(({ name }) => name.toLowerCase() === table.toLowerCase());
    const known = owner?.columns.find(({ name }) => name.toLowerCase() === column.toLowerCase());
    if (owner === undefined || known === undefined) continue;
    for (const literal of literals) {
      const issue = trouble(`${owner.name}.${known.name}`, known, literal);
      if (issue !== undefined) found.set(issue.message, issue);
    }
  }
  return [...found.values()];
}
