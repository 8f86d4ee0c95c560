/** Configuration is parsed once, at the edge, into a frozen typed value; unknown keys are refused by name. */
import { z } from 'zod';
import { QuerentError } from './errors.ts';

function describeIssue(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const prefix = path === '' ? '' : `${path}.`;
    return `unknown key ${issue.keys.map((key) => `"${prefix}${key}"`).join(', ')}`;
  }
  return path === '' ? issue.message : `"${path}": ${issue.message}`;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value) && !ArrayBuffer.isView(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}

/** Keys of an object schema, for the "known keys are …" part of a message. */
function knownKeys(schema: z.ZodType): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/**
 * Parse untrusted configuration. `source` names where it came from (a file, "the command line").
 * Schemas should be `z.strictObject`, so that an unknown key is an error and not silently ignored.
 */
export function parseConfig<S extends z.ZodType>(
  schema: S,
  input: unknown,
  source: string,
): Readonly<z.output<S>> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return deepFreeze(parsed.data);
  const problems = parsed.error.issues.map(describeIssue);
  const keys = knownKeys(schema);
  const unknownKey = parsed.error.issues.some((issue) => issue.code === 'unrecognized_keys');
  throw new QuerentError(
    unknownKey ? 'config/unknown-key' : 'config/invalid',
    `${source}: ${problems.join('; ')}`,
    {
      next: keys.length === 0 ? 'Correct the value and run again.' : `Known keys are: ${keys.join(', ')}.`,
      details: { source, problems },
    },
  );
}
