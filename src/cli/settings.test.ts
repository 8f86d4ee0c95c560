import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isQuerentError } from '../foundation/errors.ts';
import { applyOverrides, loadSettings, mergeTrees } from './settings.ts';

const schema = z.strictObject({
  seed: z.int().default(1),
  sft: z
    .strictObject({ learningRate: z.number().positive().default(0.001), name: z.string().default('a') })
    .prefault({}),
});
const folder = mkdtempSync(join(tmpdir(), 'querent-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe('applyOverrides', () => {
  it.each([
    [['seed=3'], { seed: 3 }],
    [['sft.learningRate=2e-5', 'sft.name=b'], { sft: { learningRate: 2e-5, name: 'b' } }],
    [['a.b.c=[1, 2]', 'a.d=true'], { a: { b: { c: [1, 2] }, d: true } }],
    [['a=x=y'], { a: 'x=y' }],
  ])('%j', (overrides, expected) => {
    expect(applyOverrides({}, overrides)).toEqual(expected);
  });

  it.each([['seed'], ['=3'], ['a..b=1'], ['__proto__.x=1']])('refuses %j', (text) => {
    expect(() => applyOverrides({}, [text])).toThrow(/expected key=value/);
  });

  it('refuses a value that is not YAML', () => {
    expect(() => applyOverrides({}, ['a=[1'])).toThrow(/cannot be read/);
  });

  it('leaves the base as it was', () => {
    const base = { sft: { name: 'a' } };
    applyOverrides(base, ['sft.name=b']);
    expect(base).toEqual({ sft: { name: 'a' } });
  });
});

describe('loadSettings', () => {
  it('puts the file over the preset and --set over the file', async () => {
    const configPath = file('a.yaml', 'seed: 5\nsft:\n  learningRate: 0.01\n');
    const settings = await loadSettings(schema, {
      base: { seed: 1, sft: { name: 'preset' } },
      configPath,
      overrides: ['seed=7'],
    });
    expect(settings).toEqual({ seed: 7, sft: { learningRate: 0.01, name: 'preset' } });
    expect(Object.isFrozen(settings.sft)).toBe(true);
  });

  it.each([
    ['unknown.yaml', 'sft:\n  learningrate: 1\n', 'config/unknown-key', /sft\.learningrate/],
    ['impossible.yaml', 'sft: {learningRate: -1}\n', 'config/invalid', /sft\.learningRate/],
    ['broken.json', '{"seed": 1', 'config/not-parsable', /broken\.json/],
    ['broken.yaml', 'a: [1\nb: 2', 'config/not-parsable', /broken\.yaml/],
    ['list.yaml', '- 1\n', 'config/not-parsable', /keys and values/],
  ])('refuses %s', async (name, text, code, message) => {
    const failure = await loadSettings(schema, { configPath: file(name, text) }).catch((e: unknown) => e);
    expect(isQuerentError(failure) && failure.code).toBe(code);
    expect(String(failure)).toMatch(message);
    expect(isQuerentError(failure) && failure.next).toBeTruthy();
  });

  it('names a file that is not there', async () => {
    await expect(loadSettings(schema, { configPath: join(folder, 'none.yaml') })).rejects.toThrow(
      /no such file/,
    );
  });

  it('never throws anything but a QuerentError, whatever the file holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        const failure = await loadSettings(schema, { configPath: file('fuzz.yaml', text) }).catch(
          (e: unknown) => e,
        );
        return !(failure instanceof Error) || isQuerentError(failure);
      }),
      { numRuns: 200 },
    );
  });
});

describe('mergeTrees', () => {
  it('merges objects and replaces lists', () => {
    expect(mergeTrees({ a: { b: 1, c: [1, 2] } }, { a: { c: [3] } })).toEqual({ a: { b: 1, c: [3] } });
  });
});
