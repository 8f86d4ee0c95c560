import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { isQuerentError } from '../../foundation/errors.ts';
import { bfloat16ToFloat32, float16ToFloat32, float32ToFloat16 } from './half-precision.ts';
import { openSafetensors, openShardedSafetensors, readSafetensors, writeSafetensors } from './safetensors.ts';
import { duplicateKey } from './safetensors-header.ts';

const directory = mkdtempSync(join(tmpdir(), 'querent-safetensors-'));
afterAll(() => rmSync(directory, { recursive: true }));
const path = join(directory, 'model.safetensors');

/** A file from any JSON header (not padded) and a body. */
function fileOf(header: string, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(body, 8 + json.length);
  return bytes;
}

async function codeOfReading(bytes: Uint8Array): Promise<string> {
  await writeFile(path, bytes);
  try {
    await readSafetensors(path);
    return 'read';
  } catch (thrown) {
    if (!isQuerentError(thrown)) throw thrown;
    return thrown.code;
  }
}

const tensors = fc
  .uniqueArray(
    fc.tuple(
      fc
        .string({ unit: 'binary', maxLength: 8 })
        .filter((name) => name !== '__metadata__' && !/\p{Surrogate}/u.test(name)),
      fc.array(fc.nat({ max: 4 }), { maxLength: 3 }),
    ),
    { selector: ([name]) => name, maxLength: 6 },
  )
  .chain((shapes) =>
    fc.record({
      shapes: fc.constant(shapes),
      values: fc.infiniteStream(fc.float({ noNaN: true })),
    }),
  )
  .map(({ shapes, values }) => {
    const stream = values[Symbol.iterator]();
    const count = (shape: number[]) => shape.reduce((product, n) => product * n, 1);
    return new Map(
      shapes.map(([name, shape]) => {
        const data = Float32Array.from({ length: count(shape) }, () => stream.next().value as number);
        return [name, { shape, data }] as const;
      }),
    );
  });

describe('safetensors', () => {
  it('reads back what it wrote, bit for bit, in F32', async () => {
    await fc.assert(
      fc.asyncProperty(tensors, async (weights) => {
        await writeSafetensors(path, weights);
        const back = await readSafetensors(path);
        expect(new Set(back.keys())).toEqual(new Set(weights.keys()));
        for (const [name, { shape, data }] of weights) expect(back.get(name)).toEqual({ shape, data });
      }),
      { numRuns: 60 },
    );
  });

  it('rounds to the nearest half in F16', async () => {
    const data = Float32Array.from([0, -0, 1, -2.5, 65504, 65520, 1e-8, 6e-8, 0.1, Number.POSITIVE_INFINITY]);
    await writeSafetensors(path, new Map([['a', { shape: [10], data }]]), { dtype: 'F16' });
    const back = (await readSafetensors(path)).get('a')!.data;
    const inf = Number.POSITIVE_INFINITY;
    const expected = [0, -0, 1, -2.5, 65504, inf, 0, 2 ** -24, 0.0999755859375, inf];
    expect([...back]).toEqual(expected);
  });

  it('converts every half to a float and back without a change', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const floats = float16ToFloat32(bits);
    const back = float32ToFloat16(floats);
    for (let i = 0; i < 65536; i++) if (!Number.isNaN(floats[i]!)) expect(back[i]).toBe(bits[i]);
    expect([...bfloat16ToFloat32(Uint16Array.of(0x3f80, 0xc020))]).toEqual([1, -2.5]);
  });

  it('reads one tensor without the others, and says which names exist', async () => {
    const weights = new Map([
      ['b', { shape: [2], data: Float32Array.of(3, 4) }],
      ['a', { shape: [1, 2], data: Float32Array.of(1, 2) }],
    ]);
    await writeSafetensors(path, weights, { metadata: { format: 'pt', step: '7' } });
    const file = await openSafetensors(path);
    expect(file.metadata).toEqual({ format: 'pt', step: '7' });
    expect(await file.read('b')).toEqual({ shape: [2], data: Float32Array.of(3, 4) });
    await expect(file.read('c')).rejects.toMatchObject({ code: 'checkpoint/missing-tensor' });
    await file.close();
  });

  it('reads a sharded set through its index', async () => {
    await writeSafetensors(
      join(directory, 's1.safetensors'),
      new Map([['a', { shape: [1], data: Float32Array.of(1) }]]),
    );
    await writeSafetensors(
      join(directory, 's2.safetensors'),
      new Map([['b', { shape: [1], data: Float32Array.of(2) }]]),
    );
    const index = join(directory, 'model.safetensors.index.json');
    await writeFile(index, JSON.stringify({ weight_map: { a: 's1.safetensors', b: 's2.safetensors' } }));
    const source = await openShardedSafetensors(index);
    expect((await source.read('b')).data[0]).toBe(2);
    await source.close();
    await writeFile(index, JSON.stringify({ weight_map: { a: '../s1.safetensors' } }));
    await expect(openShardedSafetensors(index)).rejects.toMatchObject({ code: 'checkpoint/corrupt' });
    await writeFile(index, JSON.stringify({ weight_map: { a: 's3.safetensors' } }));
    await expect(openShardedSafetensors(index)).rejects.toMatchObject({ code: 'checkpoint/missing' });
    await writeFile(index, JSON.stringify({ weight_map: { b: 's1.safetensors' } }));
    await expect(openShardedSafetensors(index)).rejects.toMatchObject({ code: 'checkpoint/missing-tensor' });
  });
});

describe('damaged safetensors files', () => {
  const f32 = (shape: number[], offsets: number[]) => ({ dtype: 'F32', shape, data_offsets: offsets });
  const cases: [string, string, number, string][] = [
    ['no JSON', '{"a":', 0, 'checkpoint/corrupt'],
    ['an array', '[]', 0, 'checkpoint/corrupt'],
    [
      'an unknown dtype',
      JSON.stringify({ a: { ...f32([1], [0, 4]), dtype: 'F31' } }),
      4,
      'checkpoint/corrupt',
    ],
    [
      'a dtype of the prototype',
      JSON.stringify({ a: { ...f32([1], [0, 4]), dtype: 'toString' } }),
      4,
      'checkpoint/corrupt',
    ],
    ['a negative shape', JSON.stringify({ a: f32([-1], [0, 4]) }), 4, 'checkpoint/corrupt'],
    ['a shape that does not match', JSON.stringify({ a: f32([2], [0, 4]) }), 4, 'checkpoint/corrupt'],
    ['an enormous shape', JSON.stringify({ a: f32([2 ** 50, 2 ** 50], [0, 4]) }), 4, 'checkpoint/corrupt'],
    ['offsets backwards', JSON.stringify({ a: f32([1], [4, 0]) }), 4, 'checkpoint/corrupt'],
    ['offsets past the end', JSON.stringify({ a: f32([2], [0, 8]) }), 4, 'checkpoint/corrupt'],
    ['a hole', JSON.stringify({ a: f32([1], [4, 8]) }), 8, 'checkpoint/corrupt'],
    ['an overlap', JSON.stringify({ a: f32([1], [0, 4]), b: f32([1], [0, 4]) }), 4, 'checkpoint/corrupt'],
    ['bytes left over', JSON.stringify({ a: f32([1], [0, 4]) }), 5, 'checkpoint/corrupt'],
    ['metadata that is no text', JSON.stringify({ __metadata__: { a: 1 } }), 0, 'checkpoint/corrupt'],
    [
      'a name twice',
      `{"a":${JSON.stringify(f32([1], [0, 4]))},"\\u0061" \n :${JSON.stringify(f32([1], [4, 8]))}}`,
      8,
      'checkpoint/corrupt',
    ],
    [
      'integers',
      JSON.stringify({ a: { dtype: 'I32', shape: [1], data_offsets: [0, 4] } }),
      4,
      'checkpoint/unsupported-dtype',
    ],
  ];
  it.each(cases)('%s', async (_title, header, bodyBytes, code) => {
    expect(await codeOfReading(fileOf(header, new Uint8Array(bodyBytes)))).toBe(code);
  });

  it('says what is wrong with a length that cannot be', async () => {
    expect(await codeOfReading(new Uint8Array(0))).toBe('checkpoint/corrupt');
    expect(await codeOfReading(new Uint8Array(7))).toBe('checkpoint/corrupt');
    expect(await codeOfReading(new Uint8Array(16).fill(255))).toBe('checkpoint/corrupt');
    await expect(openSafetensors(join(directory, 'absent'))).rejects.toMatchObject({
      code: 'checkpoint/missing',
    });
    await expect(openSafetensors(directory)).rejects.toMatchObject({ code: 'checkpoint/missing' });
  });

  it('never reads a truncated file', async () => {
    const weights = new Map([['a', { shape: [3], data: Float32Array.of(1, 2, 3) }]]);
    await writeSafetensors(path, weights);
    for (let bytes = (await readFile(path)).length - 1; bytes >= 0; bytes--) {
      await truncate(path, bytes);
      await expect(readSafetensors(path)).rejects.toMatchObject({ code: 'checkpoint/corrupt' });
    }
  });

  it('reads or refuses with a QuerentError whatever byte is changed', async () => {
    await writeSafetensors(path, new Map([['a', { shape: [2], data: Float32Array.of(1, 2) }]]));
    const whole = await readFile(path);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        async (edits) => {
          const bytes = Uint8Array.from(whole);
          for (const [at, value] of edits) bytes[at] = value;
          expect(['read', 'checkpoint/corrupt', 'checkpoint/unsupported-dtype']).toContain(
            await codeOfReading(bytes),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('finds a repeated key in any object, and only there', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(duplicateKey(JSON.stringify(JSON.parse(json)))).toBeUndefined();
      }),
    );
    expect(duplicateKey('{"a":{"b":1,"b":2}}')).toBe('b');
    expect(duplicateKey('{"a":"a","b":["a","a"]}')).toBeUndefined();
  });
});
