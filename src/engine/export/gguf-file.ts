/**
 * The GGUF container, version 3: typed key–value pairs, a table of tensors, aligned data. It knows the file format
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) and neither models nor tokenizers.
 */
import { type ElementEncoding, encodedBytes } from './element-encoding.ts';
import type { PieceWriter } from './file-writer.ts';

export type GgufValue =
  | { readonly type: 'uint32' | 'int32' | 'float32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'int32s'; readonly value: readonly number[] };

export type GgufMetadata = ReadonlyMap<string, GgufValue>;

export interface GgufTensor {
  readonly name: string;
  /** Outermost axis first, as everywhere in Querent; the file has it the other way round. */
  readonly shape: readonly number[];
  readonly encoding: ElementEncoding;
  /** Its bytes, made when they are written. */
  readonly bytes: () => Promise<Uint8Array>;
}

/** `gguf_metadata_value_type`. */
const valueTypes = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;
/** `ggml_type`. */
const tensorTypes: Readonly<Record<ElementEncoding, number>> = { F32: 0, F16: 1, Q8_0: 8, BF16: 30 };
const alignmentBytes = 32;
const magic = 0x46554747;

class ByteList {
  readonly #parts: Uint8Array[] = [];

  number(value: number, method: 'setUint32' | 'setInt32' | 'setFloat32'): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer)[method](0, value, true);
    this.#parts.push(bytes);
  }

  count(value: number): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
    this.#parts.push(bytes);
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.count(bytes.length);
    this.#parts.push(bytes);
  }

  bytes(value: Uint8Array): void {
    this.#parts.push(value);
  }

  whole(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

function writeValue(list: ByteList, entry: GgufValue): void {
  switch (entry.type) {
    case 'uint32':
    case 'int32':
    case 'float32':
      list.number(valueTypes[entry.type], 'setUint32');
      list.number(
        entry.value,
        ({ uint32: 'setUint32', int32: 'setInt32', float32: 'setFloat32' } as const)[entry.type],
      );
      return;
    case 'bool':
      list.number(valueTypes.bool, 'setUint32');
      list.bytes(Uint8Array.of(entry.value ? 1 : 0));
      return;
    case 'string':
      list.number(valueTypes.string, 'setUint32');
      list.text(entry.value);
      return;
    case 'strings':
    case 'int32s':
      list.number(valueTypes.array, 'setUint32');
      list.number(entry.type === 'strings' ? valueTypes.string : valueTypes.int32, 'setUint32');
      list.count(entry.value.length);
      if (entry.type === 'strings') for (const text of entry.value) list.text(text);
      else list.bytes(new Uint8Array(Int32Array.from(entry.value).buffer));
      return;
    default:
      entry satisfies never;
  }
}

const padded = (bytes: number): number => Math.ceil(bytes / alignmentBytes) * alignmentBytes;
const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

function head(metadata: GgufMetadata, tensors: readonly GgufTensor[]): Uint8Array {
  const list = new ByteList();
  list.number(magic, 'setUint32');
  list.number(3, 'setUint32');
  list.count(tensors.length);
  list.count(metadata.size);
  for (const [key, value] of metadata) {
    list.text(key);
    writeValue(list, value);
  }
  let offset = 0;
  for (const { name, shape, encoding } of tensors) {
    list.text(name);
    list.number(shape.length, 'setUint32');
    for (const size of shape.toReversed()) list.count(size);
    list.number(tensorTypes[encoding], 'setUint32');
    list.count(offset);
    offset += padded(encodedBytes(elements(shape), encoding));
  }
  return list.whole();
}

export async function writeGguf(
  file: PieceWriter,
  metadata: GgufMetadata,
  tensors: readonly GgufTensor[],
): Promise<void> {
  await file.write(head(metadata, tensors));
  await file.align(alignmentBytes);
  for (const { bytes } of tensors) {
    await file.write(await bytes());
    await file.align(alignmentBytes);
  }
}
