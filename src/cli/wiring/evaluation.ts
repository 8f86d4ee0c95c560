/** Evaluation as the commands run it: a model's policy and format over named sets, judged in the sandbox. */

import { createPolicyPredictor } from '../../agents/policy-predictor.ts';
import type { Example } from '../../data/example.ts';
import type { Sandbox } from '../../database/sandbox.ts';
import type { Policy } from '../../engine/policy.ts';
import { type Evaluation, evaluateSet, metricsOf } from '../../evaluation/evaluate.ts';
import { sandboxJudge } from '../../evaluation/sandbox-judge.ts';
import { ignoreEvents, type Metrics, type Observe } from '../../foundation/events.ts';
import type { PromptFormat } from '../../prompts/prompt-format.ts';
import type { OpenedDatabase } from './database.ts';
import { inspectStatements } from './inspect-statements.ts';
import { executionRewardOf } from './reward.ts';

export interface EvaluationRun {
  /** In reports and events: `base`, `sft`, `grpo`, a directory. */
  readonly label: string;
  readonly policy: Policy;
  readonly format: PromptFormat;
  readonly database: OpenedDatabase;
  readonly sandbox: Sandbox;
  readonly maxNewTokens: number;
  readonly batchSize?: number;
  /** Samples for a question whose greedy statement cannot be used; 0 for a model that has learnt nothing yet. */
  readonly repairSamples?: number;
  /** Rows of both results kept for the report. Default 0. */
  readonly previewRows?: number;
  readonly observe: Observe;
  readonly signal: AbortSignal;
}

/** As many rows of each result as a report shows. */
export const reportedRows = 5;

/** A set by name with its examples. */
export type NamedSet = readonly [name: string, examples: readonly Example[]];

export async function evaluateModel(run: EvaluationRun, sets: readonly NamedSet[]): Promise<Evaluation[]> {
  const { label, policy, format, database, sandbox, maxNewTokens, observe, signal } = run;
  const predictor = createPolicyPredictor({
    name: label,
    policy,
    format,
    maxNewTokens,
    ownsPolicy: false,
    inspect: inspectStatements(sandbox, database),
    ...(run.repairSamples === undefined ? {} : { repairSamples: run.repairSamples }),
  });
  const evaluations: Evaluation[] = [];
  for (const [set, examples] of sets) {
    evaluations.push(
      await evaluateSet({
        predictor,
        set,
        examples,
        judge: sandboxJudge(sandbox, database.path, { previewRows: run.previewRows ?? 0 }),
        schema: database.schema,
        reward: executionRewardOf(sandbox, database.path),
        stage: label,
        ...(run.batchSize === undefined ? {} : { batchSize: run.batchSize }),
        observe,
        signal,
      }),
    );
  }
  return evaluations;
}

/** What a training loop calls to validate: greedy EX on a fixed set. An interrupt ends the training, not this. */
export function validationOf(
  run: Omit<EvaluationRun, 'label' | 'policy' | 'observe' | 'signal'>,
  examples: readonly Example[],
): (policy: Policy, step: number) => Promise<Metrics> {
  return async (policy) => {
    const { signal } = new AbortController();
    const [evaluation] = await evaluateModel(
      { ...run, label: 'validation', policy, observe: ignoreEvents, signal },
      [['validation', examples]],
    );
    return metricsOf(evaluation!.summary);
  };
}
