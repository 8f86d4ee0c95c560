/**
 * A training run in a process of its own, killed by SIGKILL at a moment of its choosing. Arguments: run directory, stage,
 * and the moment: `none`, `step:<n>` (after the metrics of step n), `save:<n>` (halfway through the save at step n).
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Example } from '../../src/data/example.ts';
import type { Policy } from '../../src/engine/policy.ts';
import type { RunEvent } from '../../src/foundation/events.ts';
import type { RewardFunction } from '../../src/rewards/reward.ts';
import { generatedStream } from '../../src/training/example-stream.ts';
import { trainGrpo } from '../../src/training/grpo.ts';
import { trainSft } from '../../src/training/sft.ts';
import { createTabularPolicy } from './tabular-policy.ts';
import { wordFormat } from './word-format.ts';

const [runDirectory = '', stage = '', moment = 'none'] = process.argv.slice(2);
const [kind, at] = moment.split(':');
const answers = ['a b', 'c', 'b a', 'c b', 'a'];
const questions = answers.map((_, i) => `q${i}`);
const examples: Example[] = questions.map((question, i) => ({
  id: question,
  question,
  sql: answers[i]!,
  databaseId: 'test',
  tags: [],
}));
const format = wordFormat([...questions, 'a', 'b', 'c'], 'please');
const tabular = createTabularPolicy({ vocabSize: format.vocabSize, gradientNoise: 0.01, seed: 5 });
let stepsDone = 0;

const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

const policy: Policy = {
  ...tabular,
  save: async (directory, options) => {
    if (kind === 'save' && stepsDone === Number(at)) {
      await writeFile(join(directory, 'weights.bin'), 'half');
      die();
    }
    await tabular.save(directory, options);
  },
};

const observe = (event: RunEvent): void => {
  if (event.type !== 'step-end') return;
  stepsDone = event.step;
  if (kind === 'step' && event.step === Number(at)) die();
};

const reward: RewardFunction = {
  name: 'first-word',
  score: async (items) =>
    items.map(({ example, completion }) => {
      const score = completion.sql.split(' ')[0] === example.sql.split(' ')[0] ? 1 : 0;
      return { score, components: { match: score }, details: {} };
    }),
};

const shared = { runDirectory, existing: 'resume', observe, policy, format } as const;
const steps = { maxSteps: 20, checkpointEverySteps: 4, validateEverySteps: 3, learningRate: 0.1 } as const;
if (stage === 'sft') {
  await trainSft({
    ...shared,
    examples,
    validation: examples.slice(0, 2),
    config: { ...steps, batchSize: 3, accumulation: 2, labelSmoothing: 0.05 },
  });
} else {
  await trainGrpo({
    ...shared,
    examples: generatedStream((random) => random.pick(examples), 11),
    reward,
    config: {
      ...steps,
      groupSize: 6,
      promptsPerStep: 3,
      maxNewTokens: 4,
      klBeta: 0.05,
      minibatches: 2,
      dynamicSampling: 1,
      overlong: 'punish',
    },
    evaluate: async () => ({ ex: tabular.distribution(1, 1, 1)[1]! }),
  });
}
