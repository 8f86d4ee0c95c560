/** Options of the commands that ask questions: which model, how hard it tries, when it holds back. */
import type { Command } from 'commander';
import type { PipelineRequest } from '../../agents/pipeline.ts';
import type { BaseFormat } from '../../engine/model/base-tensor.ts';
import { baseWeightsOption, positiveInteger, share, wholeNumber } from './options.ts';

export interface QuestionOptions {
  readonly model?: string;
  readonly rules?: string;
  readonly baseWeights: BaseFormat;
  readonly candidates?: number;
  readonly confidence?: number;
  /** False with --no-run. */
  readonly run: boolean;
  readonly rows: number;
}

export function withQuestionOptions(
  command: Command,
  rows: { readonly what: string; readonly count: number },
): Command {
  return command
    .option(
      '--model <directory>',
      "a model, a finished run or a GGUF file (default: the project's newest, or the shipped one)",
    )
    .option('--rules <file>', 'business rules as YAML (default: rules.yaml of the project)')
    .option(
      '--candidates <count>',
      'statements drawn and compared where the first is doubtful (default: 16)',
      wholeNumber,
    )
    .option('--confidence <share>', 'hold an answer back that is less sure than this, and ask instead', share)
    .option('--no-run', 'write the SQL, and do not run it for rows')
    .option('--rows <count>', rows.what, positiveInteger, rows.count)
    .addOption(baseWeightsOption());
}

export function pipelineOptions(
  { candidates, confidence, run }: QuestionOptions,
  rowsMax: number,
): NonNullable<PipelineRequest['options']> {
  return {
    rowsMax,
    ...(candidates === undefined ? {} : { candidates }),
    ...(confidence === undefined ? {} : { confidenceMin: confidence }),
    ...(run ? {} : { steps: { execute: false } }),
  };
}
