/** A tiny random Qwen2 with a real byte-level BPE tokenizer and Qwen2.5's chat template, as a Hugging Face directory. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { saveModel } from '../../src/engine/checkpoint/model-directory.ts';
import { parseModelConfig } from '../../src/engine/model/model-config.ts';
import { initializeWeights } from '../../src/engine/model/weights.ts';
import { chatTemplates } from '../../src/engine/tokenizer/test-texts.ts';
import { loadTokenizer } from '../../src/engine/tokenizer/tokenizer.ts';
import { createRandom } from '../../src/foundation/random.ts';
import { trainBytePairs } from './byte-pairs.ts';

const corpus = [
  'You translate questions about one database into SQL. Answer with one statement in the dialect of SQLite.',
  'CREATE TABLE customers (\n  customer_id INTEGER PRIMARY KEY,\n  name TEXT,\n  city TEXT -- one of\n);',
  'CREATE TABLE orders (\n  order_id INTEGER PRIMARY KEY,\n  customer_id INTEGER REFERENCES customers(customer_id)\n);',
  "```sql\nSELECT COUNT(*) FROM orders WHERE status = 'open'\n```",
  '```sql\nSELECT name, SUM(amount) FROM customers JOIN orders ON orders.customer_id = customers.customer_id GROUP BY name\n```',
];

export async function writeTinyLanguageModel(directory: string, seed = 1): Promise<void> {
  const tokenizerJson = trainBytePairs(corpus, 150);
  const tokenizer = loadTokenizer(tokenizerJson);
  const end = tokenizer.tokenToId('<|im_end|>')!;
  const config = parseModelConfig(
    {
      model_type: 'qwen2',
      // More rows than tokens, as in Qwen's checkpoints.
      vocab_size: tokenizer.vocabSize + 5,
      hidden_size: 32,
      intermediate_size: 48,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      max_position_embeddings: 2048,
      rope_theta: 1e6,
      tie_word_embeddings: true,
      eos_token_id: end,
    },
    'test',
  );
  const weights = initializeWeights(config, createRandom(seed));
  await saveModel(directory, { config, weights, tokenizerJson });
  const write = (name: string, value: object) => writeFileSync(join(directory, name), JSON.stringify(value));
  write('tokenizer_config.json', {
    tokenizer_class: 'Qwen2Tokenizer',
    eos_token: '<|im_end|>',
    chat_template: chatTemplates['qwen2.5'],
  });
  write('generation_config.json', { eos_token_id: [end, tokenizer.tokenToId('<|endoftext|>')] });
}
