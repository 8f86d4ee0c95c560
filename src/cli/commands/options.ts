/** Options and help that several commands share. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { baseWeightsSchema } from '../../engine/model/base-tensor.ts';

export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('expected a whole number from 1 up');
  return value;
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('expected a whole number from 0 up');
  return value;
}

export function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('expected a number from 0 to 65535; 0 takes a free port');
  return port;
}

export function share(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= 0 && value <= 1))
    throw new InvalidArgumentError('expected a share from 0 to 1, such as 0.9');
  return value;
}

/** Of commands that only ask a model. */
export const baseWeightsOption = (): Option =>
  new Option(
    '--base-weights <format>',
    'how the weights of a large model lie in memory; auto: as its files have them',
  )
    .choices(baseWeightsSchema.options)
    .default('auto');

/** --json, --quiet and --project, and examples under the help. */
export function withCommon(
  command: Command,
  examples: readonly (readonly [line: string, what: string])[],
): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, what]) => `  $ ${line.padEnd(width)}   ${what}`);
  return command
    .option('--project <directory>', 'folder of querent.json; without one, the ERP demonstration is used')
    .option('--json', 'one JSON line on standard output, progress on standard error')
    .option('--quiet', 'no progress')
    .addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
