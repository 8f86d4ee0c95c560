import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../foundation/files.ts';
import { loadRecipe, presetNames } from './recipe.ts';

describe('recipes', () => {
  it.each(presetNames)('preset %s is valid and says what it is', async (name) => {
    const recipe = await loadRecipe(name, {});
    expect(recipe.description.length).toBeGreaterThan(10);
  });

  it('language-model is valid, with an adapter', async () => {
    const configPath = join(packageRoot(), 'recipes', 'language-model.yaml');
    const { model, chat } = await loadRecipe(undefined, { configPath });
    expect(model.lora).toMatchObject({ rank: 16, alpha: 32, useRslora: false });
    expect(model.lora?.targetModules).toHaveLength(7);
    expect(chat).toMatchObject({ sampleValues: 3 });
  });

  it('takes --set over a preset and refuses unknown keys by their whole name', async () => {
    const recipe = await loadRecipe('minimal', { overrides: ['grpo.groupSize=4', 'seed=5'] });
    expect(recipe.grpo.groupSize).toBe(4);
    expect(recipe.seed).toBe(5);
    await expect(loadRecipe('minimal', { overrides: ['grpo.groupsize=4'] })).rejects.toThrow(
      /"grpo\.groupsize"/,
    );
    await expect(loadRecipe('minimal', { overrides: ['grpo.groupSize=1'] })).rejects.toThrow(
      /grpo\.groupSize/,
    );
  });

  it('gives both stages the seed of the recipe, unless one names its own', async () => {
    const recipe = await loadRecipe('minimal', { overrides: ['seed=5', 'grpo.seed=6'] });
    expect([recipe.sft.seed, recipe.grpo.seed]).toEqual([5, 6]);
  });

  it('takes one reward: a preset, weights or a file', async () => {
    expect((await loadRecipe('minimal', {})).reward).toMatchObject({ protocol: 'strict', neighbours: 0 });
    const weighted = await loadRecipe('minimal', {
      overrides: ['reward.weights={execution: 1, length: 0.1}'],
    });
    expect(weighted.reward.weights).toEqual({ execution: 1, length: 0.1 });
    const both = ['reward.preset=strict', 'reward.file=x.mjs'];
    await expect(loadRecipe('minimal', { overrides: both })).rejects.toThrow(/give one of/);
    await expect(loadRecipe('minimal', { overrides: ['reward.preset=best'] })).rejects.toThrow(
      /reward\.preset/,
    );
    await expect(loadRecipe('minimal', { overrides: ['reward.weights={luck: 1}'] })).rejects.toThrow(/luck/);
  });
});
