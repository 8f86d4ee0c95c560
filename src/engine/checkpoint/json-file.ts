/** JSON files of a checkpoint directory, read with an error that names the file. */
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { readTextFile } from '../../foundation/files.ts';

/** An object; `what` says what the file should have been ("model config"). */
export async function readJsonObject(path: string, what: string): Promise<Record<string, unknown>> {
  const text = await readTextFile(path, what);
  let value: unknown;
  let problem = 'it is not an object';
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    problem = messageOf(thrown);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new QuerentError('checkpoint/invalid-json', `the ${what} ${path} is not a JSON object: ${problem}`, {
    next: 'Copy or download the file again, or use an earlier checkpoint.',
    details: { path },
  });
}

export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
