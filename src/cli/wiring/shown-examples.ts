/**
 * The questions that an empty page offers: short ones that the model was trained on, so that the first answer is a good one.
 * It knows recipes and sets; it asks no model.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Example } from '../../data/example.ts';
import { readExamples } from '../../data/example-file.ts';
import { readTextFile } from '../../foundation/files.ts';
import type { KnownQuestion } from '../../serving/api/parts.ts';
import { curatedSets, type Workspace } from '../project.ts';
import { availableSets, loadCurated, loadSet } from './data.ts';

const EXAMPLES_SHOWN = 24;
const EXAMPLE_CHARACTERS_MAX = 90;
const recipeFile = 'recipe.json';

/** What of a recipe says which hand-written sets its model saw; the rest may be of another version. */
const trainedSchema = z.object({
  data: z.object({ curated: z.union([z.boolean(), z.array(z.enum(curatedSets)).min(1)]) }),
});

interface KnownRecipe {
  readonly folder: string;
  readonly curated: z.output<typeof trainedSchema>['data']['curated'];
}

/** Beside the model, or where `querent quickstart` leaves it: above the run's folder. */
export async function recipeOf(model: string): Promise<KnownRecipe | undefined> {
  const folders = [model, dirname(model), dirname(dirname(model))];
  const folder = folders.find((one) => existsSync(join(one, recipeFile)));
  if (folder === undefined) return undefined;
  const text = await readTextFile(join(folder, recipeFile), 'recipe');
  const parsed = trainedSchema.safeParse(parsedJson(text));
  return parsed.success ? { folder, curated: parsed.data.data.curated } : undefined;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Of the demonstration: the hand-written sets of the model's recipe, else the simplest set, which every recipe has. */
async function trainedOn(
  workspace: Workspace,
  model: string | undefined,
  workingDirectory: string,
): Promise<readonly Example[]> {
  if (!workspace.isDemo)
    return availableSets(workspace).includes('train') ? loadSet(workspace, 'train', workingDirectory) : [];
  const recipe = model === undefined ? undefined : await recipeOf(model);
  const synthesised = recipe === undefined ? '' : join(recipe.folder, 'data', 'train.jsonl');
  if (recipe?.curated === false && existsSync(synthesised))
    return readExamples(synthesised, workspace.databaseId);
  const curated = recipe === undefined || recipe.curated === false ? (['base'] as const) : recipe.curated;
  // Training may list a set several times.
  return loadCurated(workspace, curated === true ? curated : [...new Set(curated)]);
}

/** Short ones, from all over the list, no statement twice. `model`: its directory, where there is one. */
export async function shownExamples(
  workspace: Workspace,
  model: string | undefined,
  workingDirectory: string,
): Promise<readonly KnownQuestion[]> {
  const examples = await trainedOn(workspace, model, workingDirectory);
  const short = [...new Map(examples.map((example) => [example.sql, example])).values()].filter(
    ({ question }) => question.length <= EXAMPLE_CHARACTERS_MAX,
  );
  const step = Math.max(1, Math.floor(short.length / EXAMPLES_SHOWN));
  return short
    .filter((_, at) => at % step === 0)
    .slice(0, EXAMPLES_SHOWN)
    .map(({ question, sql }) => ({ query: question, sql }));
}
