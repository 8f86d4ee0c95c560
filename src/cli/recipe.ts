/**
 * A recipe: everything that a run from database to trained model may vary, with its default and its bounds. The presets
 * of `querent quickstart` are recipes in `recipes/`, read like any file of a user.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { baseWeightsSchema } from '../engine/model/base-tensor.ts';
import { loraConfigSchema } from '../engine/model/lora.ts';
import { packageRoot } from '../foundation/files.ts';
import { chatOptionsSchema } from '../prompts/chat/chat-settings.ts';
import { rewardConfigSchema } from '../rewards/reward-config.ts';
import { grpoConfigSchema } from '../training/grpo-config.ts';
import { sftConfigSchema } from '../training/sft-config.ts';
import { curatedSets } from './project.ts';
import { loadSettings, mergeTrees, readConfigFile, type SettingSources } from './settings.ts';

export const presetNames = ['minimal', 'default', 'full'] as const;
export type PresetName = (typeof presetNames)[number];

const count = z.int().min(0);

const dataSchema = z.strictObject({
  seed: z.int().min(0).default(7).describe('Seed of the synthesiser'),
  train: count.default(6000).describe('Synthesised pairs for SFT'),
  trainKept: count
    .optional()
    .describe(
      'Of the synthesised pairs, at most so many are trained on, drawn by the seed: for a model that goes on and knows most of them; the tests stay what they are',
    ),
  rl: count.default(1500).describe('Pairs whose phrasings are seen only through reward'),
  analysisShare: z
    .number()
    .min(0)
    .max(0.9)
    .default(0.2)
    .describe("Share of analysts' questions (windows, recursion, several steps) among the synthesised pairs"),
  practised: count.default(300).describe('Test pairs in the phrasings of rl, with questions of their own'),
  phrasings: count.default(300).describe('Test pairs in held-out phrasings'),
  shapes: count.default(150).describe('Test pairs of held-out SQL shapes'),
  curated: z
    .union([z.boolean(), z.array(z.enum(curatedSets)).min(1)])
    .default(true)
    .describe('Also train on the hand-written examples of the demonstration: all of them, or these sets'),
  rlCurated: z
    .array(z.enum(curatedSets))
    .default([])
    .describe('Hand-written examples of these sets are seen only through reward'),
  curatedRepeats: z
    .int()
    .min(1)
    .max(20)
    .default(1)
    .describe('How often each hand-written example is seen in one pass, since there are fewer of them'),
  oneOrder: z
    .boolean()
    .default(false)
    .describe(
      'Write joins and conditions of training statements in one order, whichever way somebody wrote them',
    ),
  compositions: z
    .int()
    .min(0)
    .max(20)
    .default(0)
    .describe(
      'Further examples made from each hand-written one, with a condition, column, order or count more, another column, or an opposite',
    ),
  reports: count
    .default(0)
    .describe('Long questions of several clauses, made for training from the schema and its values'),
  rlReports: count.default(0).describe('Further ones that are seen only through reward'),
});

const modelSchema = z.strictObject({
  from: z.string().optional().describe('Start from this checkpoint; the sizes below are then not read'),
  growTo: z
    .int()
    .min(1)
    .optional()
    .describe('With from: layers to train, more than it has; the added ones change nothing at first'),
  hiddenSize: z.int().min(16).default(128),
  intermediateSize: z.int().min(16).default(336),
  layerCount: z.int().min(1).default(4),
  headCount: z.int().min(1).default(4),
  keyValueHeadCount: z.int().min(1).default(4),
  maxPositions: z.int().min(32).default(256).describe('Longest question and statement together, in tokens'),
  dropout: z
    .number()
    .min(0)
    .max(0.9)
    .default(0.15)
    .describe('Of small models; language models have lora.dropout'),
  initializerRange: z
    .number()
    .positive()
    .max(1)
    .default(0.07)
    .describe(
      'Standard deviation of fresh weights; 1/sqrt(hiddenSize) learns faster than the usual 0.02 here',
    ),
  tokenBudget: z
    .int()
    .min(256)
    .optional()
    .describe(
      'Tokens that run at once; less needs less memory and more time; default: by the size of the model',
    ),
  lora: loraConfigSchema
    .optional()
    .describe('Train an adapter on top of the model, whose own weights stay as they are'),
  baseWeights: baseWeightsSchema
    .optional()
    .describe(
      'With lora: how the own weights of the model lie in memory: stored (as its files have them), fp32, fp16, int8 or int4; default: auto, which is stored, and fp32 up to 64M parameters',
    ),
  maxLength: z
    .int()
    .min(32)
    .optional()
    .describe(
      'Language models: longest prompt and answer together; default: 4096, or less if the model was made for less',
    ),
});

/** How questions and statements become words; see `prompts/compact`. */
const promptSchema = z.strictObject({
  wordMerges: count
    .default(0)
    .describe('Pairs of SQL words that become one word, at most; for data whose statements are long'),
  impliedFrom: z
    .boolean()
    .default(false)
    .describe('Leave out a FROM clause that the columns of a statement imply'),
  lexicalLimit: count
    .default(12)
    .describe('Values of columns with at most so many distinct ones keep their words beside the placeholder'),
  typeWordsMax: z
    .int()
    .min(1)
    .max(10)
    .default(3)
    .describe('Columns named in front of a placeholder, at most'),
  linkedColumns: z
    .enum(['all', 'compared'])
    .default('all')
    .describe('Link values of every column, or only of those that a training statement compares with a text'),
});

/** For `querent train suite`. */
const suiteSchema = z.strictObject({
  lookups: count
    .default(0)
    .describe('Pairs made from the schema beside the published ones: lists, lookups, counts over one table'),
  repeats: z
    .int()
    .min(1)
    .max(20)
    .default(1)
    .describe('How often a published pair is seen for each one of those'),
  synonyms: z.string().optional().describe('Words for tables and columns, beside the recipe'),
});

export const recipeSchema = z.strictObject({
  description: z.string().default(''),
  seed: z.int().min(0).max(0xffffffff).default(42).describe('Seed of weights, order and sampling'),
  threads: z
    .int()
    .min(1)
    .max(64)
    .default(2)
    .describe('Threads of the numeric engine; part of what makes a run repeatable'),
  data: dataSchema.prefault({}),
  model: modelSchema.prefault({}),
  prompt: promptSchema.prefault({}),
  chat: chatOptionsSchema.prefault({}).describe('The prompt of language models'),
  sft: sftConfigSchema.prefault({}),
  grpo: grpoConfigSchema.prefault({}),
  suite: suiteSchema.prefault({}),
  reward: rewardConfigSchema.prefault({}),
  evaluation: z
    .strictObject({
      validationSize: z
        .int()
        .min(1)
        .default(100)
        .describe('Questions asked at each validation while training'),
      maxNewTokens: z.int().min(8).default(160),
    })
    .prefault({}),
});

export type Recipe = Readonly<z.output<typeof recipeSchema>>;

export const presetPath = (name: PresetName): string =>
  join(packageRoot(), 'recipes', `quickstart-${name}.yaml`);

/** A preset with a user's file and `--set` on top. The recipe's seed is that of both stages, unless one names its own. */
export async function loadRecipe(preset: PresetName | undefined, sources: SettingSources): Promise<Recipe> {
  const fromPreset = preset === undefined ? {} : await readConfigFile(presetPath(preset));
  const base = mergeTrees(sources.base ?? {}, fromPreset);
  const { seed } = await loadSettings(recipeSchema, { ...sources, base });
  return loadSettings(recipeSchema, {
    ...sources,
    base: mergeTrees({ sft: { seed }, grpo: { seed } }, base),
  });
}
