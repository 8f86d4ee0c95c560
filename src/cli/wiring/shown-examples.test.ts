import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openWorkspace } from '../project.ts';
import { loadCurated } from './data.ts';
import { shownExamples } from './shown-examples.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-shown-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Where `querent quickstart` leaves a model, with this recipe above it. */
function modelOf(name: string, recipe: unknown): string {
  const run = join(folder, name);
  const model = join(run, 'sft', 'final');
  mkdirSync(model, { recursive: true });
  if (recipe !== undefined) writeFileSync(join(run, 'recipe.json'), JSON.stringify(recipe));
  return model;
}

const shown = async (model: string | undefined) => {
  const workspace = await openWorkspace(folder);
  return (await shownExamples(workspace, model, folder)).map(({ query }) => query);
};
const questionsOf = async (sets: Parameters<typeof loadCurated>[1]) =>
  (await loadCurated(await openWorkspace(folder), sets)).map(({ question }) => question);

describe('shownExamples', () => {
  it.each([
    ['there is no model', undefined],
    ['a model says nothing of its recipe', modelOf('silent', undefined)],
    ['its recipe cannot be read', modelOf('broken', { data: { curated: ['nobody knows this set'] } })],
  ])('are of the simplest set where %s', async (_, model) => {
    const questions = await shown(model);
    const base = await questionsOf(['base']);
    expect(questions.length).toBeGreaterThan(10);
    expect(questions.filter((question) => !base.includes(question))).toEqual([]);
  });

  it('are of the sets of the recipe, and of no other', async () => {
    const questions = await shown(
      modelOf('voices', { data: { curated: ['voices', 'complex-b'] }, other: 1 }),
    );
    const trained = await questionsOf(['voices', 'complex-b']);
    const base = await questionsOf(['base']);
    expect(questions).toHaveLength(24);
    expect(questions.filter((question) => !trained.includes(question))).toEqual([]);
    expect(questions.filter((question) => base.includes(question))).toEqual([]);
  });

  it('are synthesised ones where the recipe has no others', async () => {
    const model = modelOf('synthetic', { data: { curated: false } });
    mkdirSync(join(folder, 'synthetic', 'data'));
    const example = { id: 's1', query: 'How many crates?', sql: 'SELECT COUNT(*) FROM CRATES' };
    writeFileSync(join(folder, 'synthetic', 'data', 'train.jsonl'), `${JSON.stringify(example)}\n`);
    expect(await shown(model)).toEqual(['How many crates?']);
  });
});
