/**
 * The whole GRPO loop – sample, run the SQL, reward, update – in completions a second, against TRL's GRPOTrainer on CPU
 * (`baselines/grpo_loop_trl.py`): same checkpoint, prompts, group size, lengths, loss and reward, same threads.
 * Each round both load the checkpoint afresh; the first step, which pays for what is done once, is not counted.
 *
 * Querent trains neither on groups without variance nor twice on equal samples of a group; TRL does both. That is part of
 * the first figure. For the second one every reward is made different, so that each sample is trained on by both.
 * Settings: `--set rounds=3 --set steps=8 --set sftSteps=600 --set prompts=8 --set group=8 --set tokens=96`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildErpDatabase } from '../src/data/erp/build.ts';
import type { Example } from '../src/data/example.ts';
import { readExamples } from '../src/data/example-file.ts';
import { createSandbox } from '../src/database/sandbox.ts';
import { createLocalPolicy } from '../src/engine/index.ts';
import type { Metrics } from '../src/foundation/events.ts';
import { packageRoot, writeFileAtomic } from '../src/foundation/files.ts';
import { createRandom } from '../src/foundation/random.ts';
import { buildCompactFormat } from '../src/prompts/compact/build-compact.ts';
import type { CompactBindings } from '../src/prompts/compact/compact-format.ts';
import type { PreparedPrompt, PromptFormat } from '../src/prompts/prompt-format.ts';
import { createReward } from '../src/rewards/presets.ts';
import type { RewardFunction } from '../src/rewards/reward.ts';
import { introspectSqlite } from '../src/schema/introspect.ts';
import { facetsOf } from '../src/schema/link/linked-value.ts';
import { trainGrpo } from '../src/training/grpo.ts';
import { trainSft } from '../src/training/sft.ts';
import {
  type BenchOptions,
  type Measurement,
  measurementOf,
  median,
  type PythonProcess,
  runAlternating,
  startPython,
} from './harness.ts';

const today = '2025-06-30';
const learningRate = 5e-5;

interface Sizes {
  readonly rounds: number;
  readonly steps: number;
  readonly sftSteps: number;
  readonly promptsPerStep: number;
  readonly groupSize: number;
  readonly maxNewTokens: number;
}

function sizesOf({ settings, quick }: BenchOptions): Sizes {
  const number = (name: string, usual: number, short: number): number =>
    Number(settings[name] ?? (quick ? short : usual));
  return {
    rounds: number('rounds', 3, 1),
    steps: number('steps', 8, 2),
    sftSteps: number('sftSteps', 600, 40),
    promptsPerStep: number('prompts', 8, 4),
    groupSize: number('group', 8, 4),
    maxNewTokens: number('tokens', 96, 96),
  };
}

/** Prompts without noise and samples without a token mask, so that both sides see and do the same. */
const plain = (format: PromptFormat): PromptFormat => ({
  ...format,
  constraint: undefined,
  prepare: (question) => format.prepare(question),
});

interface Setting {
  readonly directory: string;
  readonly databasePath: string;
  readonly model: string;
  readonly format: PromptFormat;
  readonly tokenizerFile: string;
  readonly padToken: number;
  readonly examples: readonly Example[];
}

const modelConfig = (vocabSize: number) => ({
  model_type: 'qwen2',
  vocab_size: vocabSize,
  hidden_size: 128,
  intermediate_size: 336,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  max_position_embeddings: 256,
  tie_word_embeddings: true,
});

/** A policy as it is when GRPO begins: trained for a while on the demonstration's questions. */
async function prepare(directory: string, sizes: Sizes, options: BenchOptions): Promise<Setting> {
  const databasePath = join(directory, 'erp.sqlite');
  await buildErpDatabase({ path: databasePath });
  const schema = await introspectSqlite(databasePath, { databaseId: 'erp' });
  const read = (name: string) => readExamples(join(packageRoot(), 'datasets', 'erp', name), 'erp');
  const taught = [
    ...(await read('base.jsonl')),
    ...(await read('complex.jsonl')),
    ...(await read('voices.jsonl')),
  ];
  const practised = await read('voices-b.jsonl');
  const { tokenizer, format } = buildCompactFormat({ schema, examples: taught, today, seed: 1 });
  const tokenizerFile = join(directory, 'tokenizer.json');
  await writeFileAtomic(tokenizerFile, JSON.stringify(tokenizer.json));
  const model = join(directory, 'model');
  const policy = await createLocalPolicy({
    config: modelConfig(tokenizer.vocabSize),
    tokenizerFile,
    seed: 1,
    threads: options.threads,
  });
  options.log(`training the policy for ${sizes.sftSteps} steps`);
  const config = { maxSteps: sizes.sftSteps, labelSmoothing: 0.05, validationShare: 0 };
  const { lastMetrics } = await trainSft({ policy, format, examples: taught, config });
  options.log(`loss ${lastMetrics.loss?.toFixed(3)}`);
  await policy.save(model);
  const maxLength = policy.maxLength;
  await policy.close();
  const fits = (example: Example): boolean => {
    const prompt = format.prepare(example.question);
    const gold = format.completionTokens(example.sql, prompt);
    return (
      gold !== undefined &&
      gold.length < sizes.maxNewTokens &&
      prompt.promptTokens.length + sizes.maxNewTokens <= maxLength
    );
  };
  const examples = createRandom(2).shuffle(practised.filter(fits)).slice(0, 256);
  return { directory, databasePath, model, format: plain(format), tokenizerFile, padToken: 0, examples };
}

interface LoopFigures {
  readonly completionsPerSecond: number;
  readonly tokensPerCompletion: number;
  readonly rewardMean: number;
  readonly zeroVarianceShare?: number;
  readonly trainedSequences?: number;
}

const meanOf = (curve: readonly Metrics[], name: string): number =>
  curve.reduce((sum, metrics) => sum + (metrics[name] ?? 0), 0) / curve.length;

/** Makes all rewards of a batch different, by amounts that do not matter otherwise. */
function spread(reward: RewardFunction): RewardFunction {
  return {
    name: reward.name,
    score: async (items) => {
      const rewards = await reward.score(items);
      return rewards.map((given, i) => ({ ...given, score: (given.score ?? 0) + 1e-3 * (i + 1) }));
    },
  };
}

async function runOurs(
  setting: Setting,
  sizes: Sizes,
  options: BenchOptions,
  seed: number,
  trainsOnAll: boolean,
): Promise<LoopFigures> {
  const { format, examples, model, databasePath } = setting;
  const policy = await createLocalPolicy({ directory: model, seed, threads: options.threads });
  const sandbox = createSandbox();
  const reward = createReward('default', { sandbox, databasePathOf: () => databasePath });
  const curve: Metrics[] = [];
  let startedAt = 0;
  const { steps, groupSize, promptsPerStep, maxNewTokens } = sizes;
  await trainGrpo({
    policy,
    format,
    reward: trainsOnAll ? spread(reward) : reward,
    examples,
    config: {
      seed,
      groupSize,
      promptsPerStep,
      maxNewTokens,
      learningRate,
      maxSteps: steps + 1,
      warmupRatio: 0,
    },
    observe: (event) => {
      if (event.type !== 'step-end') return;
      if (event.step === 1) startedAt = performance.now();
      else curve.push(event.metrics);
    },
  });
  const seconds = (performance.now() - startedAt) / 1000;
  await policy.close();
  await sandbox.close();
  return {
    completionsPerSecond: (steps * promptsPerStep * groupSize) / seconds,
    tokensPerCompletion: meanOf(curve, 'responseLength'),
    rewardMean: meanOf(curve, 'rewardMean'),
    zeroVarianceShare: meanOf(curve, 'zeroVarianceShare'),
    trainedSequences: meanOf(curve, 'trainedSequences'),
  };
}

/** Literals behind the placeholders of a prompt, as the Python side needs them: slot -> facet -> literal. */
function valuesOf(prompt: PreparedPrompt): Record<string, Record<string, string>> {
  const { values, slots } = prompt.bindings as CompactBindings;
  return Object.fromEntries(slots.map((slot, i) => [slot, Object.fromEntries(facetsOf(values[i]!, today))]));
}

async function startTrl(
  python: string,
  setting: Setting,
  sizes: Sizes,
  options: BenchOptions,
): Promise<PythonProcess> {
  const { format, examples } = setting;
  const trl = startPython(python, 'grpo_loop_trl.py', { threads: options.threads });
  const prepared = examples.map((example) => ({ example, prompt: format.prepare(example.question) }));
  const versions = await trl.call('load', {
    model: setting.model,
    eos_id: format.stopTokens[0],
    pad_id: setting.padToken,
    database: setting.databasePath,
    prompts: prepared.map(({ example, prompt }) => ({
      ids: [...prompt.promptTokens],
      gold: example.sql,
      values: JSON.stringify(valuesOf(prompt)),
    })),
    group_size: sizes.groupSize,
    max_new_tokens: sizes.maxNewTokens,
    learning_rate: learningRate,
    threads: options.threads,
  });
  options.log(JSON.stringify(versions));
  const golds = prepared.map(({ example, prompt }) => ({
    ids: [...format.completionTokens(example.sql, prompt)!],
    values: JSON.stringify(valuesOf(prompt)),
    sql: format.parseCompletion(format.completionTokens(example.sql, prompt)!, prompt).sql,
  }));
  const rendered = await trl.call<readonly string[]>('render', { samples: golds });
  const bare = (sql: string | undefined): string => (sql ?? '').replace(/\s+/g, '');
  const different = golds.findIndex(({ sql }, i) => bare(sql) !== bare(rendered[i]));
  if (different >= 0)
    throw new Error(
      `the two sides read tokens differently: ${golds[different]!.sql} / ${rendered[different]}`,
    );
  return trl;
}

/** Share of pairs that both sides score alike: each gold query with itself and with the next one's. */
async function judgeAgreement(trl: PythonProcess, { examples, databasePath }: Setting): Promise<number> {
  const pairs = examples.flatMap((example, i) => {
    const other = examples[(i + 1) % examples.length]!;
    return [example, other].map(({ sql }) => ({ example, sql: `${sql} -- again` }));
  });
  const sandbox = createSandbox();
  const reward = createReward('default', { sandbox, databasePathOf: () => databasePath });
  const ours = await reward.score(
    pairs.map(({ example, sql }) => ({ example, completion: { sql, isComplete: true } })),
  );
  await sandbox.close();
  const theirs = await trl.call<readonly (number | null)[]>('score', {
    pairs: pairs.map(({ example, sql }) => [example.sql, sql]),
  });
  return theirs.filter((score, i) => score === ours[i]!.score).length / pairs.length;
}

export async function* run(options: BenchOptions): AsyncGenerator<Measurement> {
  const sizes = sizesOf(options);
  const directory = await mkdtemp(join(tmpdir(), 'bench-grpo-'));
  try {
    const setting = await prepare(directory, sizes, options);
    const trl =
      options.python === undefined ? undefined : await startTrl(options.python, setting, sizes, options);
    const agreement = trl === undefined ? undefined : await judgeAgreement(trl, setting);
    options.log(`both sides score ${(100 * (agreement ?? 1)).toFixed(1)}% of the pairs alike`);
    const seen = { ours: [] as LoopFigures[], all: [] as LoopFigures[], trl: [] as LoopFigures[] };
    const rate = (list: LoopFigures[], figures: LoopFigures): number => {
      list.push(figures);
      options.log(JSON.stringify(figures));
      return figures.completionsPerSecond;
    };
    const call = {
      steps: sizes.steps,
      prompts_per_step: sizes.promptsPerStep,
      output: join(directory, 'trl'),
    };
    const seeds = { ours: 0, trl: 0 };
    const result = await runAlternating({
      rounds: sizes.rounds,
      warmupRounds: 0, // each round has a first step of its own that is not counted
      ours: async () => {
        seeds.ours += 1;
        const figure = rate(seen.ours, await runOurs(setting, sizes, options, seeds.ours, false));
        rate(seen.all, await runOurs(setting, sizes, options, seeds.ours, true));
        return figure;
      },
      baseline:
        trl &&
        (async () => {
          seeds.trl += 1;
          return rate(seen.trl, await trl.call<LoopFigures>('run', { ...call, seed: seeds.trl }));
        }),
    });
    await trl?.close();
    const shape = `${sizes.promptsPerStep} prompts x ${sizes.groupSize}`;
    const common = {
      suite: 'grpo-loop',
      unit: 'completions/s',
      better: 'higher',
      baselineName: trl === undefined ? 'skipped: no Python' : 'TRL GRPOTrainer, CPU',
    } as const;
    const details = { ...sizes, threads: options.threads, judgeAgreement: agreement, baselineSeen: seen.trl };
    yield measurementOf(
      { ...common, name: `end to end, ${shape}`, details: { ...details, oursSeen: seen.ours } },
      result,
    );
    const ours = seen.all.map(({ completionsPerSecond }) => completionsPerSecond);
    yield measurementOf(
      { ...common, name: `every sample trained on, ${shape}`, details: { ...details, oursSeen: seen.all } },
      { ...result, ours, oursMedian: median(ours) },
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
