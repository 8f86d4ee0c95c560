/** A world of four questions and three words for tests of GRPO, and a policy that keeps what is asked of it. */
import type { Example } from '../../src/data/example.ts';
import type { Datum, LossSpec, Policy, SampledSequence, SampleRequest } from '../../src/engine/policy.ts';
import type { Metrics, RunEvent } from '../../src/foundation/events.ts';
import type { Reward, RewardFunction, RewardItem } from '../../src/rewards/reward.ts';
import { trainGrpo } from '../../src/training/grpo.ts';
import type { GrpoConfigInput } from '../../src/training/grpo-config.ts';
import { createTabularPolicy, type TabularPolicy } from './tabular-policy.ts';
import { wordFormat } from './word-format.ts';

const questions = ['q0', 'q1', 'q2', 'q3'];
export const answers = ['a b', 'c', 'b a', 'c b'];
export const format = wordFormat([...questions, 'a', 'b', 'c']);
export const examples: Example[] = questions.map((question, i) => ({
  id: `e${i}`,
  question,
  sql: answers[i]!,
  databaseId: 'test',
  tags: [],
}));
export const newPolicy = (): TabularPolicy => createTabularPolicy({ vocabSize: format.vocabSize });

export function rewardOf(
  score: (item: RewardItem) => number | null,
): RewardFunction & { items: RewardItem[] } {
  const items: RewardItem[] = [];
  return {
    name: 'test',
    items,
    score: async (batch) => {
      items.push(...batch);
      return batch.map((item): Reward => {
        const value = score(item);
        return { score: value, components: value === null ? {} : { match: value }, details: {} };
      });
    },
  };
}

export const exact = () => rewardOf(({ example, completion }) => (completion.sql === example.sql ? 1 : 0));
/** Half credit for the right first word: dense enough to be learned from nothing. */
export const partial = () =>
  rewardOf(({ example, completion }) => {
    if (completion.sql === example.sql) return 1;
    return completion.sql.split(' ')[0] === example.sql.split(' ')[0] ? 0.5 : 0;
  });

export const quick = { groupSize: 8, promptsPerStep: 4, maxNewTokens: 4, learningRate: 0.1 } as const;

export interface Call {
  readonly data: readonly Datum[];
  readonly loss: LossSpec;
}

/** Keeps what the trainer asks of the policy. */
export function recorded(
  policy: Policy,
): Policy & { calls: Call[]; requests: SampleRequest[]; samples: SampledSequence[][] } {
  const calls: Call[] = [];
  const requests: SampleRequest[] = [];
  const samples: SampledSequence[][] = [];
  return {
    ...policy,
    calls,
    requests,
    samples,
    forwardBackward: (data, loss) => {
      calls.push({ data, loss });
      return policy.forwardBackward(data, loss);
    },
    sample: async (request) => {
      requests.push(request);
      const groups = await policy.sample(request);
      samples.push(...groups.map((group) => [...group]));
      return groups;
    },
  };
}

export async function run(
  policy: Policy,
  reward: RewardFunction,
  config: GrpoConfigInput,
  data: readonly Example[] = examples,
): Promise<Metrics[]> {
  const events: RunEvent[] = [];
  const observe = (event: RunEvent) => events.push(event);
  await trainGrpo({ policy, format, reward, examples: data, replay: data, config, observe });
  return events.flatMap((event) => (event.type === 'step-end' ? [event.metrics] : []));
}

export const lastMean = (curve: readonly Metrics[], name: string): number =>
  curve.slice(-10).reduce((sum, metrics) => sum + metrics[name]!, 0) / 10;

/** A start that is neither sure nor uniform, so that groups repeat some samples. */
export async function halfTrained(): Promise<Float64Array> {
  const policy = newPolicy();
  await run(policy, partial(), { ...quick, maxSteps: 15 });
  return policy.weights();
}

/** One step, and the gradient that its first optimizer step was made from. */
export async function firstGradient(weights: Float64Array, config: GrpoConfigInput) {
  const tabular = createTabularPolicy({ vocabSize: format.vocabSize, weights });
  const policy = recorded(tabular);
  const gradients: Float64Array[] = [];
  const watching: Policy = {
    ...policy,
    optimStep: (adam) => {
      gradients.push(tabular.gradients());
      return policy.optimStep(adam);
    },
  };
  const curve = await run(watching, partial(), { ...quick, maxSteps: 1, ...config });
  return { gradient: gradients[0]!, policy, curve, tabular };
}

export const largestDifference = (a: Float64Array, b: Float64Array): number =>
  a.reduce((max, value, i) => Math.max(max, Math.abs(value - b[i]!)), 0);
