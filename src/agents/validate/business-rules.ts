/**
 * A company's own rules for statements, from a YAML file: what must be filtered, what may not be shown. Knows which columns a
 * statement uses and for what; a statement that cannot be read as a tree is taken to use what it names for everything, so a
 * rule is rather broken than missed. The rules forbid nothing by themselves: who may read what is the database's to enforce.
 */
import { parse } from 'yaml';
import { z } from 'zod';
import { parseConfig } from '../../foundation/config.ts';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { readTextFile } from '../../foundation/files.ts';
import type { Schema } from '../../schema/schema.ts';
import type { PipelineWarning } from '../pipeline.ts';
import { type ColumnRole, type ColumnUses, columnRoles } from '../reading/column-use.ts';

/** `Table.Column` or `Table`; `*` stands for any text: `*.Email`. */
const names = z.array(z.string().min(1)).min(1);
const roles = z.array(z.enum(columnRoles)).min(1);

const ruleSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/, 'expected small letters, digits and dashes'),
  message: z.string().min(1),
  /** `error`: such an answer is not given; `warning`: it is given with the message. */
  severity: z.enum(['info', 'warning', 'error']).default('warning'),
  /** The rule is asked of statements that use one of these; left out: of all. */
  when: z
    .strictObject({ columns: names.optional(), tables: names.optional(), as: roles.optional() })
    .optional(),
  /** One of these columns must be used so. */
  require: z.strictObject({ columns: names, as: roles.default(['filter', 'group', 'join']) }).optional(),
  /** None of these may be used so. */
  forbid: z
    .strictObject({ columns: names.optional(), tables: names.optional(), as: roles.default(['output']) })
    .optional(),
});

export const businessRulesSchema = z.strictObject({ rules: z.array(ruleSchema) });
export type BusinessRule = z.output<typeof ruleSchema>;

const pattern = (name: string): RegExp =>
  new RegExp(`^${name.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 'i');
const matches = (wanted: readonly string[], name: string): boolean =>
  wanted.some((one) => pattern(one).test(name));

/** Whether one of the columns is used in one of the roles; any role where none is named. */
function uses(uses: ColumnUses, columns: readonly string[], as: readonly ColumnRole[] | undefined): boolean {
  return [...uses.columns].some(
    ([name, found]) => matches(columns, name) && (as === undefined || as.some((role) => found.has(role))),
  );
}

function applies({ when }: BusinessRule, used: ColumnUses): boolean {
  if (when === undefined) return true;
  if (when.tables !== undefined && !used.tables.some((table) => matches(when.tables!, table))) return false;
  return when.columns === undefined || uses(used, when.columns, when.as);
}

function isBroken(rule: BusinessRule, used: ColumnUses): boolean {
  const { require, forbid } = rule;
  if (require !== undefined && !uses(used, require.columns, require.as)) return true;
  if (forbid?.columns !== undefined && uses(used, forbid.columns, forbid.as)) return true;
  return forbid?.tables !== undefined && used.tables.some((table) => matches(forbid.tables!, table));
}

export function brokenRules(rules: readonly BusinessRule[], used: ColumnUses): PipelineWarning[] {
  return rules
    .filter((rule) => applies(rule, used) && isBroken(rule, used))
    .map(({ name, message, severity }) => ({ code: `rule/${name}`, message, severity }));
}

/** Names in rules that the schema does not have: a rule with a spelling mistake would never be broken. */
function unknownNames(rules: readonly BusinessRule[], schema: Schema): string[] {
  const tables = schema.tables.map(({ name }) => name);
  const columns = schema.tables.flatMap((table) => table.columns.map(({ name }) => `${table.name}.${name}`));
  const missing = (wanted: readonly string[] = [], known: readonly string[]): string[] =>
    wanted.filter((name) => !known.some((candidate) => pattern(name).test(candidate)));
  return rules.flatMap(({ when, require, forbid }) => [
    ...missing(when?.tables, tables),
    ...missing(forbid?.tables, tables),
    ...missing([...(when?.columns ?? []), ...(require?.columns ?? []), ...(forbid?.columns ?? [])], columns),
  ]);
}

export function parseBusinessRules(text: string, source: string, schema: Schema): readonly BusinessRule[] {
  let value: unknown;
  try {
    value = parse(text);
  } catch (thrown) {
    throw new QuerentError('agents/bad-rules', `${source} is not YAML: ${messageOf(thrown)}`, {
      next: 'Correct the file; datasets/erp/rules.yaml shows the form.',
      cause: thrown,
    });
  }
  const { rules } = parseConfig(businessRulesSchema, value, source);
  const unknown = unknownNames(rules, schema);
  if (unknown.length > 0) {
    throw new QuerentError(
      'agents/bad-rules',
      `${source} names what the database does not have: ${unknown.join(', ')}`,
      { next: 'Write tables as in `querent sql --schema`, columns as Table.Column; * stands for any text.' },
    );
  }
  return rules;
}

export async function loadBusinessRules(path: string, schema: Schema): Promise<readonly BusinessRule[]> {
  return parseBusinessRules(await readTextFile(path, 'business rules'), path, schema);
}
