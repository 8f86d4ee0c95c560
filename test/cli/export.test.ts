/** `querent export`: every format from one trained adapter, its card, and nothing left behind where it fails. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shippedModelDirectory } from '../../src/cli/project.ts';
import { saveAdapter } from '../../src/engine/checkpoint/adapter-directory.ts';
import { fingerprintOf } from '../../src/engine/checkpoint/base-model.ts';
import { loadModel } from '../../src/engine/checkpoint/model-directory.ts';
import { openSafetensors } from '../../src/engine/checkpoint/safetensors.ts';
import { initializeAdapter, parseLoraConfig } from '../../src/engine/model/lora.ts';
import { createRandom } from '../../src/foundation/random.ts';
import { createMetricsLog } from '../../src/training/metrics-log.ts';
import { answersHere, exportedModels, writeRandomModel } from '../support/exported-models.ts';
import { runQuerent } from './fake-io.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-export-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const base = join(folder, 'base');
const run = join(folder, 'grpo');
const trained = join(run, 'final');
const out = (name: string) => join(folder, 'out', name);
const exported = (...args: string[]) => runQuerent(['export', ...args], { workingDirectory: folder });

beforeAll(async () => {
  await writeRandomModel(base, exportedModels.qwen2!);
  const { config, weights } = await loadModel(base);
  const lora = parseLoraConfig({ rank: 4, alpha: 8, targetModules: ['q_proj', 'down_proj'] }, 'test');
  const adapter = initializeAdapter(config, lora, createRandom(2));
  for (const { data } of adapter.values()) for (let i = 0; i < data.length; i++) data[i] = 0.1 * Math.sin(i);
  mkdirSync(run);
  const baseFingerprint = fingerprintOf(weights);
  await saveAdapter(trained, { config: lora, weights: adapter, baseModel: base, baseFingerprint });
  writeFileSync(join(run, 'config.json'), JSON.stringify({ learningRate: 0.0012345 }));
  const log = createMetricsLog(join(run, 'metrics.jsonl'));
  const timing = { seconds: 1 };
  await log.append({ type: 'step', stage: 'grpo', step: 7, total: 7, metrics: { reward: 0.4321 }, timing });
  await log.append({ type: 'evaluation', stage: 'grpo', set: 'evaluation', step: 7, metrics: { ex: 0.625 } });
});

describe('querent export', () => {
  it('merges an adapter into safetensors that answer as base and adapter do', async () => {
    const args = [
      '--model',
      run,
      '--format',
      'safetensors',
      '--out',
      out('merged'),
      '--dtype',
      'f32',
      '--json',
    ];
    const { exitCode, stderr, json } = await exported(...args);
    expect(exitCode, stderr).toBe(0);
    expect(json<{ files: string[] }>().files).toContain('model.safetensors');
    const adapted = await answersHere(base, trained);
    expect(await answersHere(out('merged'))).toEqual(adapted);
    expect(await answersHere(base)).not.toEqual(adapted);
  });

  it('writes BF16 within the precision of BF16', async () => {
    const args = ['--model', trained, '--format', 'safetensors', '--out', out('bf16'), '--dtype', 'bf16'];
    expect((await exported(...args)).exitCode).toBe(0);
    const [rounded, exact] = [await loadModel(out('bf16')), await loadModel(out('merged'))];
    for (const [name, { data }] of exact.weights) {
      const other = rounded.weights.get(name)!.data;
      for (const [i, value] of data.entries())
        expect(Math.abs(other[i]! - value)).toBeLessThanOrEqual(Math.abs(value) / 256);
    }
    const source = await openSafetensors(join(out('bf16'), 'model.safetensors'));
    expect([...source.entries.values()].every(({ dtype }) => dtype === 'BF16')).toBe(true);
    await source.close();
  });

  it('writes the adapter with the name of its base', async () => {
    const args = ['--model', trained, '--format', 'peft', '--out', out('peft'), '--base-name', 'owner/base'];
    expect((await exported(...args)).exitCode).toBe(0);
    const config = JSON.parse(readFileSync(join(out('peft'), 'adapter_config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ r: 4, lora_alpha: 8, base_model_name_or_path: 'owner/base' });
    expect(readFileSync(join(out('peft'), 'README.md'), 'utf8')).toMatch(/^base_model: owner\/base$/m);
    const bytes = (directory: string) => readFileSync(join(directory, 'adapter_model.safetensors'));
    expect(bytes(out('peft')).equals(bytes(trained))).toBe(true);
  });

  it.each([
    ['gguf', 'grpo-Q8_0.gguf', ['--dtype', 'q8_0']],
    ['onnx', 'onnx/model.onnx', []],
  ] as const)('writes %s with a card', async (format, file, more) => {
    const { exitCode, stderr, json } = await exported(
      '--model',
      run,
      '--format',
      format,
      '--out',
      out(format),
      '--json',
      ...more,
    );
    expect(exitCode, stderr).toBe(0);
    expect(json<{ files: string[] }>().files).toEqual(expect.arrayContaining([file, 'README.md']));
  });

  it('puts the figures of the run on the card, and no others', async () => {
    const card = readFileSync(join(out('merged'), 'README.md'), 'utf8');
    expect(card).toContain('| training | 7 | reward | 0.4321 |');
    expect(card).toContain('| evaluation | 7 | ex | 0.625 |');
    expect(card).toContain('0.0012345');
    expect(card).toContain('rank 4, alpha 8, on q_proj, down_proj; merged into the weights');
    expect(card).not.toContain('## Evaluation');
    expect(card).not.toContain(folder);
    await exported('--model', base, '--format', 'onnx', '--out', out('plain'));
    const plain = readFileSync(join(out('plain'), 'README.md'), 'utf8');
    expect(plain).toContain('nothing is known here of how good it is');
    expect(plain).not.toMatch(/## (Training|Evaluation)/);
  });

  it.each([
    [
      'a word tokenizer as GGUF',
      ['--model', shippedModelDirectory(), '--format', 'gguf'],
      /export\/unsupported-tokenizer/,
    ],
    ['a whole model as an adapter', ['--model', base, '--format', 'peft'], /export\/no-adapter/],
    ['a type of another format', ['--model', base, '--format', 'onnx', '--dtype', 'q8_0'], /usage\/dtype/],
    [
      'a report that is none',
      ['--model', base, '--format', 'onnx', '--report', join(run, 'config.json')],
      /config\//,
    ],
  ] as const)('refuses %s and leaves nothing', async (_, args, expected) => {
    const { exitCode, stderr } = await exported(...args, '--out', out('refused'));
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(expected);
    expect(readdirSync(join(folder, 'out')).filter((name) => name.startsWith('refused'))).toEqual([]);
  });

  it('overwrites nothing', async () => {
    const { stderr } = await exported('--model', base, '--format', 'onnx', '--out', base);
    expect(stderr).toMatch(/export\/exists/);
    expect(existsSync(join(base, 'model.safetensors'))).toBe(true);
  });
});
