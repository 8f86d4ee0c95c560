/** Test support: texts of every kind that a model of SQL meets, and chat templates as checkpoints carry them. */
import { createRandom } from '../../foundation/random.ts';

const sql = [
  "SELECT COUNT(*) FROM employees WHERE salary > 50000.25 AND name LIKE '%O''Brien%'",
  'WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n<10) SELECT n FROM c;',
  'SELECT "Order Details"."Unit Price" * 1e-3 AS p FROM "Order Details"\n\tGROUP BY 1\r\nHAVING SUM(p) >= 12345678',
  'CREATE TABLE t (\n  id INTEGER PRIMARY KEY, -- the key\n  größe REAL DEFAULT (0.5)\n);',
  '```sql\nSELECT 1\n```',
];
const code = [
  'for (let i = 0; i < xs.length; i++) { total += xs[i]!; }',
  "def f(x: int) -> str:\n    return f'{x:>10}'  # aligned\n\n\n",
  '#include <stdio.h>\r\nint main(void) { printf("%d\\n", 0x1F); }',
  '{"a": [1, 2.50, null], "b": {"c": "\\u00e9"}}',
  'https://example.org/path?q=a%20b&x=1#frag',
];
const unicode = [
  'Zürich employers’ wages – “quoted” … 100 €',
  'どの部署の平均給与が一番高いですか？',
  '哪些客户在2024年下了订单？',
  'Какие проекты активны сейчас?',
  'كم عدد الموظفين في كل قسم؟',
  'कितने कर्मचारी हैं',
  '👩‍👩‍👧 family 🇩🇪 flag 👍🏽',
  'e\u0301 composed later, \u00e9 composed; \ufb01ne; Å vs A\u030a',
  '½ ² ٣ Ⅷ １２３',
  'nbsp\u00a0here em\u2003space zero\u200bwidth bom\ufeff nel\u0085 sep\u2028line',
  "IT'S they'LL We'Ve don't I'm o'clock ſ'S",
  '   leading and trailing   \n \n\n\t\t x\n',
  '\u0000\u0001\u001f control \u007f',
  'a<|im_end|>b <|endoftext|> </s><s> <|eot_id|>x <|im_start',
];
const seeds = [...sql, ...code, ...unicode];

/** `count` texts: the given ones, and pieces of them cut anywhere and put together. */
export function mixedTexts(count: number, seed: number): string[] {
  const random = createRandom(seed);
  const cut = (): string => {
    const points = [...random.pick(seeds)];
    const start = random.int(points.length);
    return points.slice(start, start + 1 + random.int(points.length - start)).join('');
  };
  const made = Array.from({ length: count - seeds.length }, () =>
    Array.from({ length: 1 + random.int(4) }, cut).join(random.pick(['', ' ', '\n', '  '])),
  );
  return [...seeds, ...made];
}

/**
 * Where each stands: "chat_template" in tokenizer_config.json of Qwen/Qwen2.5-Coder-0.5B-Instruct (its branch for tools
 * left out), meta-llama/Meta-Llama-3-8B-Instruct, mistralai/Mistral-7B-Instruct-v0.2, and what Qwen/Qwen3-0.6B adds for
 * thoughts.
 */
export const chatTemplates = {
  'qwen2.5':
    "{%- if messages[0]['role'] == 'system' %}\n    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}\n{%- else %}\n    {{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\\n' }}\n{%- endif %}\n{%- for message in messages %}\n    {%- if (message.role == \"user\") or (message.role == \"system\" and not loop.first) or (message.role == \"assistant\" and not message.tool_calls) %}\n        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n    {%- endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}\n",
  qwen3:
    "{%- if messages[0].role == 'system' %}\n    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}\n{%- endif %}\n{%- set ns = namespace(last_query_index=messages|length - 1) %}\n{%- for message in messages[::-1] %}\n    {%- set index = (messages|length - 1) - loop.index0 %}\n    {%- if message.role == \"user\" and ns.last_query_index == messages|length - 1 %}\n        {%- set ns.last_query_index = index %}\n    {%- endif %}\n{%- endfor %}\n{%- for message in messages %}\n    {%- if (message.role == \"user\") or (message.role == \"system\" and not loop.first) %}\n        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n    {%- elif message.role == \"assistant\" %}\n        {%- set content = message.content %}\n        {%- set reasoning_content = '' %}\n        {%- if '</think>' in content %}\n            {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}\n            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}\n        {%- endif %}\n        {%- if loop.index0 > ns.last_query_index and (loop.last or reasoning_content) %}\n            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}\n        {%- else %}\n            {{- '<|im_start|>' + message.role + '\\n' + content }}\n        {%- endif %}\n        {{- '<|im_end|>\\n' }}\n    {%- endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n    {%- if enable_thinking is defined and enable_thinking is false %}\n        {{- '<think>\\n\\n</think>\\n\\n' }}\n    {%- endif %}\n{%- endif %}",
  llama3:
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
  mistral:
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}",
} as const;
