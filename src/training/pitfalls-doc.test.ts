/** The table in docs/grpo-pitfalls.md names tests; this one holds it to them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../foundation/files.ts';

const text = readFileSync(join(packageRoot(), 'docs', 'grpo-pitfalls.md'), 'utf8');
const rows = text.split('\n').filter((line) => /^\| \d+ \|/.test(line));

/** `file.test.ts`: "title"; "title of the same file" */
function namedTests(row: string): { file: string; title: string }[] {
  const cell = row.split(' | ').at(-1)!;
  let file = '';
  return [...cell.matchAll(/`([^`]+\.test\.ts)`|"([^"]+)"/g)].flatMap(([, path, title]) => {
    if (path !== undefined) file = path;
    return title === undefined ? [] : [{ file, title }];
  });
}

describe('docs/grpo-pitfalls.md', () => {
  it('has all fifteen', () => {
    expect(rows.map((row) => Number(row.split('|')[1]))).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
  });

  it.each(rows.map((row) => [row.split('|')[2]!.trim(), row] as const))(
    'names tests that exist: %s',
    (_, row) => {
      const tests = namedTests(row);
      expect(tests.length).toBeGreaterThan(0);
      for (const { file, title } of tests) {
        const source = readFileSync(join(packageRoot(), file), 'utf8');
        const declared = [
          ...source.matchAll(/(?:it|describe)(?:\.\w+(?:\([^\n]*?\))?)*\(\s*(['`])(.+?)\1,/g),
        ];
        expect(
          declared.map(([, , name]) => name),
          file,
        ).toContain(title);
      }
    },
  );
});
