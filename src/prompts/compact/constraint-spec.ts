/** Describes the constraint of `compact-constraint.ts` for one schema and tokenizer, as data that a worker can be sent. */
import { createHash } from 'node:crypto';
import type { ConstraintSpec } from '../../engine/policy.ts';
import type { Tokenizer } from '../../engine/tokenizer/tokenizer.ts';
import { facetsOf, type LinkedValue } from '../../schema/link/linked-value.ts';
import type { Schema } from '../../schema/schema.ts';
import {
  type ColumnClass,
  type CompactConstraintOptions,
  constraintModuleUrl,
} from './compact-constraint.ts';
import type { CompactSettings } from './compact-format.ts';

const sampleValues: Readonly<Record<string, LinkedValue>> = {
  number: { kind: 'number', value: 30, isPercent: true },
  year: { kind: 'year', year: 2024 },
  quarter: { kind: 'quarter', year: 2024, quarter: 1 },
  month: { kind: 'month', year: 2024, month: 1 },
  day: { kind: 'day', date: '2024-01-01' },
  text: { kind: 'text', text: 'x', columns: [] },
};

function kindOfTypeWord(word: string): string {
  const name = word.slice(1, -1);
  if (name === 'percent') return 'number';
  return name in sampleValues ? name : 'text';
}

/** A name that stands for different classes in different tables is left out. */
function columnClasses(schema: Schema): (readonly [string, ColumnClass])[] {
  const classes = new Map<string, ColumnClass | null>();
  for (const column of schema.tables.flatMap((table) => table.columns)) {
    const isDate = column.kind === 'date' || column.kind === 'datetime';
    const isNumber = column.kind === 'integer' || column.kind === 'real' || column.kind === 'boolean';
    const found: ColumnClass | null = isDate
      ? 'date'
      : isNumber
        ? 'number'
        : column.textValues.length > 0
          ? 'text'
          : null;
    const known = classes.get(column.name);
    classes.set(column.name, known === undefined || known === found ? found : null);
  }
  return [...classes].flatMap(([name, found]) => (found === null ? [] : [[name, found] as const]));
}

/** The serialisable description of the constraint for one schema and tokenizer. */
export function compactConstraint(
  schema: Schema,
  settings: CompactSettings,
  tokenizer: Tokenizer,
): ConstraintSpec {
  const withIds = (list: readonly string[]): [number, string][] =>
    list.flatMap((word) => {
      const ids = tokenizer.encode(word);
      return ids.length === 1 ? [[ids[0]!, word] as [number, string]] : [];
    });
  const facetsByKind = Object.fromEntries(
    Object.entries(sampleValues).map(([kind, value]) => [
      kind,
      [...facetsOf(value, settings.today).keys()].filter((facet) => facet !== ''),
    ]),
  );
  const typeWords = withIds(settings.questionWords.filter((word) => word.startsWith('['))).map(
    ([id, word]) => [id, kindOfTypeWord(word), word.slice(1, -1)] as const,
  );
  const slots = Array.from({ length: 10 }, (_, i) => `<v${i}>`);
  const options: CompactConstraintOptions = {
    words: withIds(settings.sqlWords),
    placeholders: slots.map((word) => [tokenizer.tokenToId(word)!, word] as const),
    stopToken: tokenizer.tokenToId('</s>')!,
    columnClasses: columnClasses(schema),
    impliedFrom: settings.impliedFrom,
    tables: schema.tables.map((table) => [table.name, table.columns.map((column) => column.name)] as const),
    facetsByKind,
    typeWords,
  };
  const key = createHash('sha256').update(JSON.stringify(options)).digest('hex');
  return { moduleUrl: constraintModuleUrl, exportName: 'createCompactConstraint', options, key };
}
