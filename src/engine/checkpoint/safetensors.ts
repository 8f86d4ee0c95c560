/**
 * Safetensors files: open (tensors are read one by one, on demand), read whole, write, and sharded sets.
 * F32, F16 and BF16 become Float32Array, or stay the halves that they are; F32 and F16 can be written. Knows files, not models.
 *
 *   const file = await openSafetensors(path);          // validates the header, reads no tensor
 *   const { shape, data } = await file.read('lm_head.weight');
 *   const tensor = await file.readStored('lm_head.weight');   // halves where the file has them
 *   await file.close();
 *   await writeSafetensors(path, weights, { dtype: 'F16' });
 */
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { readTextFile } from '../../foundation/files.ts';
import type { HalfTensor } from '../model/base-tensor.ts';
import type { WeightTensor } from '../model/weights.ts';
import { bfloat16ToFloat32, float16ToFloat32, float32ToFloat16 } from './half-precision.ts';
import {
  corruptFile,
  duplicateKey,
  encodeHeader,
  headerLength,
  parseHeader,
  type TensorEntry,
} from './safetensors-header.ts';

/** A file or a set of shards, open for reading. */
export interface WeightSource {
  readonly metadata: Readonly<Record<string, string>>;
  readonly entries: ReadonlyMap<string, TensorEntry>;
  read(name: string): Promise<{ shape: number[]; data: Float32Array }>;
  /** The same without widening. */
  readStored(name: string): Promise<WeightTensor | HalfTensor>;
  close(): Promise<void>;
}

/** One read system call carries at most this much. */
const chunkBytes = 1 << 28;

async function readExactly(
  handle: FileHandle,
  start: number,
  length: number,
  source: string,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await readInto(handle, bytes, start, source);
  return bytes;
}

async function readInto(handle: FileHandle, bytes: Uint8Array, start: number, source: string): Promise<void> {
  const { length } = bytes;
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(chunkBytes, length - done), start + done);
    if (bytesRead === 0) throw corruptFile(source, 'it became shorter while it was read');
    done += bytesRead;
  }
}

const widen = { F16: float16ToFloat32, BF16: bfloat16ToFloat32 };

/** Halves read and converted at a time: beside the final array a tensor never needs more than this. */
const halvesAtOnce = 1 << 20;

/** Straight into the array that stays. */
async function readTensor(
  handle: FileHandle,
  entry: TensorEntry,
  name: string,
  source: string,
): Promise<Float32Array> {
  const { dtype, startByte, endByte } = entry;
  if (dtype === 'F32') {
    const bytes = await readExactly(handle, startByte, endByte - startByte, source);
    return new Float32Array(bytes.buffer, 0, bytes.length / 4);
  }
  if (dtype !== 'F16' && dtype !== 'BF16') throw unsupportedType(name, source, dtype);
  const values = new Float32Array((endByte - startByte) / 2);
  const halves = new Uint16Array(Math.min(halvesAtOnce, values.length));
  for (let at = 0; at < values.length; at += halvesAtOnce) {
    const part = halves.subarray(0, Math.min(halvesAtOnce, values.length - at));
    await readInto(handle, new Uint8Array(part.buffer, 0, part.byteLength), startByte + 2 * at, source);
    widen[dtype](part, values.subarray(at, at + part.length));
  }
  return values;
}

const halfTypes = { F16: 'float16', BF16: 'bfloat16' } as const;

async function readStoredTensor(
  handle: FileHandle,
  entry: TensorEntry,
  name: string,
  source: string,
): Promise<WeightTensor | HalfTensor> {
  const { dtype, startByte, endByte, shape } = entry;
  if (dtype !== 'F16' && dtype !== 'BF16')
    return { shape: [...shape], data: await readTensor(handle, entry, name, source) };
  const bytes = await readExactly(handle, startByte, endByte - startByte, source);
  return { shape: [...shape], type: halfTypes[dtype], halves: new Uint16Array(bytes.buffer) };
}

function unsupportedType(name: string, source: string, dtype: string): QuerentError {
  return new QuerentError(
    'checkpoint/unsupported-dtype',
    `tensor "${name}" of ${source} has dtype ${dtype}; F32, F16 or BF16 was expected`,
    { next: 'Convert the checkpoint to one of these types.', details: { source, name, dtype } },
  );
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    const handle = await open(path, 'r');
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    throw new Error('it is not a file');
  } catch (thrown) {
    throw new QuerentError('checkpoint/missing', `cannot read the weights ${path}: ${messageOf(thrown)}`, {
      next: 'Check the path of the model directory.',
      details: { path },
      cause: thrown,
    });
  }
}

export async function openSafetensors(path: string): Promise<WeightSource> {
  const handle = await openForReading(path);
  try {
    const fileBytes = (await handle.stat()).size;
    const length = headerLength(await readExactly(handle, 0, Math.min(8, fileBytes), path), fileBytes, path);
    const { entries, metadata } = parseHeader(await readExactly(handle, 8, length, path), fileBytes, path);
    const entryOf = (name: string): TensorEntry => {
      const entry = entries.get(name);
      if (entry === undefined) throw missingTensor(name, path);
      return entry;
    };
    return {
      metadata,
      entries,
      close: () => handle.close(),
      read: async (name) => {
        const entry = entryOf(name);
        return { shape: [...entry.shape], data: await readTensor(handle, entry, name, path) };
      },
      readStored: async (name) => readStoredTensor(handle, entryOf(name), name, path),
    };
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
}

function missingTensor(name: string, source: string): QuerentError {
  return new QuerentError('checkpoint/missing-tensor', `${source} has no tensor "${name}"`, {
    next: 'Check that config.json and the weights belong to the same model.',
    details: { source, name },
  });
}

function parseWeightMap(text: string, path: string): Map<string, string> {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (thrown) {
    throw corruptFile(path, `it is not JSON (${messageOf(thrown)})`);
  }
  const map = (root as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw corruptFile(path, 'it has no "weight_map"');
  const repeated = duplicateKey(text);
  if (repeated !== undefined) throw corruptFile(path, `the name ${JSON.stringify(repeated)} appears twice`);
  const result = new Map<string, string>();
  for (const [name, file] of Object.entries(map)) {
    if (typeof file !== 'string' || !/^[^/\\]+\.safetensors$/.test(file))
      throw corruptFile(path, `tensor ${JSON.stringify(name)} is said to lie in ${JSON.stringify(file)}`);
    result.set(name, file);
  }
  return result;
}

/** Open a `*.safetensors.index.json` and every shard it names. */
export async function openShardedSafetensors(indexPath: string): Promise<WeightSource> {
  const map = parseWeightMap(await readTextFile(indexPath, 'index of sharded weights'), indexPath);
  const shards = new Map<string, WeightSource>();
  const close = async (): Promise<void> => {
    for (const shard of shards.values()) await shard.close();
  };
  try {
    for (const file of new Set(map.values())) {
      shards.set(file, await openSafetensors(join(dirname(indexPath), file)));
    }
    const entries = new Map<string, TensorEntry>();
    for (const [name, file] of map) {
      const entry = shards.get(file)!.entries.get(name);
      if (entry === undefined) throw missingTensor(name, join(dirname(indexPath), file));
      entries.set(name, entry);
    }
    const shardOf = (name: string): WeightSource => {
      const file = map.get(name);
      if (file === undefined) throw missingTensor(name, indexPath);
      return shards.get(file)!;
    };
    return {
      metadata: {},
      entries,
      read: async (name) => shardOf(name).read(name),
      readStored: async (name) => shardOf(name).readStored(name),
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** Every tensor of an open source (or those wanted), which is closed afterwards. */
export async function readAllTensors(
  source: WeightSource,
  isWanted: (name: string) => boolean = () => true,
): Promise<Map<string, { shape: number[]; data: Float32Array }>> {
  try {
    const weights = new Map<string, { shape: number[]; data: Float32Array }>();
    for (const name of source.entries.keys()) if (isWanted(name)) weights.set(name, await source.read(name));
    return weights;
  } finally {
    await source.close();
  }
}

export async function readSafetensors(
  path: string,
): Promise<Map<string, { shape: number[]; data: Float32Array }>> {
  return readAllTensors(await openSafetensors(path));
}

export interface WriteOptions {
  /** F32 unless told. */
  readonly dtype?: 'F32' | 'F16';
  /** `{ format: 'pt' }` unless told; Python transformers asks for it. */
  readonly metadata?: Readonly<Record<string, string>>;
}

function checkTensor(name: string, tensor: WeightTensor): void {
  const expected = tensor.shape.reduce((product, n) => product * n, 1);
  if (name !== '__metadata__' && expected === tensor.data.length) return;
  throw new QuerentError(
    'checkpoint/invalid-tensor',
    `cannot write tensor "${name}": shape [${tensor.shape}] means ${expected} values, it has ${tensor.data.length}`,
    { next: 'Report this as a bug with the command that was run.' },
  );
}

/** Write tensor by tensor and flush. Not atomic by itself: write into a directory that takes its name afterwards. */
export async function writeSafetensors(
  path: string,
  weights: ReadonlyMap<string, WeightTensor>,
  options: WriteOptions = {},
): Promise<void> {
  const { dtype = 'F32', metadata = { format: 'pt' } } = options;
  const names = [...weights.keys()].sort();
  for (const name of names) checkTensor(name, weights.get(name)!);
  const handle = await open(path, 'w');
  try {
    await handle.writeFile(
      encodeHeader(
        names.map((name) => ({ name, dtype, shape: weights.get(name)!.shape })),
        metadata,
      ),
    );
    for (const name of names) {
      const { data } = weights.get(name)!;
      const stored = dtype === 'F32' ? data : float32ToFloat16(data);
      await handle.writeFile(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}
