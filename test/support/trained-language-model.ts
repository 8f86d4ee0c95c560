/**
 * A language model that has really learned: Qwen2's shape at its smallest, trained by this engine until it knows the few questions
 * of one small database by heart, so that its greedy answers are far from every tie. Seconds on a slow machine.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openFormat } from '../../src/cli/wiring/open-format.ts';
import { sharedSqlite } from '../../src/database/wasm.ts';
import { createLocalPolicy } from '../../src/engine/local-policy.ts';
import type { Policy } from '../../src/engine/policy.ts';
import { chatTemplates } from '../../src/engine/tokenizer/test-texts.ts';
import { loadTokenizer } from '../../src/engine/tokenizer/tokenizer.ts';
import { chatSettingsSchema } from '../../src/prompts/chat/chat-settings.ts';
import type { PromptFormat } from '../../src/prompts/prompt-format.ts';
import { describeForPrompt } from '../../src/schema/describe.ts';
import { introspectSqlite } from '../../src/schema/introspect.ts';
import { supervisedDatum } from '../../src/training/encode.ts';
import { trainBytePairs } from './byte-pairs.ts';

export const learnedQuestions: readonly (readonly [question: string, sql: string])[] = [
  ['how many customers are there?', 'SELECT COUNT(*) FROM customers'],
  ['what was the largest order?', 'SELECT MAX(amount) FROM orders'],
  ['which customers live in Berlin?', "SELECT name FROM customers WHERE city = 'Berlin'"],
  ['what is the total amount of all orders?', 'SELECT SUM(amount) FROM orders'],
  ['how many customers are there in each city?', 'SELECT city, COUNT(*) FROM customers GROUP BY city'],
  ['which orders are still open?', "SELECT id FROM orders WHERE status = 'open'"],
];

const databaseId = 'shop';

export async function writeShopDatabase(path: string): Promise<void> {
  const sqlite = await sharedSqlite();
  const database = new sqlite.oo1.DB(':memory:');
  database.exec(`
    CREATE TABLE customers (name TEXT, city TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, amount REAL, status TEXT);
    INSERT INTO customers VALUES ('Ada', 'Berlin'), ('Ben', 'Lyon'), ('Cleo', 'Berlin');
    INSERT INTO orders VALUES (1, 10, 'open'), (2, 20, 'paid'), (3, 30, 'open'), (4, 40, 'paid');`);
  writeFileSync(path, sqlite.capi.sqlite3_js_db_export(database));
  database.close();
}

const steps = 100;

async function learn(policy: Policy, format: PromptFormat): Promise<void> {
  const pairs = learnedQuestions.map(([question, sql]) => {
    const prompt = format.prepare(question);
    return [prompt.promptTokens, format.completionTokens(sql, prompt)!] as const;
  });
  const tokens = pairs.reduce((sum, [, completion]) => sum + completion.length, 0);
  const data = pairs.map(([prompt, completion]) => supervisedDatum(prompt, completion, 1 / tokens));
  for (let step = 0; step < steps; step++) {
    await policy.forwardBackward(data, { name: 'cross_entropy' });
    const learningRate = 1e-2 * Math.min(1, (step + 1) / 10) * Math.min(1, (1.1 * (steps - step)) / steps);
    await policy.optimStep({
      ...{ learningRate, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, gradientClip: 1 },
    });
  }
}

/** A Hugging Face directory with its prompt format, trained for the database at `databasePath`. */
export async function writeTrainedModel(directory: string, databasePath: string): Promise<PromptFormat> {
  const schema = await introspectSqlite(databasePath, { databaseId });
  const settings = chatSettingsSchema.parse({ format: 'chat', instructions: 'Write SQL.' });
  const schemaText = describeForPrompt(schema);
  const corpus = [schemaText, ...learnedQuestions.flat(), '```sql\n'.repeat(3), 'Write SQL.\n\n'];
  const tokenizerJson = trainBytePairs([...corpus, ...corpus], 400);
  const tokenizer = loadTokenizer(tokenizerJson);
  const end = tokenizer.tokenToId('<|im_end|>')!;
  const files = {
    'tokenizer.json': tokenizerJson,
    'tokenizer_config.json': {
      tokenizer_class: 'Qwen2Tokenizer',
      eos_token: '<|im_end|>',
      chat_template: chatTemplates['qwen2.5'],
    },
    'generation_config.json': { eos_token_id: [end, tokenizer.tokenToId('<|endoftext|>')] },
    'prompt-format.json': settings,
  };
  const write = (folder: string) => {
    for (const [name, value] of Object.entries(files))
      writeFileSync(join(folder, name), JSON.stringify(value));
  };
  const text = `${directory}-text`;
  mkdirSync(text);
  write(text);
  const format = await openFormat(settings, text, { path: databasePath, schema }, () => {});
  const config = {
    model_type: 'qwen2',
    vocab_size: tokenizer.vocabSize,
    hidden_size: 64,
    intermediate_size: 128,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    max_position_embeddings: 1024,
    rope_theta: 1e4,
    tie_word_embeddings: true,
    eos_token_id: end,
  };
  const policy = await createLocalPolicy({ config, seed: 1, tokenizerFile: join(text, 'tokenizer.json') });
  try {
    await learn(policy, format);
    await policy.save(directory);
    write(directory);
  } finally {
    await policy.close();
  }
  return format;
}

export interface LearnedAnswers {
  /** One a question, in order. */
  readonly prompts: readonly Int32Array[];
  /** Greedy, in this engine, with the stop token. */
  readonly tokens: readonly (readonly number[])[];
  readonly sql: readonly string[];
  /** The lowest probability of any of these tokens: above a half nothing comes near them. */
  readonly leastProbability: number;
}

/** What the model in `directory` answers here. */
export async function learnedAnswers(directory: string, format: PromptFormat): Promise<LearnedAnswers> {
  const policy = await createLocalPolicy({ directory, seed: 0 });
  try {
    const prepared = learnedQuestions.map(([question]) => format.prepare(question));
    const prompts = prepared.map(({ promptTokens }) => promptTokens);
    const groups = await policy.sample({
      prompts,
      ...{ samplesPerPrompt: 1, maxNewTokens: 60, temperature: 0, seed: 0 },
      stopTokens: format.stopTokens,
    });
    const answers = groups.map(([answer]) => answer!);
    return {
      prompts,
      tokens: answers.map(({ tokens }) => [...tokens]),
      sql: answers.map(({ tokens }, i) => format.parseCompletion(tokens, prepared[i]!).sql),
      leastProbability: Math.exp(Math.min(...answers.flatMap(({ policyLogprobs }) => [...policyLogprobs]))),
    };
  } finally {
    await policy.close();
  }
}
