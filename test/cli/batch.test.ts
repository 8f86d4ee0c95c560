/** `querent batch` with the shipped model: forms, failures of single lines, stopping and going on, halves of lines. */
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BatchAnswer, openAnswers } from '../../src/cli/batch/answers-file.ts';
import { type BatchQuestion, readQuestions } from '../../src/cli/batch/questions-file.ts';
import { runBatch } from '../../src/cli/batch/run-batch.ts';
import { openWorkbench, type Workbench } from '../../src/cli/wiring/workbench.ts';
import { ignoreEvents } from '../../src/foundation/events.ts';
import { runQuerent } from './fake-io.ts';

let folder: string;
let workbench: Workbench;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'querent-batch-'));
  workbench = await openWorkbench({ directory: folder, workingDirectory: folder, observe: ignoreEvents });
}, 240_000);
afterAll(async () => {
  await workbench.close();
  rmSync(folder, { recursive: true, force: true });
});

const path = (name: string): string => join(folder, name);
const write = (name: string, text: string): string => {
  writeFileSync(path(name), text);
  return path(name);
};
const jsonLines = (name: string): BatchAnswer[] =>
  readFileSync(path(name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as BatchAnswer);
const csvRows = (name: string): Record<string, string>[] =>
  parse(readFileSync(path(name), 'utf8'), { columns: true }) as Record<string, string>[];
const patient = { timeout: 240_000 };
const active = 'How many active projects are there?';

async function readAll(file: string, format: 'jsonl' | 'csv'): Promise<BatchQuestion[]> {
  const read: BatchQuestion[] = [];
  for await (const question of readQuestions(file, format)) read.push(question);
  return read;
}

describe('the command', patient, () => {
  it('answers JSON lines, says what is wrong with a line in its place, and asks nothing twice', async () => {
    write(
      'mixed.jsonl',
      `{"id": 7, "question": "${active}"}\nnot json\n\n{"query": "How many companies are there?"}\n{"question": " "}\n{"question": "?!"}\n"${active}"\n`,
    );
    const inFolder = { workingDirectory: folder };
    const first = await runQuerent(['batch', 'mixed.jsonl', '--json'], inFolder);
    expect(first.stderr).not.toMatch(/error \[/);
    expect(first.exitCode).toBe(0);
    expect(first.json()).toMatchObject({ questions: 6, known: 0, answered: 3, unanswered: 0, failed: 3 });
    const answers = jsonLines('mixed.answers.jsonl');
    expect(answers.map(({ row, outcome }) => [row, outcome])).toEqual([
      [1, 'rows'],
      [2, 'error'],
      [4, 'rows'],
      [5, 'error'],
      [6, 'error'],
      [7, 'rows'],
    ]);
    expect(answers[0]).toMatchObject({ id: '7', question: active, columns: ['COUNT(*)'], truncated: false });
    expect(answers[0]!.rows).toEqual(answers[5]!.rows);
    expect(answers.map(({ message }) => message?.split(' ')[0])).toEqual([
      undefined,
      '[batch/bad-line]',
      undefined,
      '[batch/bad-line]',
      '[agents/empty-question]',
      undefined,
    ]);

    const before = readFileSync(path('mixed.answers.jsonl'));
    const again = await runQuerent(['batch', 'mixed.jsonl', '--json'], inFolder);
    expect(again.json()).toMatchObject({ questions: 6, known: 6, answered: 0, failed: 0 });
    expect(readFileSync(path('mixed.answers.jsonl'))).toEqual(before);
  });

  it('stops at Ctrl-C with whole lines, and goes on from there', async () => {
    const questions = Array.from({ length: 40 }, (_, n) => ({
      question: `How many projects have a budget above ${1000 + n}?`,
    }));
    write('many.jsonl', questions.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const output = path('many.answers.jsonl');
    const stopped = await runQuerent(['batch', 'many.jsonl'], {
      workingDirectory: folder,
      onStart: (interrupt) => {
        const timer = setInterval(() => {
          if (!existsSync(output) || readFileSync(output, 'utf8').split('\n').length < 4) return;
          clearInterval(timer);
          interrupt();
        }, 2);
      },
    });
    expect(stopped.exitCode).toBe(130);
    expect(stopped.stderr).toMatch(/stopped after \d+ of 40 questions Run the same command again/);
    const known = jsonLines('many.answers.jsonl').length;
    expect(known).toBeGreaterThanOrEqual(3);
    expect(known).toBeLessThan(40);
    const rest = await runQuerent(['batch', 'many.jsonl', '--json'], { workingDirectory: folder });
    expect(rest.json()).toMatchObject({ questions: 40, known, answered: 40 - known });
    expect(jsonLines('many.answers.jsonl').map(({ row }) => row)).toEqual(questions.map((_, n) => n + 1));
  });

  it.each([
    [['nowhere.jsonl'], /\[files\/read-failed\].*no such file/],
    [['questions.txt'], /\[usage\/format\]/],
    [['no-column.csv'], /\[batch\/no-question-column\].*has no column "question": id, text/],
    [['same.jsonl', '--output', 'same.jsonl'], /\[usage\/output\]/],
    [['same.jsonl', '--format', 'xml'], /jsonl, csv/],
  ])('%j is refused before a model is loaded', async (args, words) => {
    write('questions.txt', 'how many?\n');
    write('no-column.csv', 'id,text\n1,how many?\n');
    write('same.jsonl', '"how many?"\n');
    const run = await runQuerent(['batch', ...args], { workingDirectory: folder });
    expect(run.exitCode).toBeGreaterThan(0);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(words);
  });
});

describe('CSV in and out', patient, () => {
  const run = async (input: string, output: string, force = false) => {
    const answers = await openAnswers(path(output), 'csv', { force });
    try {
      return await runBatch({
        questions: readQuestions(path(input), 'csv'),
        total: 3,
        answers,
        pipeline: workbench.pipeline,
        options: {},
        parallel: 2,
        observe: ignoreEvents,
        signal: new AbortController().signal,
      });
    } finally {
      answers.close();
    }
  };

  it('reads quotes and line breaks, writes what a spreadsheet reads, and drops half a record', async () => {
    write(
      'three.csv',
      `\uFEFFID,Question\r\na,"How many active\nprojects, are there?"\r\nb,=1+1 projects?\r\nc,${active}\r\n`,
    );
    expect(await run('three.csv', 'three.out.csv')).toMatchObject({ questions: 3, known: 0 });
    const rows = csvRows('three.out.csv');
    expect(rows.map(({ row, id }) => [row, id])).toEqual([
      ['1', 'a'],
      ['2', 'b'],
      ['3', 'c'],
    ]);
    expect(rows[0]!.question).toBe('How many active\nprojects, are there?');
    expect(rows[1]!.question).toBe("'=1+1 projects?");
    expect(JSON.parse(rows[2]!.rows!)).toHaveLength(1);

    const whole = readFileSync(path('three.out.csv'), 'utf8');
    expect(await run('three.csv', 'three.out.csv')).toMatchObject({ known: 3 });
    expect(readFileSync(path('three.out.csv'), 'utf8')).toBe(whole);
    const lastRecord = whole.lastIndexOf('\n3,c,') + 1;
    for (const cut of [lastRecord + 1, lastRecord + 8, whole.length - 1]) {
      truncateSync(path('three.out.csv'), Buffer.byteLength(whole.slice(0, cut)));
      expect(await run('three.csv', 'three.out.csv')).toMatchObject({ known: 2, answered: 1 });
      const { latencyMs: _, ...mended } = csvRows('three.out.csv')[2]!;
      expect(mended).toMatchObject({ row: '3', id: 'c', question: active, outcome: 'rows' });
      writeFileSync(path('three.out.csv'), whole);
    }
    // Inside a field in quotes, which holds a line break.
    const inQuotes = whole.indexOf('active\n') + 'active\n'.length;
    truncateSync(path('three.out.csv'), Buffer.byteLength(whole.slice(0, inQuotes)));
    expect(await run('three.csv', 'three.out.csv')).toMatchObject({ known: 0 });
    expect(csvRows('three.out.csv')).toHaveLength(3);
  });

  it('does not go on in a file of other questions, unless told to begin anew', async () => {
    write('one.csv', `question\n${active}\n`);
    await run('one.csv', 'one.out.csv');
    write('one.csv', 'question\nHow many companies are there?\n');
    await expect(run('one.csv', 'one.out.csv')).rejects.toMatchObject({ code: 'batch/other-output' });
    expect(await run('one.csv', 'one.out.csv', true)).toMatchObject({ known: 0, answered: 1 });
    write('foreign.csv', 'a,b\n1,2\n');
    await expect(run('one.csv', 'foreign.csv')).rejects.toMatchObject({ code: 'batch/other-output' });
    expect(readFileSync(path('foreign.csv'), 'utf8')).toBe('a,b\n1,2\n');
  });
});

describe('files', () => {
  it('half a JSON line is dropped, a line that is none of ours is refused', async () => {
    const answer: BatchAnswer = {
      row: 1,
      question: 'a',
      sql: '',
      confidence: null,
      outcome: 'no-sql',
      explanation: '',
      latencyMs: 1,
    };
    const file = write('half.jsonl', `${JSON.stringify(answer)}\n{"row":2,"question":"b"`);
    const answers = await openAnswers(file, 'jsonl', { force: false });
    expect([
      answers.known,
      answers.has({ row: 1, question: 'a' }),
      answers.has({ row: 2, question: 'b' }),
    ]).toEqual([1, true, false]);
    answers.close();
    expect(jsonLines('half.jsonl')).toEqual([answer]);
    appendFileSync(file, 'nonsense\n');
    await expect(openAnswers(file, 'jsonl', { force: false })).rejects.toMatchObject({
      code: 'batch/other-output',
    });
  });

  it('a broken quote in a CSV file is one problem, at the end', async () => {
    const file = write('broken.csv', 'question\nhow many?\n"never closed\n');
    expect(await readAll(file, 'csv')).toEqual([
      { row: 1, question: 'how many?' },
      { row: 2, question: '', problem: expect.stringContaining('not CSV from here on') },
    ]);
  });

  it('a big file is read without holding it', async () => {
    const line = `${JSON.stringify({ question: 'How many orders are there?', note: 'x'.repeat(200) })}\n`;
    const file = write('big.jsonl', line.repeat(200_000));
    const before = process.memoryUsage();
    let [count, peak] = [0, 0];
    for await (const { question } of readQuestions(file, 'jsonl')) {
      if (question !== '') count += 1;
      if (count % 20_000 === 0)
        peak = Math.max(peak, process.memoryUsage().arrayBuffers + process.memoryUsage().external);
    }
    expect(count).toBe(200_000);
    // 48 MB of file.
    expect(peak - before.arrayBuffers - before.external).toBeLessThan(24_000_000);
  });
});
