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
import { findLlama, greedyInLlama } from '../../../test/support/find-llama.ts';
import {
  type LearnedAnswers,
  learnedAnswers,
  learnedQuestions,
  writeShopDatabase,
  writeTrainedModel,
} from '../../../test/support/trained-language-model.ts';
import { packageRoot, writeDirectoryAtomic } from '../../foundation/files.ts';
import { createRandom } from '../../foundation/random.ts';
import { loadModelText } from '../checkpoint/text-files.ts';
import { loadTokenizer } from '../tokenizer/tokenizer.ts';
import { trainWordTokenizer } from '../tokenizer/train-word-tokenizer.ts';
import { encodeElements, q8BlockBytes, q8BlockSize } from './element-encoding.ts';
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
      const opened = await llama!.loadModel({ modelPath: join(at(name, encoding), 'model.gguf') });
      const answers = await greedyInLlama(opened, prompts, newTokens);
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

interface PythonAnswer {
  readonly greedy: number[][];
  readonly types: string[];
  /** Base64. */
  readonly bytes: string;
  readonly different: string[];
}

function askPython(jobs: readonly object[]): PythonAnswer[] {
  const script = join(packageRoot(), 'python', 'testing', 'exported_models.py');
  const input = JSON.stringify(jobs);
  const { status, stdout, stderr } = spawnSync(python, [script], { input, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as PythonAnswer[];
}

/** Blocks of every size of number, and values that lie on halves, next to them, and at the ends of single precision. */
function hardValues(): Float32Array {
  const random = createRandom(5);
  const scales = [1, 1e-3, 3e-5, 1e-8, 6e4, 1e-40, 127, 254, 0];
  const blocks = Array.from({ length: 2000 }, (_, block) => {
    const scale = scales[block % scales.length]!;
    const isHalves = scale >= 127;
    return Array.from({ length: q8BlockSize }, (_, i) => {
      if (!isHalves) return scale * random.normal();
      // The largest is exactly the scale: codes of the others are multiples of a half, or a step beside one.
      if (i === 0) return random.next() < 0.5 ? scale : -scale;
      const half = ((random.int(509) - 254) / 2) * (scale / 127);
      return random.next() < 0.5 ? half : half * (1 + (random.int(3) - 1) * 2 ** -23);
    });
  });
  return Float32Array.from(blocks.flat());
}

describe.skipIf(llama === undefined)('a model that has learned, in llama.cpp (node-llama-cpp)', () => {
  let asked: LearnedAnswers;
  beforeAll(async () => {
    await writeShopDatabase(join(folder, 'shop.sqlite'));
    const format = await writeTrainedModel(join(folder, 'learned'), join(folder, 'shop.sqlite'));
    asked = await learnedAnswers(join(folder, 'learned'), format);
  }, 120_000);

  it('answers its questions here, far from every tie', () => {
    expect(asked.sql).toEqual(learnedQuestions.map(([, sql]) => sql));
    expect(asked.leastProbability).toBeGreaterThan(0.9);
  });

  it.each(encodings)('%s: the same greedy answers, token for token', async (encoding) => {
    const source = await openExportSource({ base: join(folder, 'learned'), adapter: undefined });
    const path = join(folder, `learned-${encoding}.gguf`);
    const text = await loadModelText(join(folder, 'learned'));
    await writeGgufModel(path, source, text, { name: 'learned', encoding });
    await source.close();
    const opened = await llama!.loadModel({ modelPath: path });
    const longest = Math.max(...asked.tokens.map(({ length }) => length));
    const answers = await greedyInLlama(opened, asked.prompts, longest);
    await opened.dispose();
    expect(answers.map((answer, i) => answer.slice(0, asked.tokens[i]!.length))).toEqual(asked.tokens);
  });
});

describe.skipIf(!existsSync(python))('GGUF in Python', () => {
  it('has the bytes of Q8_0 that the gguf package makes of the same values', () => {
    const values = hardValues();
    const jobs = [
      { do: 'q8', values: Buffer.from(values.buffer).toString('base64') },
      ...names.map((name) => ({
        do: 'requantize',
        full: join(at(name, 'F32'), 'model.gguf'),
        quantized: join(at(name, 'Q8_0'), 'model.gguf'),
      })),
    ];
    const [direct, ...files] = askPython(jobs);
    const ours = encodeElements(values, 'Q8_0');
    const theirs = Buffer.from(direct!.bytes, 'base64');
    expect(theirs.length).toBe(ours.length);
    const wrong = [...ours].findIndex((byte, at) => byte !== theirs[at]);
    expect(wrong, `byte ${wrong % q8BlockBytes} of block ${Math.floor(wrong / q8BlockBytes)}`).toBe(-1);
    expect(files.map(({ different }) => different)).toEqual(names.map(() => []));
  });

  it('is read by the gguf package, and answers the same in transformers', async () => {
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
    const answers = askPython(jobs);
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
