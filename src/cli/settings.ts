/**
 * Configuration of a command: a YAML or JSON file, then `--set path.to.key=value` on top, then checked by the schema
 * of whoever uses it. It does not know any key.
 */
import { extname } from 'node:path';
import { parse as parseYaml } from 'yaml';
import type { z } from 'zod';
import { parseConfig } from '../foundation/config.ts';
import { messageOf, QuerentError } from '../foundation/errors.ts';
import { readTextFile } from '../foundation/files.ts';

type Tree = { [key: string]: unknown };

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parseValue(text: string, value: string): unknown {
  try {
    return parseYaml(value, { logLevel: 'error' }) as unknown;
  } catch (thrown) {
    throw new QuerentError('usage/set', `--set ${text}: the value cannot be read: ${messageOf(thrown)}`, {
      next: 'Quote text that holds brackets, colons or quotes.',
      cause: thrown,
    });
  }
}

/** `training.learningRate=2e-5` -> path and value; the value is read as YAML, so numbers, booleans and lists work. */
function parseOverride(text: string): { path: string[]; value: unknown } {
  const at = text.indexOf('=');
  const path = text.slice(0, Math.max(0, at)).split('.');
  if (at <= 0 || path.some((part) => part === '' || part === '__proto__')) {
    throw new QuerentError(
      'usage/set',
      `--set ${text}: expected key=value, for example sft.learningRate=0.001`,
      {
        next: 'Write the key with dots, then "=", then the value.',
      },
    );
  }
  return { path, value: parseValue(text, text.slice(at + 1)) };
}

/** A copy of `base` with every override in place. */
export function applyOverrides(base: unknown, overrides: readonly string[]): unknown {
  const tree: Tree = isTree(base) ? structuredClone(base) : {};
  for (const text of overrides) {
    const { path, value } = parseOverride(text);
    let node = tree;
    for (const part of path.slice(0, -1)) {
      const child = node[part];
      const next: Tree = isTree(child) ? child : {};
      node[part] = next;
      node = next;
    }
    node[path.at(-1)!] = value;
  }
  return tree;
}

/** Objects are merged key by key, everything else is replaced. */
export function mergeTrees(base: unknown, over: unknown): unknown {
  if (!isTree(base) || !isTree(over)) return over === undefined ? base : over;
  const merged: Tree = { ...base };
  for (const [key, value] of Object.entries(over)) merged[key] = mergeTrees(merged[key], value);
  return merged;
}

/** Reads `.yaml`, `.yml` or `.json`; an empty file is an empty configuration. */
export async function readConfigFile(path: string): Promise<unknown> {
  const text = await readTextFile(path, 'configuration');
  try {
    const parsed: unknown =
      extname(path) === '.json' ? JSON.parse(text) : parseYaml(text, { logLevel: 'error' });
    if (parsed === null || parsed === undefined) return {};
    if (isTree(parsed)) return parsed;
  } catch (thrown) {
    throw new QuerentError('config/not-parsable', `${path} cannot be read: ${messageOf(thrown)}`, {
      next: 'Correct the line named above; `.json` files are read as JSON, all others as YAML.',
      details: { path },
      cause: thrown,
    });
  }
  throw new QuerentError('config/not-parsable', `${path}: expected keys and values at the top level`, {
    next: 'Write `key: value` lines.',
    details: { path },
  });
}

export interface SettingSources {
  readonly base?: unknown;
  readonly configPath?: string | undefined;
  readonly overrides?: readonly string[];
}

/** Base (a preset), then the file, then `--set`; refused with the source's name when something is wrong. */
export async function loadSettings<S extends z.ZodType>(
  schema: S,
  sources: SettingSources,
): Promise<Readonly<z.output<S>>> {
  const fromFile = sources.configPath === undefined ? {} : await readConfigFile(sources.configPath);
  const merged = applyOverrides(mergeTrees(sources.base ?? {}, fromFile), sources.overrides ?? []);
  const names = [sources.configPath, (sources.overrides ?? []).length > 0 ? '--set' : undefined];
  return parseConfig(
    schema,
    merged,
    names.filter((name) => name !== undefined).join(' with ') || 'configuration',
  );
}
