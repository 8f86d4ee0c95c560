/** Rewards by name, ready to train with: made once, nothing scored twice. */
import { cachedReward, itemKeyOf, queryKeyOf } from './cached-reward.ts';
import { needsSandbox, needsSchema } from './errors.ts';
import { type ExecutionRewardOptions, executionReward } from './execution-reward.ts';
import { type ExecutionScale, executionScales, marginOf } from './execution-scale.ts';
import { domainReward, type SchemaOf } from './parts/domain.ts';
import { efficiencyReward } from './parts/efficiency.ts';
import { formatReward, lengthReward } from './parts/form.ts';
import { safetyReward } from './parts/safety.ts';
import { complexityReward, keywordReward, semanticReward } from './parts/similarity.ts';
import { databaseSyntaxCheck, type ExecutingSandbox, syntaxReward } from './parts/syntax.ts';
import { skyrlReward, sqlR1Reward } from './published.ts';
import type { BoundedReward, RewardFunction } from './reward.ts';
import { compositeReward, weightedReward } from './weighted-reward.ts';

/** What rewards are made from. Those that need no schema, or only verdicts, can be made without the rest. */
export interface RewardContext extends Omit<ExecutionRewardOptions, 'scale' | 'sandbox'> {
  readonly sandbox: ExecutionRewardOptions['sandbox'] & Partial<ExecutingSandbox>;
  readonly schemaOf?: SchemaOf | undefined;
}

/** Parts that can be weighted beside execution; each gives 0 to 1, and gold gets 1. */
export const rewardPartNames = [
  'syntax',
  'semantic',
  'domain',
  'complexity',
  'efficiency',
  'keywords',
  'format',
  'length',
  'safety',
] as const;
export type RewardPartName = (typeof rewardPartNames)[number];

function executing(context: RewardContext, what: string): ExecutingSandbox {
  const { execute } = context.sandbox;
  if (execute === undefined) throw needsSandbox(what);
  return { execute: (path, sql) => execute(path, sql) };
}

function schemaOf(context: RewardContext, what: string): SchemaOf {
  if (context.schemaOf === undefined) throw needsSchema(what);
  return context.schemaOf;
}

function syntaxOf(context: RewardContext, scores?: { valid: number; invalid: number }): BoundedReward {
  return syntaxReward(databaseSyntaxCheck(executing(context, 'syntax'), context.databasePathOf), scores);
}

export function createPart(name: RewardPartName, context: RewardContext): BoundedReward {
  switch (name) {
    case 'syntax':
      return syntaxOf(context);
    case 'semantic':
      return semanticReward();
    case 'domain':
      return domainReward(schemaOf(context, name));
    case 'complexity':
      return complexityReward();
    case 'efficiency': {
      const { databasePathOf } = context;
      return efficiencyReward({
        sandbox: executing(context, name),
        databasePathOf,
        schemaOf: schemaOf(context, name),
      });
    }
    case 'keywords':
      return keywordReward();
    case 'format':
      return formatReward();
    case 'length':
      return lengthReward();
    case 'safety':
      return safetyReward();
    default:
      throw name satisfies never;
  }
}

const executionOf = (context: RewardContext, scale: ExecutionScale): RewardFunction =>
  executionReward({ ...context, scale });

/** Execution with other parts beside it. */
function withParts(
  context: RewardContext,
  scale: ExecutionScale,
  weight: number,
  parts: readonly (readonly [BoundedReward, number])[],
  range?: readonly [number, number],
): RewardFunction {
  return weightedReward({
    primary: { reward: executionOf(context, scale), weight, margin: marginOf(scale) },
    parts: parts.map(([reward, partWeight]) => ({ reward, weight: partWeight })),
    ...(range === undefined ? {} : { range }),
  });
}

type Preset = (context: RewardContext) => RewardFunction;

const presets = {
  /** 1 right rows, 0.1 runs, 0 otherwise. */
  default: (context) => executionOf(context, executionScales.default),
  /** Ours: as `default`, but constants are worth nothing; with neighbours, right means right on each of them. */
  strict: (context) => executionOf(context, executionScales.strict),
  /** 1 right rows, 0 otherwise. */
  binary: (context) => executionOf(context, executionScales.binary),
  /** Arctic-Text2SQL-R1: 1 right rows, 0.1 runs, 0 otherwise. */
  arctic: (context) => executionOf(context, executionScales.arctic),
  /** SkyRL-SQL: -1 without the form, 1 right rows, 0 otherwise. */
  skyrl: (context) => skyrlReward(executionOf(context, executionScales.binary)),
  /** SQL-R1: format, execution and result as ±1, ±2, ±3, and the length of right answers. */
  'sql-r1': (context) => sqlR1Reward(executionOf(context, executionScales.binary)),
  /** 0.6 execution, 0.2 keywords, 0.2 clauses in common with the gold query. */
  'binary+partial': (context) =>
    withParts(context, executionScales.binary, 0.6, [
      [keywordReward(), 0.2],
      [semanticReward(), 0.2],
    ]),
  /** 0.2 syntax, 0.6 execution, 0.2 semantic: perfect 1, wrong 0.3, error and timeout -0.8, syntax -0.5, within [-1, 1]. */
  composite: (context) => {
    const syntax = syntaxOf(context, { valid: 1, invalid: executionScales.composite.syntaxError });
    const parts = [
      [syntax, 0.2],
      [semanticReward(), 0.2],
    ] as const;
    return withParts(context, executionScales.composite, 0.6, parts, [-1, 1]);
  },
  /** 0.4 syntax, 0.4 tables and columns of the schema, 0.2 complexity like the gold's. Runs nothing: see docs/rewards.md. */
  domain: (context) =>
    compositeReward({
      parts: [
        { reward: syntaxOf(context), weight: 0.4 },
        { reward: domainReward(schemaOf(context, 'domain')), weight: 0.4 },
        { reward: complexityReward(), weight: 0.2 },
      ],
    }),
  /** Mostly execution, a little for a complete answer that is not longer than it needs to be. */
  shaped: (context) =>
    withParts(context, executionScales.default, 0.9, [
      [formatReward(), 0.05],
      [lengthReward(), 0.05],
    ]),
} as const satisfies Readonly<Record<string, Preset>>;

export type RewardPresetName = keyof typeof presets;
export const rewardPresetNames = Object.keys(presets) as readonly RewardPresetName[];

/** These also judge the form of the model's own text. */
const readsText: ReadonlySet<RewardPresetName> = new Set<RewardPresetName>(['skyrl', 'sql-r1', 'shaped']);

export function createReward(name: RewardPresetName, context: RewardContext): RewardFunction {
  const reward = { ...presets[name](context), name };
  return cachedReward(reward, undefined, readsText.has(name) ? itemKeyOf : queryKeyOf);
}

/** Execution on the `strict` scale beside weighted parts; refused if a wrong answer could outscore a right one. */
export function createWeightedReward(
  weights: Readonly<Partial<Record<RewardPartName | 'execution', number>>>,
  context: RewardContext,
): RewardFunction {
  const { execution = 1, ...others } = weights;
  const parts = Object.entries(others).map(
    ([name, weight]) => [createPart(name as RewardPartName, context), weight] as const,
  );
  return cachedReward(withParts(context, executionScales.strict, execution, parts));
}
