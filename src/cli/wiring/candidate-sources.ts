/** Who answers an evaluation: a checkpoint, an endpoint, a command or a file, opened for the sets and databases it is asked of. */

import { createPolicyPredictor } from '../../agents/policy-predictor.ts';
import type { Example } from '../../data/example.ts';
import type { Sandbox } from '../../database/sandbox.ts';
import type { BaseFormat } from '../../engine/model/base-tensor.ts';
import {
  type Ask,
  askOf,
  type CandidateSource,
  sourceOf,
} from '../../evaluation/predictors/candidate-source.ts';
import { createCommandPredictor } from '../../evaluation/predictors/command-predictor.ts';
import {
  type AnswerForm,
  constraintOf,
  createEndpointPredictor,
} from '../../evaluation/predictors/endpoint-predictor.ts';
import { openPredictionFile } from '../../evaluation/predictors/prediction-file.ts';
import type { Observe } from '../../foundation/events.ts';
import { createRandom } from '../../foundation/random.ts';
import { describeForPrompt } from '../../schema/describe.ts';
import type { OpenedDatabase } from './database.ts';
import { inspectStatements } from './inspect-statements.ts';
import { type Model, openModel } from './model.ts';

/** A set with what its questions are asked of. */
export interface EvaluatedSet {
  readonly name: string;
  readonly examples: readonly Example[];
  /** Also those without a database and beyond a limit: a file of predictions has them all. */
  readonly all: readonly Example[];
  readonly databaseOf: (databaseId: string) => Promise<OpenedDatabase>;
  readonly doubleQuotedStrings: boolean;
}

/** Opens what it needs once, and closes all of it. */
export interface SourceKeeper {
  sourceFor(set: EvaluatedSet, database: OpenedDatabase, sandbox: Sandbox): Promise<CandidateSource>;
  close(): Promise<void>;
}

export interface ModelChoice {
  readonly directory: string;
  readonly baseWeights: BaseFormat;
  readonly maxNewTokens: number;
  readonly observe: Observe;
}

/**
 * A prompt format knows one schema: it is opened for each database, and says so where it was trained for another. Weights are
 * opened once.
 */
export function keepModel({ directory, baseWeights, maxNewTokens, observe }: ModelChoice): SourceKeeper {
  const models = new Map<string, Promise<Model>>();
  let first: Promise<Model> | undefined;
  const open = async (database: OpenedDatabase): Promise<Model> => {
    const weights = first === undefined ? undefined : await first.catch(() => undefined);
    const opened = openModel({ directory, database, observe, weights, baseWeights });
    if (weights === undefined) first = opened;
    return opened;
  };
  return {
    sourceFor: async ({ doubleQuotedStrings }, database, sandbox) => {
      const opened = models.get(database.path) ?? open(database);
      models.set(database.path, opened);
      const { policy, format } = await opened;
      const inspect = inspectStatements(sandbox, database, { doubleQuotedStrings });
      return sourceOf(
        createPolicyPredictor({ name: 'model', policy, format, maxNewTokens, ownsPolicy: false, inspect }),
      );
    },
    close: async () => {
      const [opened] = await Promise.allSettled([first]);
      if (opened.status === 'fulfilled') await opened.value?.policy.close();
    },
  };
}

/** What needs no database of its own is opened once a set. */
function keepBySet(open: (set: EvaluatedSet) => Promise<CandidateSource>): SourceKeeper {
  const sources = new Map<string, Promise<CandidateSource>>();
  return {
    sourceFor: (set) => {
      const source = sources.get(set.name) ?? open(set);
      sources.set(set.name, source);
      return source;
    },
    close: async () => {
      const opened = await Promise.allSettled(sources.values());
      for (const outcome of opened) if (outcome.status === 'fulfilled') await outcome.value.close();
    },
  };
}

/** Each schema is described once. */
function schemaTexts({ databaseOf }: EvaluatedSet): (ask: Ask) => Promise<string> {
  const texts = new Map<string, Promise<string>>();
  const describe = async ({ databaseId, table }: Ask): Promise<string> =>
    describeForPrompt((await databaseOf(databaseId)).schema, table === undefined ? {} : { tables: [table] });
  return (ask) => {
    const key = `${ask.databaseId}\0${ask.table ?? ''}`;
    const text = texts.get(key) ?? describe(ask);
    texts.set(key, text);
    return text;
  };
}

export interface EndpointChoice {
  readonly url: string;
  readonly model: string;
  readonly key: string | undefined;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly concurrency: number;
  readonly tokensMax: number;
  readonly signal: AbortSignal;
  readonly form: AnswerForm;
  readonly stream: boolean;
  readonly logprobs: boolean;
}

export const keepEndpoint = (choice: EndpointChoice): SourceKeeper =>
  keepBySet(async (set) =>
    createEndpointPredictor({
      ...choice,
      constraint: constraintOf(choice.form),
      pauseMs: 1_000,
      random: createRandom(0),
      schemaTextOf: schemaTexts(set),
    }),
  );

export interface CommandChoice {
  readonly command: string;
  readonly workingDirectory: string;
  readonly timeoutMs: number;
}

export const keepCommand = (choice: CommandChoice): SourceKeeper =>
  keepBySet(async (set) =>
    createCommandPredictor({
      ...choice,
      schemaTextOf: schemaTexts(set),
      databasePathOf: async ({ databaseId }) => (await set.databaseOf(databaseId)).path,
    }),
  );

export const keepFile = (path: string): SourceKeeper =>
  keepBySet((set) => openPredictionFile(path, set.all.map(askOf)));
