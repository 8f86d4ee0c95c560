import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  answersHere,
  exportedModels,
  newTokens,
  prompts,
  writeRandomModel,
} from '../../../test/support/exported-models.ts';
import { packageRoot } from '../../foundation/files.ts';
import { openExportSource } from './export-source.ts';
import { writeOnnxModel } from './onnx-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-onnx-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string, kind: string) => join(folder, `${name.replaceAll(/\W+/g, '-')}-${kind}`);
const python = join(packageRoot(), process.env.QUERENT_PYTHON ?? join('.venv', 'bin', 'python'));

beforeAll(async () => {
  for (const [name, raw] of Object.entries(exportedModels)) {
    await writeRandomModel(at(name, 'base'), raw);
    const source = await openExportSource({ base: at(name, 'base'), adapter: undefined });
    const { writeDirectoryAtomic } = await import('../../foundation/files.ts');
    await writeDirectoryAtomic(at(name, 'onnx'), (directory) => writeOnnxModel(directory, source));
    await source.close();
  }
});

const longs = (values: readonly number[], shape: readonly number[]) =>
  new Tensor('int64', BigInt64Array.from(values.map(BigInt)), shape);

interface CacheShape {
  readonly layers: number;
  readonly heads: number;
  readonly size: number;
}

/** Both prompts in one batch, the shorter padded on the left, then one token a run with the cache that came back. */
async function answersOf(directory: string, cache: CacheShape): Promise<number[][]> {
  const session = await InferenceSession.create(join(directory, 'model.onnx'), { intraOpNumThreads: 1 });
  const longest = Math.max(...prompts.map((prompt) => prompt.length));
  const padding = prompts.map((prompt) => longest - prompt.length);
  let rows = prompts.map((prompt, i) => [...new Array<number>(padding[i]!).fill(0), ...prompt]);
  let from = 0;
  const empty = () =>
    new Tensor('float32', new Float32Array(0), [prompts.length, cache.heads, 0, cache.size]);
  const names = Array.from({ length: cache.layers }, (_, i) => [`${i}.key`, `${i}.value`]).flat();
  let past = Object.fromEntries(names.map((name) => [`past_key_values.${name}`, empty()]));
  const answers: number[][] = prompts.map(() => []);
  for (let step = 0; step < newTokens; step++) {
    const width = rows[0]!.length;
    const total = from + width;
    const mask = padding.flatMap((pad) => Array.from({ length: total }, (_, t) => (t < pad ? 0 : 1)));
    const positions = padding.flatMap((pad) =>
      Array.from({ length: width }, (_, s) => Math.max(0, from + s - pad)),
    );
    const results = await session.run({
      input_ids: longs(rows.flat(), [rows.length, width]),
      attention_mask: longs(mask, [rows.length, total]),
      position_ids: longs(positions, [rows.length, width]),
      ...past,
    });
    const logits = results.logits!;
    const vocabulary = logits.dims[2]!;
    rows = prompts.map((_, i) => {
      const start = ((i + 1) * width - 1) * vocabulary;
      const row = (logits.data as Float32Array).subarray(start, start + vocabulary);
      const best = row.indexOf(Math.max(...row));
      answers[i]!.push(best);
      return [best];
    });
    past = Object.fromEntries(
      names.map((name) => [`past_key_values.${name}`, results[`present.${name}`]!]),
    ) as typeof past;
    from = total;
  }
  await session.release();
  return answers;
}

describe('ONNX with a KV cache', () => {
  it.each(Object.entries(exportedModels))(
    '%s: the same greedy tokens in plain ONNX Runtime',
    async (name, raw) => {
      const cache = {
        layers: raw.num_hidden_layers as number,
        heads: raw.num_key_value_heads as number,
        size: (raw.head_dim ?? 16) as number,
      };
      if (raw.model_type === 'qwen3') cache.size = 32;
      const answers = await answersOf(at(name, 'onnx'), cache);
      expect(answers).toEqual(await answersHere(at(name, 'base')));
      // A model that repeats one token would agree by accident.
      expect(new Set(answers.flat()).size).toBeGreaterThan(5);
    },
  );

  it.skipIf(!existsSync(python))(
    'the same in the onnxruntime of Python, which checks every operator',
    async () => {
      const script = join(packageRoot(), 'python', 'testing', 'exported_models.py');
      const jobs = Object.keys(exportedModels).map((name) => ({
        do: 'onnx',
        file: join(at(name, 'onnx'), 'model.onnx'),
        prompts: prompts.map((prompt) => [...prompt]),
        newTokens,
      }));
      const { status, stdout, stderr } = spawnSync(python, [script], {
        input: JSON.stringify(jobs),
        encoding: 'utf8',
      });
      expect(status, stderr).toBe(0);
      const answers = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
        greedy: number[][];
        domains: string[];
      }[];
      for (const [i, name] of Object.keys(exportedModels).entries()) {
        expect(answers[i]!.greedy).toEqual(await answersHere(at(name, 'base')));
      }
    },
  );
});
