import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  agreement,
  answersHere,
  exportedModels,
  newTokens,
  prompts,
  writeRandomModel,
} from '../../../test/support/exported-models.ts';
import { findLlama } from '../../../test/support/find-llama.ts';
import { packageRoot, writeDirectoryAtomic } from '../../foundation/files.ts';
import { loadModelText } from '../checkpoint/text-files.ts';
import { loadTokenizer } from '../tokenizer/tokenizer.ts';
import { trainWordTokenizer } from '../tokenizer/train-word-tokenizer.ts';
import { encodeElements, q8BlockBytes } from './element-encoding.ts';
import { openExportSource } from './export-source.ts';
import { type GgufEncoding, writeGgufModel } from './gguf-model.ts';
import { ggufTokenizer } from './gguf-tokenizer.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-gguf-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string, kind: string) => join(folder, `${name.replaceAll(/\W+/g, '-')}-${kind}`);
const python = join(packageRoot(), process.env.QUERENT_PYTHON ?? join('.venv', 'bin', 'python'));
const encodings: readonly GgufEncoding[] = ['F32', 'F16', 'Q8_0'];
const names = Object.keys(exportedModels);

beforeAll(async () => {
  for (const [name, raw] of Object.entries(exportedModels)) {
    await writeRandomModel(at(name, 'base'), raw);
    const source = await openExportSource({ base: at(name, 'base'), adapter: undefined });
    const text = await loadModelText(at(name, 'base'));
    for (const encoding of encodings) {
      await writeDirectoryAtomic(at(name, encoding), (directory) =>
        writeGgufModel(join(directory, 'model.gguf'), source, text, { name, encoding }),
      );
    }
    await source.close();
  }
});

describe('Q8_0', () => {
  it('keeps every value within half a step, and the scale within half precision', () => {
    const values = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * 1.7) * (i < 32 ? 3 : 1e-3));
    const bytes = encodeElements(values, 'Q8_0');
    expect(bytes.length).toBe(2 * q8BlockBytes);
    const scales = [3, 1e-3].map((top) => top / 127);
    const codes = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    for (const [i, value] of values.entries()) {
      const block = Math.floor(i / 32);
      const code = codes[block * q8BlockBytes + 2 + (i % 32)]!;
      expect(Math.abs(code * scales[block]! - value)).toBeLessThan(scales[block]! * 0.8);
    }
  });
});

const llama = await findLlama();

describe.skipIf(llama === undefined)('GGUF in llama.cpp (node-llama-cpp)', () => {
  it.each(names.flatMap((name) => encodings.map((encoding) => [name, encoding] as const)))(
    '%s, %s: the same greedy tokens and the same tokenizer',
    async (name, encoding) => {
      const opened = await llama!.loadModel({
        modelPath: join(at(name, encoding), 'model.gguf'),
        gpuLayers: 0,
      });
      const context = await opened.createContext({ contextSize: 256, threads: 1 });
      const sequence = context.getSequence();
      const answers: number[][] = [];
      for (const prompt of prompts) {
        const answer: number[] = [];
        await sequence.clearHistory();
        const options = { temperature: 0, yieldEogToken: true };
        let pieces = sequence.evaluate([...prompt] as never, options);
        for (let step = 0; step < newTokens; step++) {
          const { value } = await pieces.next();
          answer.push(value as number);
          if (answer.length < newTokens && opened.isEogToken(value as never)) {
            await pieces.return();
            pieces = sequence.evaluate([value] as never, options);
          }
        }
        await pieces.return();
        answers.push(answer);
      }
      const text = 'SELECT name, 12345 FROM "Käufer" WHERE a>=1;\n\n  -- ende 🙂';
      const tokens = [...opened.tokenize(text, false)];
      await opened.dispose();
      const { tokenizer } = await loadModelText(at(name, 'base'));
      expect(tokens).toEqual([...tokenizer.encode(text)]);
      const { tokens: agreed, lead } = await agreement(at(name, 'base'), answers);
      if (encoding !== 'Q8_0') expect(agreed, `${lead}`).toBe(prompts.length * newTokens);
      // Eight bits, of weights and of what they are multiplied with, decide near ties otherwise, and only those.
      expect(lead).toBeLessThan(0.4);
      expect(agreed).toBeGreaterThan(4);
    },
  );
});

describe.skipIf(!existsSync(python))('GGUF in Python', () => {
  it('is read by the gguf package, and answers the same in transformers', async () => {
    const script = join(packageRoot(), 'python', 'testing', 'exported_models.py');
    // Their reader passes over RoPE scaling and sizes of heads; llama.cpp above reads all of them.
    const read = ['qwen2'];
    const jobs = read.flatMap((name) =>
      (['F16', 'Q8_0'] as const).map((encoding) => ({
        do: 'gguf',
        directory: at(name, encoding),
        file: 'model.gguf',
        prompts: prompts.map((prompt) => [...prompt]),
        newTokens,
      })),
    );
    const { status, stdout, stderr } = spawnSync(python, [script], {
      input: JSON.stringify(jobs),
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    const answers = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
      greedy: number[][];
      types: string[];
    }[];
    for (const [i, name] of read.entries()) {
      expect(answers[2 * i]!.types).toEqual(['F16', 'F32']);
      expect(answers[2 * i]!.greedy, name).toEqual(await answersHere(at(name, 'base')));
      expect(answers[2 * i + 1]!.types).toEqual(['F32', 'Q8_0']);
      expect((await agreement(at(name, 'base'), answers[2 * i + 1]!.greedy)).lead).toBeLessThan(0.4);
    }
  });
});

describe('what llama.cpp cannot read', () => {
  it('refuses a word tokenizer and an unknown split by name', async () => {
    const { tokenizer, ...rest } = await loadModelText(at('qwen2', 'base'));
    const words = loadTokenizer(trainWordTokenizer({ corpus: ['how many employees ?'] }));
    expect(() => ggufTokenizer({ ...rest, tokenizer: words }, 600)).toThrow(
      /"WordPiece", "BPE" was expected/,
    );
    const json = JSON.parse(JSON.stringify(tokenizer.json)) as { pre_tokenizer: { pretokenizers: object[] } };
    Object.assign(json.pre_tokenizer.pretokenizers[0]!, { pattern: { Regex: '\\w+' } });
    expect(() => ggufTokenizer({ ...rest, tokenizer: loadTokenizer(json as never) }, 600)).toThrow(
      /its split/,
    );
  });
});
