/** Any Hugging Face checkpoint as the model: SFT and GRPO with and without an adapter, evaluate, ask. Nothing is learned here. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedSqlite } from '../../src/database/wasm.ts';
import { writeTinyLanguageModel } from '../support/tiny-language-model.ts';
import { runQuerent } from './fake-io.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-language-model-'));
const inFolder = { workingDirectory: folder };
const at = (...names: string[]) => join(folder, ...names);
const json = (...names: string[]) =>
  JSON.parse(readFileSync(at(...names), 'utf8')) as Record<string, unknown>;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function succeed(args: readonly string[]) {
  const run = await runQuerent(args, inFolder);
  expect(run.stderr).not.toMatch(/error \[/);
  expect(run.exitCode).toBe(0);
  return run;
}

const sets = (settings: readonly string[]) => settings.flatMap((setting) => ['--set', setting]);
const small = sets([
  ...[
    'threads=1',
    'sft.maxSteps=2',
    'sft.batchSize=2',
    'evaluation.validationSize=2',
    'evaluation.maxNewTokens=8',
  ],
  ...[
    'grpo.maxSteps=2',
    'grpo.promptsPerStep=1',
    'grpo.groupSize=2',
    'grpo.maxNewTokens=8',
    'grpo.klBeta=0.1',
  ],
  ...['chat.sampleValues=1', 'chat.listValuesUpTo=2'],
]);
const lora = sets([
  'model.lora={rank: 4, alpha: 8, targetModules: [q_proj, v_proj, down_proj], useRslora: true}',
]);

beforeAll(async () => {
  const sqlite = await sharedSqlite();
  const database = new sqlite.oo1.DB(':memory:');
  database.exec(`
    CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL);
    CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(customer_id),
      amount REAL NOT NULL, status TEXT NOT NULL);`);
  for (let i = 1; i <= 40; i++) {
    const city = ['Berlin', 'Lyon', 'Porto'][i % 3]!;
    database.exec({ sql: 'INSERT INTO customers VALUES (?, ?, ?)', bind: [i, `Customer ${i}`, city] });
    const order = [i, ((i * 7) % 40) + 1, (i * 37) % 500, i % 2 === 0 ? 'open' : 'paid'];
    database.exec({ sql: 'INSERT INTO orders VALUES (?, ?, ?, ?)', bind: order });
  }
  writeFileSync(at('shop.sqlite'), sqlite.capi.sqlite3_js_db_export(database));
  database.close();
  await writeTinyLanguageModel(at('qwen'));
  await succeed(['init', 'shop.sqlite']);
  const counts = ['data.train=20', 'data.rl=12', 'data.practised=0', 'data.phrasings=4', 'data.shapes=0'];
  await succeed(['data', 'synthesize', ...sets(counts)]);
}, 120_000);

describe('a Hugging Face checkpoint with an adapter', { timeout: 240_000 }, () => {
  it('learns by SFT; what is left behind is an adapter in PEFT’s layout that names its base', async () => {
    const before = readFileSync(at('qwen', 'model.safetensors'));
    const run = await succeed(['train', 'sft', '--model', 'qwen', '--json', ...small, ...lora]);
    expect(run.json()).toMatchObject({ stage: 'sft', steps: 2, stopReason: 'finished' });
    expect(readdirSync(at('runs', 'sft', 'final')).sort()).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
      'prompt-format.json',
    ]);
    expect(json('runs', 'sft', 'final', 'adapter_config.json')).toMatchObject({
      peft_type: 'LORA',
      base_model_name_or_path: at('qwen'),
      r: 4,
      lora_alpha: 8,
      use_rslora: true,
      target_modules: ['q_proj', 'v_proj', 'down_proj'],
    });
    expect(json('runs', 'sft', 'final', 'prompt-format.json')).toMatchObject({
      format: 'chat',
      sampleValues: 1,
    });
    expect(readFileSync(at('qwen', 'model.safetensors')).equals(before)).toBe(true);
  });

  it('goes on by GRPO from the adapter, with the adapter as it began for reference', async () => {
    const run = await succeed(['train', 'grpo', '--json', ...small]);
    expect(run.json()).toMatchObject({ stage: 'grpo', steps: 2 });
    expect(json('runs', 'grpo', 'final', 'adapter_config.json')).toMatchObject({ r: 4 });
    expect(existsSync(at('runs', 'grpo', 'reference', 'adapter_model.safetensors'))).toBe(true);
  });

  it('stops at Ctrl-C and resumes from the adapter of the checkpoint', async () => {
    const args = ['train', 'sft', '--model', 'qwen', '--run', 'runs/stopped', ...small, ...lora];
    const long = [...args, '--set', 'sft.maxSteps=4'];
    const metrics = at('runs', 'stopped', 'metrics.jsonl');
    const stopped = await runQuerent(long, {
      ...inFolder,
      onStart: (interrupt) => {
        const timer = setInterval(() => {
          if (!existsSync(metrics) || !readFileSync(metrics, 'utf8').includes('"type":"step"')) return;
          clearInterval(timer);
          interrupt();
        }, 1);
      },
    });
    expect(stopped.exitCode).toBe(130);
    const resumed = await succeed([...long, '--resume', '--json']);
    expect(resumed.json()).toMatchObject({ steps: 4, stopReason: 'finished' });
  });

  it('evaluates and answers with the adapter, and with the bare checkpoint', async () => {
    for (const model of ['runs/grpo', 'qwen']) {
      const evaluation = await succeed(['evaluate', '--json', '--model', model, '--max-new-tokens', '8']);
      const { sets: results } = evaluation.json<{ sets: Record<string, { ex: { total: number } }> }>();
      expect(results.phrasings!.ex.total).toBe(4);
      const asked = await runQuerent(
        ['ask', 'how many orders are open?', '--model', model, '--json'],
        inFolder,
      );
      expect(asked.stderr).not.toMatch(/error \[/);
      // Random weights write no statement: the answer says so, and fails.
      expect(asked.exitCode).toBe(1);
      expect(asked.json()).toMatchObject({ sql: '', outcome: 'no-sql' });
    }
  });

  it('says which base is missing', async () => {
    renameSync(at('qwen'), at('moved'));
    const run = await runQuerent(['ask', 'how many orders', '--model', 'runs/sft'], inFolder);
    renameSync(at('moved'), at('qwen'));
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(/\[cli\/no-base-model\].*qwen[\s\S]*base_model_name_or_path/);
  });
});

describe('a Hugging Face checkpoint, all of it', { timeout: 240_000 }, () => {
  it('trains every weight, and keeps tokenizer, template and end tokens as they were', async () => {
    const args = ['train', 'sft', '--model', 'qwen', '--run', 'runs/full', '--json', ...small];
    expect((await succeed(args)).json()).toMatchObject({ steps: 2 });
    for (const name of ['tokenizer_config.json', 'generation_config.json'])
      expect(json('runs', 'full', 'final', name)).toEqual(json('qwen', name));
    const asked = await runQuerent(['ask', 'how many orders', '--model', 'runs/full'], inFolder);
    expect(asked.stderr).not.toMatch(/error \[/);
  });

  it('refuses an adapter for a fresh model, and a schema that leaves no room', async () => {
    const fresh = await runQuerent(['train', 'sft', '--run', 'runs/fresh', ...small, ...lora], inFolder);
    expect(fresh.stderr).toMatch(/\[cli\/lora-without-model\]/);
    const narrow = [...small, '--set', 'model.maxLength=64'];
    const full = await runQuerent(
      ['train', 'sft', '--model', 'qwen', '--run', 'runs/narrow', ...narrow],
      inFolder,
    );
    expect(full.stderr).toMatch(/\[cli\/prompt-too-long\][\s\S]*chat\.sampleValues=0/);
  });
});
