/** `querent evaluate --suite` as a user runs it: published questions over several databases, answered by others, killed and gone on. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeConcertDatabase } from '../../src/data/neighbours/neighbours.fixture.ts';
import { packageRoot } from '../../src/foundation/files.ts';
import { runQuerent } from './fake-io.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-suites-cli-'));
const inFolder = { workingDirectory: folder };
const servers: Server[] = [];
afterAll(async () => {
  for (const server of servers) server.close();
  await pause(0);
  rmSync(folder, { recursive: true, force: true });
});

const golds = ['SELECT count(*) FROM singer', 'SELECT max(age) FROM singer', 'SELECT name FROM singer'];
const dev = Array.from({ length: 12 }, (_, n) => ({
  db_id: n % 2 === 0 ? 'one' : 'two',
  question: `number ${n}`,
  query: golds[n % 3]!,
}));

beforeAll(async () => {
  for (const id of ['one', 'two']) {
    mkdirSync(join(folder, 'spider', 'database', id), { recursive: true });
    await writeConcertDatabase(join(folder, 'spider', 'database', id, `${id}.sqlite`));
  }
  const names = { table_names_original: [], column_names_original: [] };
  writeFileSync(
    join(folder, 'spider', 'tables.json'),
    JSON.stringify(['one', 'two'].map((db_id) => ({ db_id, ...names }))),
  );
  writeFileSync(join(folder, 'spider', 'dev.json'), JSON.stringify(dev));
});

/** Every field of every answer but how long it took. */
function itemsOf(output: string): object[] {
  const report = JSON.parse(readFileSync(join(folder, output, 'report.json'), 'utf8')) as {
    evaluations: readonly { items: readonly object[] }[];
  };
  return report.evaluations[0]!.items.map((item) => ({ ...item, latencyMs: 0 }));
}

describe('a file of predictions', () => {
  it('is judged over the databases of the suite', async () => {
    const wrong = dev.map(({ query }, n) => (n < 3 ? 'SELECT 0' : query));
    writeFileSync(join(folder, 'predict.sql'), `${wrong.join('\n')}\n`);
    const args = [
      'evaluate',
      '--suite',
      'spider',
      '--predictions',
      'predict.sql',
      '--output',
      'file',
      '--quiet',
    ];
    const run = await runQuerent([...args, '--json'], inFolder);
    expect(run.stderr).toBe('');
    expect(run.json()).toMatchObject({ sets: { 'spider-dev': { ex: { passed: 9, total: 12 } } } });
    expect(itemsOf('file')).toMatchObject(dev.map(({ query }, n) => ({ id: `dev-${n + 1}`, gold: query })));
    const first = await runQuerent([...args, '--limit', '4', '--json'], inFolder);
    expect(first.json()).toMatchObject({ sets: { 'spider-dev': { ex: { passed: 1, total: 4 } } } });
  });

  it('is judged where a question has no database; what is left out is counted', async () => {
    mkdirSync(join(folder, 'part', 'database'), { recursive: true });
    const lost = { db_id: 'lost', question: 'who?', query: 'SELECT 1' };
    writeFileSync(join(folder, 'part', 'dev.json'), JSON.stringify([lost, dev[0]]));
    await writeConcertDatabase(join(folder, 'part', 'one.sqlite'));
    writeFileSync(join(folder, 'count.sql'), `SELECT 1\n${golds[0]}\n`);
    const args = ['evaluate', '--suite', 'part', '--predictions', 'count.sql', '--output', 'part-report'];
    const run = await runQuerent(args, inFolder);
    expect(run.exitCode).toBe(0);
    expect(run.stderr).toContain(
      'part-dev: 1 problem, the first: dev.json row 1, "db_id": there is no database file of "lost"; 1 question without a database left out (querent data check part names them)',
    );
    const report = JSON.parse(readFileSync(join(folder, 'part-report', 'report.json'), 'utf8')) as object;
    expect(report).toMatchObject({ title: 'Evaluation on published questions' });
    expect(itemsOf('part-report')).toMatchObject([{ id: 'dev-2', outcome: 'match' }]);
    expect((await runQuerent(['data', 'check', 'part'], inFolder)).stdout).toMatch(
      /2, 1 of them found[\s\S]*databases not found: say with --databases/,
    );
    for (const option of ['--db', '--databases'])
      expect(
        (await runQuerent(['data', 'check', 'part', option, 'part/one.sqlite'], inFolder)).stdout,
      ).toMatch(/2, 2 of them found/);
  });

  it('is refused where it does not fit', async () => {
    writeFileSync(join(folder, 'short.sql'), 'SELECT 1\n');
    const run = await runQuerent(
      ['evaluate', '--suite', 'spider', '--predictions', 'short.sql', '--output', 'short', '--quiet'],
      inFolder,
    );
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain('1 statement for 12 questions');
  });
});

describe('an endpoint', () => {
  it('is asked for several candidates; the majority by result is taken', async () => {
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { n, messages } = JSON.parse(Buffer.concat(chunks).toString()) as {
        n: number;
        messages: { content: string }[];
      };
      const gold = dev[Number(/number (\d+)/.exec(messages[1]!.content)![1])]!.query;
      // Of five three are right in two ways of writing; the first is not.
      const texts = ['SELECT -1', gold, `${gold} WHERE 1 = 1`, 'SELECT nothing', gold].slice(0, n);
      const choices = texts.map((content) => ({ message: { content }, finish_reason: 'stop' }));
      response.end(JSON.stringify({ choices }));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const ask = (more: readonly string[]) =>
      runQuerent(
        [
          'evaluate',
          '--suite',
          'spider:spider',
          '--endpoint',
          url,
          '--endpoint-model',
          'm',
          '--quiet',
          '--json',
          ...more,
        ],
        inFolder,
      );
    const vote = await ask(['--samples', '5', '--select', 'vote', '--pass-at', '1,5', '--output', 'vote']);
    expect(vote.stderr).toBe('');
    expect(vote.json()).toMatchObject({
      sets: { 'spider-dev': { ex: { passed: 12, total: 12 } } },
      passAt: {
        'spider-dev': [
          { k: 1, value: expect.closeTo(0.6, 9) },
          { k: 5, value: 1 },
        ],
      },
    });
    const greedy = await ask(['--samples', '5', '--output', 'greedy']);
    expect(greedy.json()).toMatchObject({ sets: { 'spider-dev': { ex: { passed: 0, total: 12 } } } });
    const best = await ask(['--samples', '5', '--select', 'best', '--output', 'best']);
    expect(best.json()).toMatchObject({ sets: { 'spider-dev': { ex: { passed: 12 } } } });
    // Another way to choose needs no new answers.
    server.close();
    server.closeAllConnections();
    const again = await ask(['--samples', '5', '--select', 'best', '--output', 'vote', '--resume']);
    expect(again.json()).toMatchObject({ sets: { 'spider-dev': { ex: { passed: 12 } } } });
  });

  it('cannot give more than was drawn', async () => {
    const run = await runQuerent(
      ['evaluate', '--suite', 'spider', '--samples', '2', '--pass-at', '4', '--quiet'],
      inFolder,
    );
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('pass@4 needs at least 4 samples');
  });
});

describe('a killed evaluation', () => {
  const journal = (output: string): string => join(folder, output, 'answers.jsonl');
  const verdictsIn = (output: string): number =>
    existsSync(journal(output))
      ? readFileSync(journal(output), 'utf8').split('"type":"verdicts"').length - 1
      : 0;

  it('goes on where it was, and ends as if nothing had happened', { timeout: 240_000 }, async () => {
    const golds = JSON.stringify(dev.map(({ query }, n) => (n % 4 === 3 ? 'SELECT 0' : query)));
    writeFileSync(
      join(folder, 'slow.cjs'),
      `const fs = require('fs'); const golds = ${golds};
       require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
         const { question } = JSON.parse(line);
         fs.appendFileSync('asked.txt', question + '\\n');
         setTimeout(() => console.log(golds[Number(question.slice(7))]), 100);
       });`,
    );
    const args = ['evaluate', '--suite', 'spider', '--command', 'node slow.cjs', '--quiet'];
    await runQuerent([...args, '--output', 'whole'], inFolder);

    writeFileSync(join(folder, 'asked.txt'), '');
    const tsx = join(packageRoot(), 'node_modules', 'tsx', 'dist', 'loader.mjs');
    const main = join(packageRoot(), 'src', 'cli', 'main.ts');
    const child: ChildProcess = spawn(
      process.execPath,
      ['--import', tsx, main, ...args, '--output', 'killed'],
      {
        cwd: folder,
        stdio: 'ignore',
      },
    );
    const hasEnded = new Promise((resolve) => child.on('close', resolve));
    while (verdictsIn('killed') < 4 && child.exitCode === null) await pause(10);
    child.kill('SIGKILL');
    await hasEnded;
    expect(child.signalCode).toBe('SIGKILL');
    const done = verdictsIn('killed');
    expect(done).toBeLessThan(dev.length);
    expect(existsSync(join(folder, 'killed', 'report.json'))).toBe(false);

    const resumed = await runQuerent([...args, '--output', 'killed', '--resume'], inFolder);
    expect(resumed.exitCode).toBe(0);
    expect(itemsOf('killed')).toEqual(itemsOf('whole'));
    // What had a verdict was not asked again; what was under way at the kill may have been.
    const asked = readFileSync(join(folder, 'asked.txt'), 'utf8').trim().split('\n');
    expect(new Set(asked).size).toBe(dev.length);
    expect(asked.length - dev.length).toBeLessThanOrEqual(1);
  });
});
