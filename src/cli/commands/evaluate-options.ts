/** The options of `querent evaluate` beyond its sets and its report: which suites, who answers, how often, and going on. */
import { basename, join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { BaseFormat } from '../../engine/model/base-tensor.ts';
import type { Evaluation } from '../../evaluation/evaluate.ts';
import { openJournal } from '../../evaluation/journal.ts';
import { hasGreedy } from '../../evaluation/judged-batch.ts';
import { type AnswerForm, answerForms } from '../../evaluation/predictors/endpoint-predictor.ts';
import { SELECTIONS, type Selection } from '../../evaluation/selection/select.ts';
import { QuerentError } from '../../foundation/errors.ts';
import type { CommandContext } from '../context.ts';
import type { Workspace } from '../project.ts';
import { textTable } from '../table.ts';
import { percent } from '../terminal/live-line.ts';
import {
  type EvaluatedSet,
  keepCommand,
  keepEndpoint,
  keepFile,
  keepModel,
  type SourceKeeper,
} from '../wiring/candidate-sources.ts';
import { loadSynonyms } from '../wiring/data.ts';
import { evaluateSets } from '../wiring/evaluate-sets.ts';
import { findModel } from '../wiring/find-model.ts';
import { keepPipeline } from '../wiring/pipeline-source.ts';
import { baseWeightsOption, collect, positiveInteger, wholeNumber } from './options.ts';

export interface AnswerOptions {
  readonly model?: string;
  readonly suite: readonly string[];
  readonly databases?: string;
  readonly endpoint?: string;
  readonly endpointModel?: string;
  readonly endpointKey: string;
  readonly endpointForm: AnswerForm;
  readonly endpointStream?: boolean;
  readonly endpointLogprobs?: boolean;
  readonly command?: string;
  readonly predictions?: string;
  readonly baseWeights: BaseFormat;
  readonly pipeline?: boolean;
  readonly timeout: number;
  readonly concurrency?: number;
  readonly samples: number;
  readonly temperature: number;
  readonly select: Selection;
  readonly passAt: readonly number[];
  readonly neighbours: number;
  readonly resume?: boolean;
  readonly batchSize: number;
  readonly maxNewTokens: number;
}

function temperature(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= 0 && value <= 2)) throw new InvalidArgumentError('expected a number from 0 to 2');
  return value;
}

const integers = (text: string): number[] => text.split(',').map((part) => positiveInteger(part.trim()));

export function withAnswerOptions(command: Command): Command {
  return command
    .option(
      '--suite <[format:]path[#part]>',
      'published questions with their databases (repeatable); see docs/suites.md',
      collect,
      [],
    )
    .option('--databases <path>', 'where the databases of the suites lie, if not beside them')
    .addOption(baseWeightsOption())
    .option('--pipeline', 'ask the whole agent pipeline of the model, not the model alone')
    .option('--endpoint <url>', 'ask an OpenAI-compatible endpoint instead of a model here')
    .option('--endpoint-model <name>', 'the model that the endpoint is asked for')
    .option('--endpoint-key <variable>', 'environment variable that holds its key', 'QUERENT_ENDPOINT_KEY')
    .addOption(
      new Option('--endpoint-form <form>', 'hold its answers to JSON or to a pattern, where it can be')
        .choices(answerForms)
        .default('text'),
    )
    .option('--endpoint-stream', 'have its answers streamed: a lost connection is noticed at once')
    .option('--endpoint-logprobs', 'take confidences from log-probabilities, where it has them')
    .option('--command <line>', 'ask a program: JSON lines in, SQL lines out')
    .option('--predictions <file>', 'judge a file: one SQL a line, or JSON lines with id and sql')
    .option('--timeout <seconds>', 'for one answer of an endpoint or a command', positiveInteger, 120)
    .option(
      '--concurrency <count>',
      'questions asked at the same time (endpoint: 8, command: 1)',
      positiveInteger,
    )
    .option('--samples <count>', 'candidates for each question', positiveInteger, 1)
    .option('--temperature <number>', 'of the candidates', temperature, 0.8)
    .addOption(
      new Option(
        '--select <how>',
        'greedy answer, majority vote by result, or best by reward (knows the gold)',
      )
        .choices([...SELECTIONS])
        .default('greedy'),
    )
    .option('--pass-at <list>', 'pass@k of the candidates, for example 1,4,8', integers, [])
    .option(
      '--neighbours <count>',
      'databases with other rows, made of each, on which an answer must be right too',
      wholeNumber,
      0,
    )
    .option('--resume', 'go on with the evaluation that was stopped in the same folder');
}

interface Choice {
  readonly label: string;
  /** What must be the same to go on. */
  readonly identity: string;
  readonly keeper: SourceKeeper;
  readonly batchSize: number;
  readonly parallel: number;
}

const FILE_BATCH = 256;
const ENDPOINT_RETRIES = 5;

function chooseSource(context: CommandContext, workspace: Workspace, options: AnswerOptions): Choice {
  const { io, observe, signal } = context;
  const { endpoint, command, predictions, concurrency, batchSize, maxNewTokens } = options;
  const named = [options.model, endpoint, command, predictions].filter((one) => one !== undefined);
  if (named.length > 1) {
    throw new QuerentError(
      'usage/several-predictors',
      'more than one of --model, --endpoint, --command, --predictions',
      {
        next: 'Name the one that shall answer.',
      },
    );
  }
  const timeoutMs = options.timeout * 1000;
  if (endpoint !== undefined) {
    const model = options.endpointModel;
    if (model === undefined)
      throw new QuerentError('usage/missing-model', '--endpoint needs --endpoint-model', {
        next: 'Name the model.',
      });
    const key = io.env[options.endpointKey];
    const parallel = concurrency ?? 8;
    const keeper = keepEndpoint({
      ...{ url: endpoint, model, key, timeoutMs, signal, retries: ENDPOINT_RETRIES },
      form: options.endpointForm,
      stream: options.endpointStream === true,
      logprobs: options.endpointLogprobs === true,
      ...{ concurrency: parallel, tokensMax: Math.max(maxNewTokens, 1024) },
    });
    const form = options.endpointForm === 'text' ? '' : ` as ${options.endpointForm}`;
    return { label: model, identity: `${model} at ${endpoint}${form}`, keeper, batchSize: 1, parallel };
  }
  if (command !== undefined) {
    const keeper = keepCommand({ command, workingDirectory: io.workingDirectory, timeoutMs });
    return { label: command, identity: command, keeper, batchSize: 1, parallel: concurrency ?? 1 };
  }
  if (predictions !== undefined) {
    const path = resolve(io.workingDirectory, predictions);
    return {
      label: basename(path),
      identity: path,
      keeper: keepFile(path),
      batchSize: FILE_BATCH,
      parallel: 1,
    };
  }
  const directory = findModel(workspace, options.model, io.workingDirectory);
  const { baseWeights } = options;
  if (options.pipeline === true) {
    const keeper = keepPipeline({
      ...{ directory, baseWeights, observe },
      synonyms: () => loadSynonyms(workspace),
    });
    return { label: 'pipeline', identity: `pipeline of ${directory}`, keeper, batchSize, parallel: 1 };
  }
  const keeper = keepModel({ directory, baseWeights, maxNewTokens, observe });
  return { label: 'model', identity: directory, keeper, batchSize, parallel: 1 };
}

function refuseImpossible(
  { samples, passAt, predictions }: AnswerOptions,
  sets: readonly EvaluatedSet[],
): void {
  const tooMany = passAt.find((k) => k > samples || samples === 1);
  if (tooMany !== undefined) {
    throw new QuerentError(
      'usage/pass-at',
      `pass@${tooMany} needs at least ${Math.max(2, tooMany)} samples, and ${samples} are drawn`,
      {
        next: 'Raise --samples; with more than k the estimate is better.',
      },
    );
  }
  if (predictions !== undefined && sets.length !== 1) {
    throw new QuerentError(
      'usage/one-set',
      `a file of predictions belongs to one set, and ${sets.length} are named`,
      {
        next: 'Name one with --set or --suite.',
      },
    );
  }
}

export interface Answered {
  readonly evaluations: readonly Evaluation[];
  readonly label: string;
  /** The model's folder, the endpoint, the command or the file. */
  readonly identity: string;
}

/** `output`: the folder in which answers are kept as they come. */
export async function answerSets(
  context: CommandContext,
  workspace: Workspace,
  options: AnswerOptions & { readonly output: string },
  sets: readonly EvaluatedSet[],
): Promise<Answered> {
  refuseImpossible(options, sets);
  const { keeper, label, identity, batchSize, parallel } = chooseSource(context, workspace, options);
  const { samples, select, passAt, neighbours } = options;
  const candidates = { samples, select, temperature: options.temperature };
  const settings = {
    predictor: identity,
    samples,
    greedy: hasGreedy(candidates),
    batchSize,
    ...(samples === 1 ? {} : { temperature: options.temperature }),
    ...(neighbours === 0 ? {} : { neighbours }),
  };
  try {
    const journal = openJournal(join(options.output, 'answers.jsonl'), settings, options.resume === true);
    if (journal.known > 0)
      context.observe({ type: 'note', message: `going on after ${journal.known} questions` });
    try {
      const { observe, signal } = context;
      const run = {
        ...{ label, keeper, journal, candidates, passAt, neighbours },
        ...{ batchSize, parallel, observe, signal },
      };
      return { evaluations: await evaluateSets(run, sets), label, identity };
    } finally {
      journal.close();
    }
  } finally {
    await keeper.close();
  }
}

/** A line a set, where pass@k was asked for. */
export function passAtTable(evaluations: readonly Evaluation[]): string | undefined {
  const ks = [...new Set(evaluations.flatMap(({ passAt = [] }) => passAt.map(({ k }) => k)))];
  if (ks.length === 0) return undefined;
  const rows = evaluations.map(({ set, passAt = [] }) => [
    set,
    ...ks.map((k) => {
      const found = passAt.find((each) => each.k === k);
      return found === undefined ? '' : percent(found.value);
    }),
  ]);
  return textTable(['set', ...ks.map((k) => `pass@${k}`)], rows);
}

export const passAtJson = (evaluations: readonly Evaluation[]): Record<string, Evaluation['passAt']> =>
  Object.fromEntries(evaluations.map(({ set, passAt = [] }) => [set, passAt]));
