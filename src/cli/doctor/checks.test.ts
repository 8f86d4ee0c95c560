import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkModel } from './checks.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-doctor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('checkModel', () => {
  it('names the files that are missing', async () => {
    const result = await checkModel(folder);
    expect(result.status).toBe('missing');
    expect(result.detail).toMatch(/config\.json, tokenizer\.json, prompt-format\.json, model\.safetensors/);
    expect(result.next).toContain('querent quickstart');
  });

  it('says that a model is damaged, and why', async () => {
    for (const file of ['config.json', 'tokenizer.json', 'prompt-format.json', 'model.safetensors']) {
      writeFileSync(join(folder, file), '{}');
    }
    const result = await checkModel(folder);
    expect(result.status).toBe('missing');
    expect(result.detail).toMatch(/damaged: .*config\.json/);
  });
});
