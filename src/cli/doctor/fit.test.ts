import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fitReport } from '../../engine/runtime/memory-advice.ts';
import { estimateMemory, type FitRequest, fitDevices } from '../../engine/runtime/memory-estimate.ts';
import { checkRequest, fitLines, fitModel, suggestionsOf } from './fit.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-fit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { config } = await fitModel('Qwen/Qwen2.5-Coder-7B-Instruct', join(folder, 'nowhere'));
const request: FitRequest = { config, device: 'gpu', method: 'lora', rank: 16, batch: 4, length: 1024 };
const peak = (changed: Partial<FitRequest>): number => estimateMemory({ ...request, ...changed }).peak;

describe('the estimate', () => {
  it.each(fitDevices)('grows with what is asked for on %s', (device) => {
    expect(peak({ device, batch: 8 })).toBeGreaterThan(peak({ device }));
    expect(peak({ device, length: 2048 })).toBeGreaterThan(peak({ device }));
    expect(peak({ device, rank: 64 })).toBeGreaterThan(peak({ device }));
    expect(peak({ device, method: 'full' })).toBeGreaterThan(2 * peak({ device }));
  });

  it('counts weights by how they are stored', () => {
    const weights = (changed: Partial<FitRequest>) =>
      estimateMemory({ ...request, ...changed }).parts.weights / 7.6156e9;
    expect(weights({})).toBeCloseTo(2, 2);
    // What one matrix is widened to comes besides.
    expect(weights({ device: 'in-process' })).toBeGreaterThan(2);
    expect(weights({ device: 'in-process' })).toBeLessThan(2.1);
    expect(weights({ device: 'in-process', base: 'fp32' })).toBeCloseTo(4, 2);
    expect(weights({ device: 'in-process', base: 'int8' })).toBeCloseTo(1.125, 2);
    expect(weights({ method: 'qlora' })).toBeLessThan(0.8);
    expect(weights({ device: 'in-process', method: 'qlora' })).toBeLessThan(0.75);
  });

  it('adds up', () => {
    const { parts, peak: whole } = estimateMemory(request);
    const { runtime, weights, optimizer, activations, logits, cache } = parts;
    expect(whole).toBe(runtime + weights + optimizer + Math.max(activations + logits, cache));
  });
});

describe('what to change', () => {
  const memory = 16e9;
  const report = fitReport(request, memory);

  it('tells only changes that fit, with what each saves', () => {
    expect(report.fits).toBe(false);
    expect(report.advice.length).toBeGreaterThan(0);
    for (const { fits, peak: after, saved } of suggestionsOf(report)) {
      expect(fits).toBe(true);
      expect(after).toBeLessThanOrEqual(memory);
      expect(after + saved).toBe(report.estimate.peak);
    }
    expect(fitLines({ name: 'x', config, source: 'y' }, report).join('\n')).toMatch(
      /next: --method qlora \(now lora\)/,
    );
  });

  it('is nothing where the run fits, and the nearest where nothing fits', () => {
    expect(fitReport(request, 80e9).advice).toEqual([]);
    const tooSmall = fitReport(request, 2e9);
    expect(tooSmall.advice.map(({ fits }) => fits)).toEqual([false]);
    expect(fitLines({ name: 'x', config, source: 'y' }, tooSmall).at(-1)).toMatch(/Take a smaller model/);
  });
});

describe('which model', () => {
  it('takes a folder or a config.json before a name', async () => {
    const raw = { model_type: 'qwen2', vocab_size: 99, hidden_size: 16, intermediate_size: 24 };
    const path = join(folder, 'config.json');
    writeFileSync(
      path,
      JSON.stringify({ ...raw, num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 1 }),
    );
    for (const place of [folder, path]) expect((await fitModel('x', place)).config.vocabSize).toBe(99);
  });

  it('refuses a name that it does not know, a length beyond the model, packed weights on MPS', async () => {
    await expect(fitModel('owner/unknown', join(folder, 'none'))).rejects.toThrow(/its shape is not known/);
    expect(() => checkRequest({ ...request, length: 1e6 })).toThrow(/reads 32768 tokens/);
    expect(() => checkRequest({ ...request, device: 'mps', method: 'qlora' })).toThrow(/needs CUDA/);
  });
});
