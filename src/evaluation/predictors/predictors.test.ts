/** Commands and files as predictors: real processes, real files, and what goes wrong with them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Prediction, Predictor } from '../../agents/predictor.ts';
import { askOf, greedy, sourceOf } from './candidate-source.ts';
import { createCommandPredictor } from './command-predictor.ts';
import { openPredictionFile } from './prediction-file.ts';

const root = mkdtempSync(join(tmpdir(), 'querent-predictors-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function write(name: string, content: string): string {
  const path = join(root, name);
  writeFileSync(path, content);
  return path;
}
const asks = ['a', 'b', 'c'].map((id) => ({ id, question: `q ${id}`, databaseId: 'd' }));
const sqlOf = (answers: readonly (readonly Prediction[])[]) =>
  answers.map((each) => each.map(({ sql }) => sql));

describe('askOf', () => {
  it('shows no gold', () => {
    const example = {
      id: 'a',
      question: 'q',
      sql: 'GOLD',
      reasoning: 'GOLD',
      databaseId: 'd',
      evidence: 'e',
    };
    const ask = askOf({ ...example, tags: ['table:t', 'template:GOLD'] });
    expect(ask).toEqual({ id: 'a', question: 'q', databaseId: 'd', evidence: 'e', table: 't' });
  });
});

describe('sourceOf', () => {
  it('refuses samples of a predictor that gives one answer', async () => {
    const predictor: Predictor = {
      name: 'one',
      predict: async (questions) => questions.map((sql) => ({ sql, latencyMs: 0 })),
      close: async () => {},
    };
    expect(sqlOf(await sourceOf(predictor).propose(asks, greedy))).toEqual([['q a'], ['q b'], ['q c']]);
    await expect(sourceOf(predictor).propose(asks, { samples: 4, temperature: 1 })).rejects.toMatchObject({
      code: 'evaluation/cannot-sample',
    });
  });
});

describe('createCommandPredictor', () => {
  const program = (name: string, body: string, timeoutMs = 30_000) =>
    createCommandPredictor({
      command: `"${process.execPath}" "${write(name, body)}"`,
      workingDirectory: root,
      schemaTextOf: async () => 'CREATE TABLE t (a);',
      databasePathOf: async () => 'd.sqlite',
      timeoutMs,
    });
  const loop = (body: string) =>
    `require('readline').createInterface({ input: process.stdin }).on('line', (line) => { const ask = JSON.parse(line); ${body} });`;

  it('asks one process for all, and reads SQL and objects', async () => {
    const predictor = program(
      'echo.cjs',
      loop(
        "console.log(ask.id === 'b' ? JSON.stringify({ sql: 'S ' + ask.schema, confidence: 0.5 }) : process.pid + ' ' + ask.question + ';')",
      ),
    );
    const first = await predictor.propose(asks, greedy);
    const second = await predictor.propose(asks.slice(0, 1), { samples: 2, temperature: 1 });
    await predictor.close();
    const pid = first[0]![0]!.sql.split(' ')[0];
    expect(sqlOf(first)).toEqual([[`${pid} q a`], ['S CREATE TABLE t (a);'], [`${pid} q c`]]);
    expect(first[1]![0]!.confidence).toBe(0.5);
    expect(sqlOf(second)).toEqual([[`${pid} q a`, `${pid} q a`]]);
  });

  it.each([
    [
      'ends early',
      "console.log('SELECT 1'); console.error('out of memory'); process.exit(3)",
      /exit code 3.*out of memory/,
    ],
    ['writes no answer', 'console.log(\'{"text": 1}\')', /no answer.*\{"text": 1\}/s],
    ['says too much', "console.log('SELECT 1\\nSELECT 2\\nx\\ny')", /nobody asked/],
    ['is silent', '', /gave no answer within 400 ms/],
  ])('names what is wrong with a program that %s', async (name, body, message) => {
    const predictor = program(`${name}.cjs`, loop(body), name === 'is silent' ? 400 : 30_000);
    const answers = predictor.propose(asks, greedy);
    await expect(answers.then(() => predictor.propose(asks, greedy))).rejects.toThrow(message);
    await predictor.close();
  });
});

describe('openPredictionFile', () => {
  it.each([
    ['lines.sql', 'SELECT 1;\nSELECT 2\tdb\n\n'],
    ['lines.jsonl', '{"id":"c","sql":""}\n{"id":"b","sql":"SELECT 2"}\n\n{"id":"a","sql":"SELECT 1"}\n'],
    ['bird.json', JSON.stringify({ 0: 'SELECT 1\t----- bird -----\td', 1: 'SELECT 2', 2: '' })],
  ])('%s', async (name, content) => {
    const source = await openPredictionFile(write(name, content), asks);
    expect(sqlOf(await source.propose(asks, greedy))).toEqual([['SELECT 1'], ['SELECT 2'], ['']]);
    expect(sqlOf(await source.propose(asks.slice(1, 2), greedy))).toEqual([['SELECT 2']]);
  });

  it('reads several candidates of one question', async () => {
    const content = asks
      .flatMap(({ id }) => [0, 1].map((n) => JSON.stringify({ id, sql: `${id}${n}` })))
      .join('\n');
    const source = await openPredictionFile(write('several.jsonl', content), asks);
    const sampling = { samples: 2, temperature: 1 };
    expect(sqlOf(await source.propose(asks, sampling))).toEqual([
      ['a0', 'a1'],
      ['b0', 'b1'],
      ['c0', 'c1'],
    ]);
    await expect(source.propose(asks, { samples: 3, temperature: 1 })).rejects.toThrow(
      /2 candidates for "a"/,
    );
  });

  it.each([
    ['short.sql', 'SELECT 1\n', /1 statement for 3 questions/],
    ['cut.jsonl', '{"id":"a","sql":"x"}\n{"id":"b', /row 2 is not JSON/],
    ['other.jsonl', '{"id":"z","sql":"x"}', /row 1: no question has the id "z"/],
    ['typed.jsonl', '{"id":"a","sql":7}', /row 1, "sql"/],
    ['part.jsonl', '{"id":"a","sql":"x"}', /nothing for 2 of 3 questions \(b, c\)/],
    ['bird-short.json', '{"0": "SELECT 1"}', /no text under "1"/],
  ])('refuses %s with the row', async (name, content, message) => {
    await expect(openPredictionFile(write(name, content), asks)).rejects.toThrow(message);
  });
});
