/**
 * Rollouts: prompts from the stream, K samples of each, their rewards. It knows sampling and scoring; it does not know
 * advantages or losses. Rewards of one sampling call are computed while the next one samples.
 */
import type { Example } from '../data/example.ts';
import type { Policy, SampledSequence } from '../engine/policy.ts';
import type { Random } from '../foundation/random.ts';
import type { Completion, PreparedPrompt, PromptFormat } from '../prompts/prompt-format.ts';
import type { Reward, RewardFunction } from '../rewards/reward.ts';
import { isZeroVariance } from './advantages.ts';
import { drawEncoded, type EncodedExample, encodeExample } from './encode.ts';
import type { ExampleStream } from './example-stream.ts';
import { type GrpoConfig, temperatureLevels } from './grpo-config.ts';

export interface Rollout {
  readonly sequence: SampledSequence;
  readonly completion: Completion;
  /** Undefined where it was not scored: cut off, and masked. */
  readonly reward: Reward | undefined;
  /** What the advantage is computed from; null leaves baseline and loss. */
  readonly score: number | null;
}

/** K samples of one prompt at one temperature. */
export interface RolloutGroup {
  readonly example: Example;
  readonly prompt: PreparedPrompt;
  readonly temperature: number;
  readonly rollouts: readonly Rollout[];
}

export interface RolloutParts {
  readonly policy: Policy;
  readonly format: PromptFormat;
  readonly reward: RewardFunction;
  readonly stream: ExampleStream;
  readonly config: GrpoConfig;
  /** Work that can be done while the rewards are computed. */
  readonly whileScoring?: (groups: readonly SampledGroup[]) => Promise<void>;
}

export interface SampledGroup extends Omit<RolloutGroup, 'rollouts'> {
  readonly sequences: readonly SampledSequence[];
}

export interface Collected {
  /** What the step trains on: `promptsPerStep` groups, those with variance first. */
  readonly groups: readonly RolloutGroup[];
  /** Everything that was sampled, also what dynamic sampling replaced. */
  readonly sampled: readonly RolloutGroup[];
  readonly rounds: number;
  readonly skippedPrompts: number;
  readonly sampleMs: number;
  /** Time in which nothing but rewards was waited for. */
  readonly rewardWaitMs: number;
}

export async function collectRollouts(parts: RolloutParts, random: Random): Promise<Collected> {
  const { config } = parts;
  const sampled: RolloutGroup[] = [];
  const informative: RolloutGroup[] = [];
  let [rounds, skippedPrompts, sampleMs, rewardWaitMs] = [0, 0, 0, 0];
  do {
    const missing = config.promptsPerStep - informative.length;
    const round = await sampleRound(parts, missing, random.fork(`round/${rounds}`));
    sampled.push(...round.groups);
    informative.push(...round.groups.filter((group) => !isZeroVariance(scoresOf(group))));
    skippedPrompts += round.skipped;
    sampleMs += round.sampleMs;
    rewardWaitMs += round.rewardWaitMs;
    rounds += 1;
  } while (informative.length < config.promptsPerStep && rounds <= config.dynamicSampling);
  const others = sampled.filter((group) => !informative.includes(group));
  const groups = [...informative, ...others].slice(0, config.promptsPerStep);
  return { groups, sampled, rounds, skippedPrompts, sampleMs, rewardWaitMs };
}

export function scoresOf(group: RolloutGroup): readonly (number | null)[] {
  return group.rollouts.map((rollout) => rollout.score);
}

async function sampleRound(parts: RolloutParts, prompts: number, random: Random) {
  const { config, stream } = parts;
  const noise = random.fork('noise');
  const { encoded, skipped } = await drawEncoded(stream, prompts, (example) =>
    encodePrompt(example, parts, noise.fork(noise.int(0x7fffffff))),
  );
  const seeds = random.fork('seeds');
  const scoring: Promise<readonly RolloutGroup[]>[] = [];
  const samples: SampledGroup[] = [];
  const startedAt = performance.now();
  for (const call of samplingCalls(encoded, config)) {
    const groups = await sampleCall(parts, call, seeds.int(0x7fffffff));
    samples.push(...groups);
    const scored = scoreGroups(parts, groups);
    scored.catch(() => {}); // awaited below; a failure of the sampler must not leave it unhandled
    scoring.push(scored);
  }
  const sampleMs = performance.now() - startedAt;
  await parts.whileScoring?.(samples);
  const waitingSince = performance.now();
  const groups = (await Promise.all(scoring)).flat();
  return { groups, skipped, sampleMs, rewardWaitMs: performance.now() - waitingSince };
}

function encodePrompt(example: Example, parts: RolloutParts, random: Random): EncodedExample | undefined {
  const { format, policy, config } = parts;
  const encoded = encodeExample(example, format, policy.maxLength, random);
  const hasRoom =
    encoded !== undefined && encoded.prompt.promptTokens.length + config.maxNewTokens <= policy.maxLength;
  return hasRoom ? encoded : undefined;
}

interface SamplingCall {
  readonly temperature: number;
  readonly encoded: readonly EncodedExample[];
}

/** Prompts dealt over the temperatures, each share in calls of at most `samplingChunk`. */
function samplingCalls(encoded: readonly EncodedExample[], config: GrpoConfig): SamplingCall[] {
  const levels = temperatureLevels(config);
  const size = config.samplingChunk === 0 ? encoded.length : config.samplingChunk;
  return levels.flatMap((temperature, level) => {
    const share = encoded.filter((_, i) => i % levels.length === level);
    const calls: SamplingCall[] = [];
    for (let start = 0; start < share.length; start += size) {
      calls.push({ temperature, encoded: share.slice(start, start + size) });
    }
    return calls;
  });
}

async function sampleCall(parts: RolloutParts, call: SamplingCall, seed: number): Promise<SampledGroup[]> {
  const { policy, format, config } = parts;
  const groups = await policy.sample({
    prompts: call.encoded.map((item) => item.prompt.promptTokens),
    samplesPerPrompt: config.groupSize,
    maxNewTokens: config.maxNewTokens,
    temperature: call.temperature,
    minProbability: config.minProbability,
    stopTokens: format.stopTokens,
    seed,
    ...(format.constraint === undefined ? {} : { constraint: format.constraint }),
  });
  return groups.map((sequences, i) => {
    const { example, prompt } = call.encoded[i]!;
    return { example, prompt, temperature: call.temperature, sequences };
  });
}

/** One call of the reward function for all completions of a sampling call. */
async function scoreGroups(parts: RolloutParts, groups: readonly SampledGroup[]): Promise<RolloutGroup[]> {
  const { format, config, reward } = parts;
  const parsed = groups.map((group) =>
    group.sequences.map((sequence) => ({
      sequence,
      completion: parseSample(format, group.prompt, sequence),
      isScored: sequence.stopReason === 'stop' || config.overlong === 'punish',
    })),
  );
  const items = groups.flatMap(({ example }, i) =>
    parsed[i]!.filter(({ isScored }) => isScored).map(({ completion }) => ({ example, completion })),
  );
  const rewards = await reward.score(items);
  let next = 0;
  return groups.map(({ example, prompt, temperature }, i) => ({
    example,
    prompt,
    temperature,
    rollouts: parsed[i]!.map(({ sequence, completion, isScored }) => {
      const given = isScored ? rewards[next++]! : undefined;
      return { sequence, completion, reward: given, score: finalScore(given, sequence, config) };
    }),
  }));
}

/** A sample that was cut off is incomplete whatever the format makes of its beginning: half a query is never scored. */
function parseSample(format: PromptFormat, prompt: PreparedPrompt, sequence: SampledSequence): Completion {
  const completion = format.parseCompletion(sequence.tokens, prompt);
  return sequence.stopReason === 'stop' ? completion : { ...completion, isComplete: false };
}

function finalScore(
  reward: Reward | undefined,
  sequence: SampledSequence,
  config: GrpoConfig,
): number | null {
  if (reward === undefined || reward.score === null) return null;
  const { overlong, overlongBuffer, overlongPenalty, maxNewTokens } = config;
  if (overlong !== 'punish' || overlongBuffer === 0) return reward.score;
  const over = sequence.tokens.length - (maxNewTokens - overlongBuffer);
  return reward.score - overlongPenalty * Math.min(1, Math.max(0, over / overlongBuffer));
}
