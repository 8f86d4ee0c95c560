/** `querent evaluate predictions`: a file of SQL against a file of golds, as the official scripts judge them. */
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { createSandbox } from '../../database/sandbox.ts';
import { readDifficulties } from '../../evaluation/spider/difficulty.ts';
import {
  evaluatePredictions,
  type PredictionEvaluation,
  type PredictionVerdict,
} from '../../evaluation/spider/evaluate-predictions.ts';
import { PREDICTION_PROTOCOLS, type PredictionProtocol } from '../../evaluation/spider/execution.ts';
import {
  isOfPrediction,
  type ProblemKind,
  type RowProblem,
  readPredictionPairs,
} from '../../evaluation/spider/prediction-files.ts';
import {
  type LevelSummary,
  summarizeNeighbours,
  summarizePredictions,
} from '../../evaluation/spider/prediction-summary.ts';
import { VES_ITERATIONS } from '../../evaluation/spider/r-ves.ts';
import { readSpiderSchemas } from '../../evaluation/spider/schema.ts';
import { QuerentError } from '../../foundation/errors.ts';
import { writeFileAtomic } from '../../foundation/files.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { exitCodes } from '../report-error.ts';
import { databaseFinder } from '../wiring/find-database.ts';
import { keepNeighbours } from '../wiring/neighbours.ts';
import { positiveInteger, wholeNumber, withCommon } from './options.ts';
import { neighbourLine, predictionTables } from './prediction-tables.ts';

interface PredictionsOptions extends CommonOptions {
  readonly protocol: PredictionProtocol;
  readonly gold: string;
  readonly predictions: string;
  readonly databases: string;
  readonly tables?: string;
  readonly out?: string;
  readonly minEx?: number;
  readonly difficulties?: string;
  readonly ves?: number;
  readonly neighbours: number;
  readonly doubleQuotedStrings?: boolean;
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('expected a share from 0 to 1');
  return value;
}

export function addEvaluatePredictions(evaluate: Command, run: RunCommand): void {
  withCommon(
    evaluate
      .command('predictions')
      .description(
        'Judge a file of predicted SQL as the official scripts of Spider and BIRD do: execution, exact match, partial scores by hardness; for BIRD soft F1 and R-VES. Exit code 1 if a row cannot be judged.',
      )
      .addOption(
        new Option(
          '--protocol <name>',
          'spider: the test-suite script; spider-2018: the first one; bird: EX and soft F1; strict: ours',
        )
          .choices([...PREDICTION_PROTOCOLS])
          .default('spider'),
      )
      .requiredOption('--gold <file>', 'one `SQL<TAB>db_id` a line')
      .requiredOption(
        '--predictions <file>',
        'one SQL a line, or BIRD’s JSON; a tab and what follows it is left out',
      )
      .requiredOption('--databases <path>', 'a folder with ID/ID.sqlite or ID.sqlite, or one SQLite file')
      .option(
        '--tables <file>',
        'Spider’s tables.json, for hardness and exact match; bird and strict need none',
      )
      .option(
        '--difficulties <file>',
        'for bird: its questions (dev.json, mini_dev_sqlite.jsonl), for figures from simple to challenging',
      )
      .addOption(
        new Option(
          '--ves [iterations]',
          `for bird: also R-VES, by timing every right prediction against its gold so often (${VES_ITERATIONS} as the official script), one after the other; run nothing else on the machine meanwhile`,
        )
          .preset(String(VES_ITERATIONS))
          .argParser(positiveInteger),
      )
      .option(
        '--neighbours <count>',
        'for strict: databases with other rows on which a prediction must be right too; see docs/evaluation.md',
        wholeNumber,
        0,
      )
      .option('--out <file>', 'write one JSON line a row')
      .option('--min-ex <share>', 'exit code 1 if execution accuracy is lower, for example 0.8', share)
      .option(
        '--double-quoted-strings',
        'for strict: read "text" as a string where there is no such column; the others always do',
      ),
    [
      [
        'querent evaluate predictions --gold dev_gold.sql --predictions predict.sql --databases database --tables tables.json',
        'Spider',
      ],
      [
        'querent evaluate predictions --protocol bird --gold gold.sql --predictions p.sql --databases db --out rows.jsonl',
        'BIRD, EX and soft F1',
      ],
      [
        'querent evaluate predictions --protocol bird --gold gold.sql --predictions p.sql --databases db --difficulties dev.json --ves',
        'and R-VES',
      ],
      [
        'querent evaluate predictions --protocol strict --gold g.sql --predictions p.sql --databases erp.sqlite --min-ex 0.8',
        'a gate in CI',
      ],
    ],
  ).action((options: PredictionsOptions) => run(options, (context) => predictions(context, options)));
}

const SHOWN_MAX = 8;

function printProblems(context: CommandContext, problems: readonly RowProblem[]): void {
  const kinds: ReadonlySet<ProblemKind> = new Set(problems.map(({ kind }) => kind));
  for (const kind of kinds) {
    const its = problems.filter((problem) => problem.kind === kind);
    for (const { file, line, message } of its.slice(0, SHOWN_MAX))
      context.print(`${file} line ${line}: ${message} [${kind}]`);
    if (its.length > SHOWN_MAX)
      context.print(`… and ${its.length - SHOWN_MAX} more [${kind}]; --json names them`);
  }
}

const bit = (value: boolean | null): number | null => (value === null ? null : Number(value));

/** Of a row that is right on the database; `exec_match` 0 beside `neighbour_match` 0 is one that it alone let through. */
function neighbourFields({ agreement }: PredictionVerdict): object {
  if (agreement === null) return {};
  const { match, told, difference } = agreement;
  return {
    neighbour_match: bit(match),
    neighbours_told: told,
    ...(difference === undefined ? {} : { neighbour_difference: difference.reason }),
  };
}

/** The field names and values of the published verdict files, and BIRD's figures where there are some. */
function verdictLine(verdict: PredictionVerdict): string {
  return JSON.stringify({
    row: verdict.row,
    db_id: verdict.databaseId,
    hardness: verdict.hardness,
    official_parsed: verdict.isOfficiallyParsed,
    exact_match: bit(verdict.isExactMatch),
    exec_match: bit(verdict.isExecutionMatch),
    ...neighbourFields(verdict),
    ...(verdict.difficulty === null ? {} : { difficulty: verdict.difficulty }),
    ...(verdict.softF1 === null ? {} : { soft_f1: verdict.softF1 }),
    ...(verdict.efficiency === null
      ? {}
      : { r_ves: verdict.efficiency.rVes, time_ratio: verdict.efficiency.timeRatio }),
  });
}

function refuseForOthers({ protocol, ves, difficulties, neighbours }: PredictionsOptions): void {
  if (neighbours > 0 && protocol !== 'strict') {
    throw new QuerentError(
      'usage/other-protocol',
      `--neighbours goes with the protocol strict, the protocol is ${protocol}`,
      { next: 'Add --protocol strict, or leave the option out: published figures ask one database.' },
    );
  }
  const option = ves !== undefined ? '--ves' : difficulties !== undefined ? '--difficulties' : undefined;
  if (option === undefined || protocol === 'bird') return;
  throw new QuerentError('usage/other-protocol', `${option} is BIRD's, the protocol is ${protocol}`, {
    next: 'Add --protocol bird, or leave the option out.',
  });
}

async function judge(context: CommandContext, options: PredictionsOptions): Promise<PredictionEvaluation> {
  const { io, observe, signal } = context;
  const { protocol, neighbours: count } = options;
  refuseForOthers(options);
  const at = (path: string): string => resolve(io.workingDirectory, path);
  if (options.tables === undefined && protocol.startsWith('spider')) {
    throw new QuerentError(
      'usage/missing-tables',
      `--protocol ${protocol} needs the schemas of the databases`,
      {
        next: 'Give --tables tables.json, or choose --protocol bird or strict.',
      },
    );
  }
  const databasePathOf = databaseFinder(at(options.databases));
  const [files, schemas] = await Promise.all([
    readPredictionPairs(at(options.gold), at(options.predictions)),
    options.tables === undefined ? undefined : readSpiderSchemas(at(options.tables)),
  ]);
  const difficulties =
    options.difficulties === undefined ? undefined : await readDifficulties(at(options.difficulties), files);
  const doubleQuotedStrings = protocol !== 'strict' || options.doubleQuotedStrings === true;
  const sandbox = createSandbox({ doubleQuotedStrings });
  const neighbours = count === 0 ? undefined : await keepNeighbours({ sandbox, count });
  try {
    return await evaluatePredictions({
      files,
      protocol,
      schemas,
      databasePathOf,
      ...(difficulties === undefined ? {} : { difficulties }),
      ...(options.ves === undefined ? {} : { ves: { iterations: options.ves } }),
      ...(neighbours === undefined ? {} : { neighbours }),
      sandbox,
      observe,
      signal,
    });
  } finally {
    await sandbox.close();
    await neighbours?.close();
  }
}

function exitCodeOf(all: LevelSummary, problems: readonly RowProblem[], minEx: number | undefined): number {
  const isTooLow = minEx !== undefined && all.executionMatches < minEx * all.count;
  const isJudged = problems.every(isOfPrediction);
  return isTooLow || !isJudged ? exitCodes.failed : exitCodes.ok;
}

async function predictions(context: CommandContext, options: PredictionsOptions): Promise<number> {
  const { protocol, minEx } = options;
  const { verdicts, problems } = await judge(context, options);
  const levels = summarizePredictions(verdicts);
  const all = levels.at(-1)!;
  const neighbours = options.neighbours === 0 ? undefined : summarizeNeighbours(verdicts);
  const out = options.out === undefined ? undefined : resolve(context.io.workingDirectory, options.out);
  if (out !== undefined)
    await writeFileAtomic(out, verdicts.map((verdict) => `${verdictLine(verdict)}\n`).join(''));
  printProblems(context, problems);
  context.print(predictionTables(levels));
  if (neighbours !== undefined) context.print(neighbourLine(neighbours));
  if (out !== undefined) context.print(`wrote ${out}`);
  if (minEx !== undefined && all.executionMatches < minEx * all.count)
    context.print(`execution accuracy is below --min-ex ${minEx}`);
  if (context.json)
    context.printJson({ protocol, levels, neighbours, problems, ...(out === undefined ? {} : { out }) });
  return exitCodeOf(all, problems, minEx);
}
