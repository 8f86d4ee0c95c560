import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { isQuerentError } from '../foundation/errors.ts';
import { packageRoot } from '../foundation/files.ts';
import { tagValue } from './example.ts';
import { parseExamples, readExamples, writeExamples } from './example-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-examples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (text: string): string => {
  const path = join(folder, 'set.jsonl');
  writeFileSync(path, text);
  return path;
};

describe('parseExamples', () => {
  it('reads both names of the question, keeps tags and makes tags of other fields', () => {
    const { examples, problems } = parseExamples(
      '{"query":"a","sql":"SELECT 1","difficulty":"very hard","tags":["x:y"],"nested":{}}\n\n{"id":"q","question":"b","sql":"SELECT 2","reasoning":"r"}\n',
      'set',
      'erp',
    );
    expect(problems).toEqual([]);
    expect(examples).toEqual([
      {
        id: 'set-1',
        question: 'a',
        sql: 'SELECT 1',
        databaseId: 'erp',
        tags: ['x:y', 'difficulty:very hard'],
      },
      { id: 'q', question: 'b', sql: 'SELECT 2', reasoning: 'r', databaseId: 'erp', tags: [] },
    ]);
    expect(tagValue(examples[0]!, 'difficulty')).toBe('very hard');
  });

  it.each([
    ['{"query":"a","sql":"SELECT 1"', 1, /not JSON/],
    ['\n{"query":"a"}', 2, /"sql"/],
    ['{"sql":"SELECT 1"}', 1, /"query" or "question"/],
    ['[]', 1, /object/],
    ['{"query":" ","sql":"SELECT 1"}', 1, /"query"/],
    ['{"id":"a","query":"a","sql":"b"}\n{"id":"a","query":"a","sql":"b"}', 2, /already in row 1/],
    ['{"query":"a","sql":"SELE', 1, /cut off/],
    ['{"query":"a","sql":"SELECT 1\\u0000"}', 1, /NUL/],
    ['{"query":"a","sql":7}', 1, /"sql"/],
    ['{"query":"a","sql":"b","tags":"x"}', 1, /"tags"/],
    ['\0\0{', 1, /not JSON/],
    ['null', 1, /object/],
    ['{"query":"a","sql":"b"}{"query":"a","sql":"b"}', 1, /not JSON/],
  ])('%j: names row %d', (jsonl, row, problem) => {
    const { problems } = parseExamples(jsonl, 'set', 'erp');
    expect(problems).toHaveLength(1);
    expect(problems[0]!.row).toBe(row);
    expect(problems[0]!.problem).toMatch(problem);
  });
});

it('reads past a byte-order mark, Windows line ends and blank lines, and counts rows through them', () => {
  const jsonl = '\uFEFF{"query":"a","sql":"b"}\r\n\r\n  \r\n{"query":"c","sql":"d"}\r\n';
  const { examples, rows, problems } = parseExamples(jsonl, 'set', 'erp');
  expect(problems).toEqual([]);
  expect(rows).toEqual([1, 4]);
  expect(examples.map(({ id, sql }) => [id, sql])).toEqual([
    ['set-1', 'b'],
    ['set-4', 'd'],
  ]);
});

it('any cut of a good file gives the whole lines and at most one problem, in the row of the cut', () => {
  const whole = Array.from({ length: 4 }, (_, i) =>
    JSON.stringify({ query: `q${i} é`, sql: `SELECT ${i}` }),
  ).join('\n');
  for (let length = 0; length <= whole.length; length++) {
    const { examples, problems } = parseExamples(whole.slice(0, length), 'set', 'erp');
    const row = whole.slice(0, length).split('\n').length;
    expect(examples.length).toBeGreaterThanOrEqual(row - 1);
    expect(problems.length).toBeLessThanOrEqual(1);
    if (problems.length === 1) expect(problems[0]!.row).toBe(row);
  }
});

describe('readExamples', () => {
  it.each([
    ['{"query":"a","sql":"b"}\n{"query":"a', /row 2: not JSON/],
    ['', /holds no examples/],
  ])('refuses %j', async (jsonl, message) => {
    await expect(readExamples(file(jsonl), 'erp')).rejects.toThrow(message);
  });

  it('never throws anything but a QuerentError', async () => {
    const line = fc.oneof(fc.string(), fc.json(), fc.constant('{"query":"a","sql":"b"}'));
    await fc.assert(
      fc.asyncProperty(fc.array(line), async (lines) => {
        const failure = await readExamples(file(lines.join('\n')), 'erp').catch((thrown: unknown) => thrown);
        return !(failure instanceof Error) || isQuerentError(failure);
      }),
      { numRuns: 200 },
    );
  });

  it('reads what writeExamples wrote', async () => {
    const path = join(folder, 'written.jsonl');
    const examples = [
      { id: 'a', question: 'q\n"1"', sql: "SELECT 'x'", databaseId: 'erp', tags: ['difficulty:easy'] },
      { id: 'b', question: 'q2', sql: 'SELECT 2', reasoning: 'r', databaseId: 'erp', tags: [] },
    ];
    await writeExamples(path, examples);
    expect(await readExamples(path, 'erp')).toEqual(examples);
  });

  it('reads every curated set of the demonstration', async () => {
    const erp = join(packageRoot(), 'datasets', 'erp');
    const files = readdirSync(erp, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.jsonl'),
    );
    expect(files.length).toBeGreaterThanOrEqual(4);
    for (const name of files) expect((await readExamples(join(erp, name), 'erp')).length).toBeGreaterThan(0);
  });
});
