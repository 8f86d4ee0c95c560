/**
 * Opening a language model's checkpoint as the commands do by default, to sample from it (`querent serve`, `evaluate`) and to
 * train an adapter on it: seconds, and the peak of the process's memory over the size of the file. Random weights in a Qwen2.5
 * shape are written to a temporary folder, and opened in a process of their own, which frees memory for nobody else. Baseline:
 * the size of the file itself.
 *
 *   npm run bench -- llm-load [--quick] [--set dtype=BF16,F16] [--set purpose=sample]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeHeader } from '../src/engine/checkpoint/safetensors-header.ts';
import { parseModelConfig } from '../src/engine/model/model-config.ts';
import { elementCount, weightShapes } from '../src/engine/model/weights.ts';
import type { BenchOptions, Measurement } from './harness.ts';

const suite = 'llm-load';

/** As in the config.json of Qwen2.5 1.5B and, for a quick look, of a thirtieth of it. */
const shapes = {
  '1.5B': { hidden_size: 1536, intermediate_size: 8960, num_hidden_layers: 28, vocab_size: 151_936 },
  '0.05B': { hidden_size: 768, intermediate_size: 2048, num_hidden_layers: 6, vocab_size: 16_384 },
} as const;

type Dtype = 'F32' | 'F16' | 'BF16';

/** Weights of either sign near 0.02, whatever the type: half a megabyte of them, again and again. */
function randomBytes(dtype: Dtype): Uint8Array {
  const count = 1 << 17;
  const floats = Float32Array.from({ length: count }, (_, i) => 0.02 * Math.sin(i * 12.9898));
  if (dtype === 'F32') return new Uint8Array(floats.buffer);
  const bits = new Uint32Array(floats.buffer);
  // 0x2400 to 0x27ff are halves from 1/64 to 1/32.
  const halves = Uint16Array.from(bits, (word, i) => (dtype === 'BF16' ? word >>> 16 : 0x2400 + (i & 0x3ff)));
  return new Uint8Array(halves.buffer);
}

async function writeCheckpoint(directory: string, shape: keyof typeof shapes, dtype: Dtype): Promise<number> {
  const raw = {
    model_type: 'qwen2',
    num_attention_heads: 12,
    num_key_value_heads: 2,
    max_position_embeddings: 32_768,
    tie_word_embeddings: true,
    ...shapes[shape],
  };
  await writeFile(join(directory, 'config.json'), JSON.stringify(raw));
  const tensors = [...weightShapes(parseModelConfig(raw, 'bench'))].map(([name, sizes]) => ({
    name,
    shape: sizes,
    dtype,
  }));
  const path = join(directory, 'model.safetensors');
  const handle = await open(path, 'w');
  const chunk = randomBytes(dtype);
  await handle.writeFile(encodeHeader(tensors, { format: 'pt' }));
  for (const tensor of tensors) {
    let left = elementCount(tensor.shape) * (dtype === 'F32' ? 4 : 2);
    for (; left > 0; left -= chunk.length)
      await handle.writeFile(chunk.subarray(0, Math.min(left, chunk.length)));
  }
  await handle.close();
  return statSync(path).size;
}

const purposes = { sample: 'opened to sample', lora: 'opened to train LoRA r16' } as const;
type Purpose = keyof typeof purposes;

interface Loaded {
  readonly seconds: number;
  readonly peakBytes: number;
}

/** `node --import tsx`: the child runs the source, as this suite does. */
function loadInChild(directory: string, purpose: Purpose): Loaded {
  const child = fileURLToPath(new URL('./support/load-model.ts', import.meta.url));
  const run = spawnSync(process.execPath, ['--import', 'tsx', child, directory, purpose], {
    encoding: 'utf8',
  });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as Loaded;
}

export async function* run(options: BenchOptions): AsyncIterable<Measurement> {
  const shape = options.quick ? '0.05B' : '1.5B';
  const asked = options.settings.dtype?.split(',') ?? ['F32', 'F16', 'BF16'];
  const wanted = options.settings.purpose?.split(',') ?? Object.keys(purposes);
  for (const dtype of asked as Dtype[]) {
    const directory = mkdtempSync(join(tmpdir(), 'querent-llm-load-'));
    try {
      options.log(`${shape} ${dtype}: writing`);
      const fileBytes = await writeCheckpoint(directory, shape, dtype);
      for (const purpose of wanted as Purpose[]) {
        const { seconds, peakBytes } = loadInChild(directory, purpose);
        const details = { shape, dtype, purpose, fileBytes, peakBytes };
        const name = `${shape} ${dtype}, ${purposes[purpose]}`;
        yield {
          suite,
          name: `${name}: peak memory`,
          value: peakBytes / 1e6,
          unit: 'MB',
          baseline: fileBytes / 1e6,
          ratio: fileBytes / peakBytes,
          baselineName: 'size of the file',
          details,
        };
        yield {
          suite,
          name: `${name}: time`,
          value: seconds,
          unit: 's',
          baseline: null,
          ratio: null,
          details,
        };
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}
