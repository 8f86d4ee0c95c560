/** A trained model exported as GGUF, and asked by the commands: `--model FILE.gguf`, through node-llama-cpp. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findSource } from '../../src/cli/wiring/model-source.ts';
import { packageRoot } from '../../src/foundation/files.ts';
import { findLlama } from '../support/find-llama.ts';
import { learnedQuestions, writeShopDatabase, writeTrainedModel } from '../support/trained-language-model.ts';
import { runQuerent } from './fake-io.ts';

const llama = await findLlama();
const folder = mkdtempSync(join(tmpdir(), 'querent-gguf-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (...names: string[]) => join(folder, ...names);
const querent = (...args: string[]) => runQuerent(args, { workingDirectory: folder });

async function succeed(...args: string[]) {
  const run = await querent(...args);
  expect(run.stderr).not.toMatch(/error \[/);
  expect(run.exitCode, run.stdout).toBe(0);
  return run;
}

beforeAll(async () => {
  await writeShopDatabase(at('shop.sqlite'));
  await succeed('init', 'shop.sqlite');
}, 60_000);

describe.skipIf(llama === undefined)(
  'a GGUF file as the model (node-llama-cpp)',
  { timeout: 120_000 },
  () => {
    const file = join('exported', 'learned-Q8_0.gguf');
    const [question, sql] = learnedQuestions[2]!;

    beforeAll(async () => {
      await writeTrainedModel(at('learned'), at('shop.sqlite'));
      const args = ['--model', 'learned', '--format', 'gguf', '--dtype', 'q8_0', '--out', 'exported'];
      await succeed('export', ...args);
    }, 120_000);

    it('answers a question with rows and confidence, by file and by folder', async () => {
      for (const model of [file, 'exported']) {
        const answer = (await succeed('ask', question, '--model', model, '--json')).json<object>();
        expect(answer).toMatchObject({ sql, outcome: 'rows', rows: [['Ada'], ['Cleo']] });
        expect((answer as { confidence: number }).confidence).toBeGreaterThan(0.8);
      }
    });

    it('is evaluated, greedy and by candidates', async () => {
      const lines = learnedQuestions.map(([text, gold], i) =>
        JSON.stringify({ id: `q${i}`, question: text, sql: gold, databaseId: 'shop', tags: [] }),
      );
      writeFileSync(at('set.jsonl'), `${lines.join('\n')}\n`);
      const samples = ['--samples', '3', '--temperature', '0.5', '--pass-at', '1'];
      for (const more of [[], samples]) {
        const run = await succeed('evaluate', '--set', 'set.jsonl', '--model', file, '--json', ...more);
        const { sets } = run.json<{ sets: Record<string, { ex: { passed: number; total: number } }> }>();
        expect(Object.values(sets)[0]!.ex).toMatchObject({ passed: 6, total: 6 });
      }
    });

    it('answers a file of questions', async () => {
      const lines = learnedQuestions.map(([text]) => JSON.stringify({ question: text }));
      writeFileSync(at('questions.jsonl'), `${lines.join('\n')}\n`);
      await succeed('batch', 'questions.jsonl', '--model', file);
      const answers = readFileSync(at('questions.answers.jsonl'), 'utf8').trim().split('\n');
      expect(answers.map((line) => (JSON.parse(line) as { sql: string }).sql)).toEqual(
        learnedQuestions.map(([, gold]) => gold),
      );
    });

    it('answers over HTTP', async () => {
      const main = join(packageRoot(), 'src', 'cli', 'main.ts');
      const args = [
        '--import',
        'tsx',
        main,
        'serve',
        '--project',
        folder,
        '--port',
        '0',
        '--model',
        at(file),
      ];
      const child = spawn(process.execPath, args, { cwd: packageRoot(), stdio: ['ignore', 'pipe', 'pipe'] });
      try {
        let log = '';
        child.stderr.on('data', (chunk: Buffer) => {
          log += chunk.toString();
        });
        const [line] = (await once(child.stdout, 'data')) as [Buffer];
        const url = /^listening on (http:\S+)/.exec(line.toString())![1]!;
        while (!log.includes('model-ready') && !log.includes('model-missing') && child.exitCode === null)
          await once(child.stderr, 'data');
        expect(log).not.toContain('model-missing');
        const info = await (await fetch(`${url}/model/info`)).json();
        expect(info).toMatchObject({ name: 'learned-Q8_0.gguf', kind: 'gguf', prompt_format: 'chat' });
        const response = await fetch(`${url}/generate`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query: question }),
        });
        expect(await response.json()).toMatchObject({ sql });
      } finally {
        child.kill('SIGTERM');
      }
    });

    it('is not trained and not exported, and says what is', async () => {
      const run = await querent('export', '--model', file, '--format', 'onnx', '--out', 'never');
      expect(run.exitCode).toBe(1);
      expect(run.stderr).toMatch(/\[cli\/gguf-serves-only\][\s\S]*checkpoint that it was made from/);
      // Training opens models by this.
      await expect(findSource(at(file))).rejects.toMatchObject({ code: 'cli/gguf-serves-only' });
    });
  },
);

describe('GGUF files that cannot be asked', () => {
  it('names the files of a folder that holds several', async () => {
    mkdirSync(at('several'));
    for (const name of ['a-Q8_0.gguf', 'b-00001-of-00002.gguf', 'b-00002-of-00002.gguf'])
      copyFileSync(at('shop.sqlite'), at('several', name));
    const { stderr } = await querent('ask', 'how many', '--model', 'several');
    expect(stderr).toMatch(/\[cli\/several-models\].*a-Q8_0\.gguf, b-00001-of-00002\.gguf/);
    expect(stderr).toContain('--model several/a-Q8_0.gguf');
  });

  it('misses a file by its name', async () => {
    const { stderr } = await querent('ask', 'how many', '--model', 'none.gguf');
    expect(stderr).toMatch(/\[cli\/no-model\].*none\.gguf/);
  });
});
