/**
 * The header of a safetensors file: 8 bytes little-endian header length, JSON, then the tensors without holes.
 * Checks everything before a byte of tensor data is believed; knows nothing of file handles.
 * Format: https://github.com/huggingface/safetensors#format
 */
import { messageOf, QuerentError } from '../../foundation/errors.ts';

/** Bytes of one element. Sub-byte and 8-bit float types are recognised, so that a file holding them still opens. */
const elementBytes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
} as const;

export type SafetensorsDtype = keyof typeof elementBytes;

export interface TensorEntry {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Where its bytes lie, counted from the start of the file. */
  readonly startByte: number;
  readonly endByte: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly entries: ReadonlyMap<string, TensorEntry>;
}

/** The limit of the reference implementation. */
export const headerBytesMax = 100_000_000;

export function corruptFile(source: string, problem: string): QuerentError {
  return new QuerentError('checkpoint/corrupt', `${source} is not a valid safetensors file: ${problem}`, {
    next: 'Copy or download the file again, or use an earlier checkpoint.',
    details: { source },
  });
}

/** The header's length from the first 8 bytes, checked against the size of the file. */
export function headerLength(prefix: Uint8Array, fileBytes: number, source: string): number {
  if (prefix.byteLength < 8 || fileBytes < 8) throw corruptFile(source, `only ${fileBytes} bytes long`);
  const view = new DataView(prefix.buffer, prefix.byteOffset, 8);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(headerBytesMax))
    throw corruptFile(source, `it announces a header of ${length} bytes (at most ${headerBytesMax})`);
  if (Number(length) + 8 > fileBytes)
    throw corruptFile(
      source,
      `it is truncated: the header should have ${length} bytes, the file ${fileBytes}`,
    );
  return Number(length);
}

/** `JSON.parse` keeps the last of two equal keys without a word; this finds the first repeated key of any object. */
export function duplicateKey(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (c === '{') open.push(new Set());
    else if (c === '[') open.push(undefined);
    else if (c === '}' || c === ']') open.pop();
    else if (c === '"') {
      const start = i;
      for (i++; i < json.length && json[i] !== '"'; i++) if (json[i] === '\\') i++;
      const keys = open.at(-1);
      let next = i + 1;
      while (next < json.length && ' \t\r\n'.includes(json[next]!)) next++;
      if (keys === undefined || json[next] !== ':') continue;
      const key = JSON.parse(json.slice(start, i + 1)) as string;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function parseEntry(name: string, value: unknown, dataStart: number, source: string): TensorEntry {
  const quoted = JSON.stringify(name);
  if (!isRecord(value)) throw corruptFile(source, `the entry ${quoted} is not an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(elementBytes, dtype))
    throw corruptFile(source, `tensor ${quoted} has the unknown dtype ${JSON.stringify(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isCount))
    throw corruptFile(source, `tensor ${quoted} has an invalid shape ${JSON.stringify(shape)}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount) || offsets[0]! > offsets[1]!)
    throw corruptFile(source, `tensor ${quoted} has invalid data_offsets ${JSON.stringify(offsets)}`);
  const [start, end] = offsets as [number, number];
  const bytes =
    shape.reduce((product: number, n: number) => product * n, 1) * elementBytes[dtype as SafetensorsDtype];
  if (bytes !== end - start)
    throw corruptFile(
      source,
      `tensor ${quoted} needs ${bytes} bytes for ${dtype} [${shape}] but has ${end - start}`,
    );
  return {
    dtype: dtype as SafetensorsDtype,
    shape: Object.freeze([...(shape as number[])]),
    startByte: dataStart + start,
    endByte: dataStart + end,
  };
}

/** Every byte after the header belongs to exactly one tensor. */
function checkCoverage(
  entries: ReadonlyMap<string, TensorEntry>,
  dataStart: number,
  fileBytes: number,
  source: string,
): void {
  const ordered = [...entries].sort(([, a], [, b]) => a.startByte - b.startByte || a.endByte - b.endByte);
  let position = dataStart;
  for (const [name, entry] of ordered) {
    if (entry.startByte !== position)
      throw corruptFile(source, `tensor ${JSON.stringify(name)} overlaps another or leaves a hole`);
    position = entry.endByte;
  }
  if (position > fileBytes)
    throw corruptFile(source, `it is truncated: ${position} bytes expected, ${fileBytes} found`);
  if (position < fileBytes) throw corruptFile(source, `${fileBytes - position} bytes after the last tensor`);
}

function parseMetadata(value: unknown, source: string): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value) || !Object.values(value).every((item) => typeof item === 'string'))
    throw corruptFile(source, '__metadata__ is not an object of texts');
  return value as Record<string, string>;
}

/** Parse and check the JSON header (without the 8 length bytes). */
export function parseHeader(header: Uint8Array, fileBytes: number, source: string): SafetensorsHeader {
  let root: unknown;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(header);
    root = JSON.parse(text);
  } catch (thrown) {
    throw corruptFile(source, `its header is not JSON (${messageOf(thrown)})`);
  }
  if (!isRecord(root)) throw corruptFile(source, 'its header is not a JSON object');
  const repeated = duplicateKey(text);
  if (repeated !== undefined) throw corruptFile(source, `the name ${JSON.stringify(repeated)} appears twice`);
  const dataStart = 8 + header.byteLength;
  const entries = new Map<string, TensorEntry>();
  for (const [name, value] of Object.entries(root)) {
    if (name !== '__metadata__') entries.set(name, parseEntry(name, value, dataStart, source));
  }
  checkCoverage(entries, dataStart, fileBytes, source);
  return { metadata: Object.freeze(parseMetadata(root.__metadata__, source)), entries };
}

/** The file's head: length, JSON, spaces up to a multiple of 8 so that tensors lie aligned. */
export function encodeHeader(
  tensors: readonly {
    readonly name: string;
    readonly dtype: SafetensorsDtype;
    readonly shape: readonly number[];
  }[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const pairs: string[] = [];
  if (Object.keys(metadata).length > 0) pairs.push(`"__metadata__":${JSON.stringify(metadata)}`);
  let offset = 0;
  for (const { name, dtype, shape } of tensors) {
    const end = offset + shape.reduce((product, n) => product * n, 1) * elementBytes[dtype];
    pairs.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [offset, end] })}`);
    offset = end;
  }
  const json = new TextEncoder().encode(`{${pairs.join(',')}}`);
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const head = new Uint8Array(8 + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(json, 8);
  return head;
}
