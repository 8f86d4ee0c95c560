import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { RewardContext } from './presets.ts';
import type { RewardItem } from './reward.ts';
import { loadRewardFile } from './reward-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'querent-reward-file-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const context: RewardContext = {
  databasePathOf: (id) => id,
  sandbox: {
    judgeBatch: async (_, pairs) =>
      pairs.map(({ predicted }) => ({
        match: predicted === 'right',
        reason: 'equal',
        gold: { isEmpty: false },
        predicted: { outcome: 'rows' },
      })),
  },
};

let count = 0;
function load(source: string, ending = 'mjs') {
  const path = join(directory, `reward-${count++}.${ending}`);
  writeFileSync(path, source);
  return loadRewardFile(path, context);
}

const item = (sql: string): RewardItem => ({
  example: { id: sql, question: 'how many?', sql: 'gold', databaseId: 'shop', tags: [] },
  completion: { sql, isComplete: true },
});
const items = ['right', 'wrong'].map(item);

describe('loadRewardFile', () => {
  it('takes a function of one item', async () => {
    const reward = await load('export default (item) => item.completion.sql.length / 10;');
    expect((await reward.score(items)).map(({ score }) => score)).toEqual([0.5, 0.5]);
  });

  it('takes a factory that builds on a preset', async () => {
    const reward = await load(`
export const kind = 'factory';
export default ({ preset }) => {
  const execution = preset('binary');
  return {
    name: 'mine',
    score: async (items) => (await execution.score(items)).map((reward) => ({
      ...reward, score: reward.score === null ? null : reward.score * 2,
    })),
  };
};`);
    expect(reward.name).toBe('mine');
    expect((await reward.score(items)).map(({ score }) => score)).toEqual([2, 0]);
  });

  it('takes a reward, and null for what cannot be scored', async () => {
    const reward = await load(
      `export default { name: 'own', score: async (items) => items.map(() => ({ score: null, components: {}, details: { why: 'x' } })) };`,
    );
    expect(await reward.score(items)).toEqual(
      [1, 2].map(() => ({ score: null, components: {}, details: { why: 'x' } })),
    );
  });

  it('leaves the other items unharmed where the function throws', async () => {
    const reward = await load(
      `export default async ({ completion }) => { if (completion.sql === 'wrong') throw new Error('no'); return 1; };`,
    );
    expect(await reward.score(items)).toMatchObject([
      { score: 1 },
      { score: null, details: { reason: 'reward-file-failed', message: 'no' } },
    ]);
  });

  it.each([
    ['NaN', 'export default () => NaN;'],
    ['undefined', 'export default () => undefined;'],
    ['1 rewards for 2 items', `export default { score: async () => [{ score: 1 }] };`],
    ['the component a = x', `export default () => ({ score: 1, components: { a: 'x' }, details: {} });`],
  ])('refuses %s by name', async (problem, source) => {
    const reward = await load(source);
    await expect(reward.score(items)).rejects.toMatchObject({
      code: 'rewards/bad-score',
      message: expect.stringContaining(problem) as string,
    });
  });

  it.each([
    ['cannot be loaded', 'export default (', 'mjs'],
    ['has no default export', 'export const a = 1;', 'mjs'],
    ['is a factory that makes no reward', `export const kind = 'factory'; export default () => 3;`, 'mjs'],
    ['ends in ".py"', 'x = 1', 'py'],
  ])('refuses a file that %s', async (problem, source, ending) => {
    await expect(load(source, ending)).rejects.toMatchObject({
      code: 'rewards/bad-file',
      message: expect.stringContaining(problem) as string,
    });
  });

  it('says which Node reads TypeScript where this one does not', async () => {
    const path = join(directory, 'reward.ts');
    writeFileSync(path, 'export default (): number => 1;');
    const asNode20 = () =>
      Promise.reject(Object.assign(new Error('x'), { code: 'ERR_UNKNOWN_FILE_EXTENSION' }));
    await expect(loadRewardFile(path, context, asNode20)).rejects.toMatchObject({
      code: 'rewards/bad-file',
      next: expect.stringContaining('22.18') as string,
    });
  });

  it('reads TypeScript where the runtime does', async () => {
    const reward = await load(
      'export default (item: { completion: { sql: string } }): number => item.completion.sql.length;',
      'ts',
    );
    expect((await reward.score(items)).map(({ score }) => score)).toEqual([5, 5]);
  });

  it('refuses a file that is not there', async () => {
    await expect(loadRewardFile(join(directory, 'none.mjs'), context)).rejects.toMatchObject({
      code: 'rewards/bad-file',
    });
  });
});
