/**
 * Supervised fine-tuning and then reinforcement learning from SQL execution, in one file that reads from top to bottom.
 * The full trainers (src/training/sft.ts, src/training/grpo.ts) do the same with the same parts, and add schedules,
 * checkpoints, resume, loss variants and metrics.
 *
 *   npx tsx examples/newcomer-loop.ts [steps of SFT, default 800] [steps of GRPO, default 60]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildErpDatabase } from '../src/data/erp/build.ts';
import type { Example } from '../src/data/example.ts';
import { readExamples } from '../src/data/example-file.ts';
import { createSandbox } from '../src/database/sandbox.ts';
import { type AdamParams, createLocalPolicy, type Datum, type Policy } from '../src/engine/index.ts';
import { packageRoot } from '../src/foundation/files.ts';
import { createRandom } from '../src/foundation/random.ts';
import { buildCompactFormat } from '../src/prompts/compact/build-compact.ts';
import { createReward } from '../src/rewards/presets.ts';
import type { RewardFunction } from '../src/rewards/reward.ts';
import { introspectSqlite } from '../src/schema/introspect.ts';
import { groupAdvantages } from '../src/training/advantages.ts';
import { supervisedDatum } from '../src/training/encode.ts';

const [sftSteps = 800, grpoSteps = 60] = process.argv.slice(2).map(Number);
const random = createRandom(1);
const maxNewTokens = 120;
const adam: AdamParams = {
  learningRate: 0,
  beta1: 0.9,
  beta2: 0.99,
  eps: 1e-8,
  weightDecay: 0.01,
  gradientClip: 1,
};

// 1. A database, its schema, and questions with the SQL that answers them.
const directory = await mkdtemp(join(tmpdir(), 'newcomer-'));
const databasePath = join(directory, 'erp.sqlite');
await buildErpDatabase({ path: databasePath });
const schema = await introspectSqlite(databasePath, { databaseId: 'erp' });
const read = (name: string) => readExamples(join(packageRoot(), 'datasets', 'erp', name), 'erp');
const all = random.shuffle([
  ...(await read('base.jsonl')),
  ...(await read('voices.jsonl')),
  ...(await read('voices-b.jsonl')),
]);
// Three parts that share no question: shown with their SQL, seen only through reward, and never seen.
const unseen = all.slice(0, 200);
const practised = all.slice(200, 1000);
const taught = all.slice(1000);
console.log(
  `${taught.length} examples to learn from, ${practised.length} to practise on, ${unseen.length} to be tested with`,
);

// 2. How a question becomes tokens and tokens become SQL, and a model of about a million parameters with fresh weights.
const { format, tokenizer } = buildCompactFormat({ schema, examples: taught, today: '2025-06-30', seed: 1 });
const policy: Policy = await createLocalPolicy({
  config: {
    model_type: 'qwen2',
    vocab_size: tokenizer.vocabSize,
    hidden_size: 128,
    intermediate_size: 336,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    max_position_embeddings: 256,
    tie_word_embeddings: true,
  },
  seed: 1,
  threads: 2,
});
console.log(`${policy.parameterCount} parameters, ${policy.vocabSize} tokens`);

// 3. The reward: run the SQL in the sandbox, compare its rows with those of the gold query.
const sandbox = createSandbox();
const reward: RewardFunction = createReward('default', { sandbox, databasePathOf: () => databasePath });

/** Share of questions whose most likely SQL gives the right rows. */
async function executionAccuracy(examples: readonly Example[]): Promise<number> {
  const prompts = examples.map((example) => format.prepare(example.question));
  const groups = await policy.sample({
    prompts: prompts.map((prompt) => prompt.promptTokens),
    samplesPerPrompt: 1,
    maxNewTokens,
    temperature: 0,
    stopTokens: format.stopTokens,
    seed: 0,
    ...(format.constraint === undefined ? {} : { constraint: format.constraint }),
  });
  const items = examples.map((example, i) => ({
    example,
    completion: format.parseCompletion(groups[i]![0]!.tokens, prompts[i]!),
  }));
  const rewards = await reward.score(items);
  return rewards.filter(({ score }) => score === 1).length / examples.length;
}

// 4. Supervised fine-tuning: raise the probability of the gold SQL, token by token.
async function supervisedStep(learningRate: number): Promise<number> {
  const sequences = Array.from({ length: 32 }, () => random.pick(taught)).flatMap((example) => {
    const prompt = format.prepare(example.question, random); // with noise: a question is never quite the same twice
    const completion = format.completionTokens(example.sql, prompt);
    return completion === undefined ? [] : [{ prompt: prompt.promptTokens, completion }];
  });
  const tokens = sequences.reduce((sum, { completion }) => sum + completion.length, 0);
  const data = sequences.map(({ prompt, completion }) => supervisedDatum(prompt, completion, 1 / tokens));
  const { lossSum } = await policy.forwardBackward(data, { name: 'cross_entropy', labelSmoothing: 0.05 });
  await policy.optimStep({ ...adam, learningRate });
  return lossSum;
}

for (let step = 0; step < sftSteps; step++) {
  const warmup = Math.min(1, (step + 1) / 30);
  const loss = await supervisedStep(2e-3 * warmup * 0.5 * (1 + Math.cos((Math.PI * step) / sftSteps)));
  if (step % 50 === 0) console.log(`sft  step ${step}  loss ${loss.toFixed(3)}`);
}
console.log(`after SFT: ${(100 * (await executionAccuracy(unseen))).toFixed(1)}% of unseen questions right`);

// 5. GRPO: sample a group of answers to each question, and prefer those that do better than their group.
async function grpoStep(
  learningRate: number,
  temperature: number,
): Promise<{ reward: number; informative: number }> {
  const questions = Array.from({ length: 8 }, () => random.pick(practised)).map((example) => ({
    example,
    prompt: format.prepare(example.question, random),
  }));
  const groups = await policy.sample({
    prompts: questions.map(({ prompt }) => prompt.promptTokens),
    samplesPerPrompt: 8,
    maxNewTokens,
    temperature,
    minProbability: 0.003, // a hot policy must not fall into noise
    stopTokens: format.stopTokens,
    seed: random.int(2 ** 31),
    ...(format.constraint === undefined ? {} : { constraint: format.constraint }),
  });
  const items = groups.flatMap((group, g) =>
    group.map((sample) => {
      const { example, prompt } = questions[g]!;
      return { example, completion: format.parseCompletion(sample.tokens, prompt) };
    }),
  );
  const rewards = await reward.score(items);
  const scores = groups.map((group, g) => group.map((_, k) => rewards[g * group.length + k]!.score));
  const advantages = groupAdvantages(scores, { advantage: 'std', advantageClip: 5 });

  // Every token of a sample gets the advantage of the sample; tokens of the prompt get no weight.
  const chosen = groups.flatMap((group, g) =>
    group.flatMap((sample, k) =>
      advantages[g]![k] === 0
        ? []
        : [{ sample, advantage: advantages[g]![k]!, prompt: questions[g]!.prompt.promptTokens }],
    ),
  );
  const tokens = chosen.reduce((sum, { sample }) => sum + sample.tokens.length, 0);
  const data = chosen.map(({ sample, advantage, prompt }): Datum => {
    const datum = supervisedDatum(prompt, sample.tokens, 1 / tokens);
    const advantages_T = datum.weights_T.map((weight) => (weight === 0 ? 0 : advantage));
    const oldLogprobs_T = new Float32Array(datum.weights_T.length);
    oldLogprobs_T.set(sample.policyLogprobs, prompt.length - 1);
    return { ...datum, advantages_T, oldLogprobs_T };
  });
  if (data.length > 0) {
    const clip = { clipLow: 0.2, clipHigh: 0.28, klBeta: 0 };
    await policy.forwardBackward(data, { name: 'ppo', ratioLevel: 'token', temperature, ...clip });
    await policy.optimStep({ ...adam, learningRate, weightDecay: 0 });
  }
  const scored = scores.flat().filter((score) => score !== null);
  return {
    reward: scored.reduce((sum, score) => sum + score, 0) / Math.max(1, scored.length),
    informative: new Set(chosen.map(({ prompt }) => prompt)).size,
  };
}

for (let step = 0; step < grpoSteps; step++) {
  const result = await grpoStep(5e-5, 1.4);
  if (step % 10 === 0) {
    console.log(
      `grpo step ${step}  mean reward ${result.reward.toFixed(3)}  groups with something to learn ${result.informative} of 8`,
    );
  }
}
console.log(`after GRPO: ${(100 * (await executionAccuracy(unseen))).toFixed(1)}% of unseen questions right`);

await policy.close();
await sandbox.close();
await rm(directory, { recursive: true });
