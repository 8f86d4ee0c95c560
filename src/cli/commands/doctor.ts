/** `querent doctor`: what is there, what is missing, what to do; with --model, whether a training run would fit. */
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { fitReport } from '../../engine/runtime/memory-advice.ts';
import {
  type FitDevice,
  type FitMethod,
  fitDevices,
  fitMethods,
} from '../../engine/runtime/memory-estimate.ts';
import { messageOf } from '../../foundation/errors.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { type CheckResult, doctorChecks } from '../doctor/checks.ts';
import { checkRequest, fitLines, fitModel, suggestionsOf } from '../doctor/fit.ts';
import { openWorkspace } from '../project.ts';
import { exitCodes } from '../report-error.ts';
import { trainingMemoryBytes } from '../wiring/memory.ts';
import { positiveInteger, withCommon } from './options.ts';

interface DoctorOptions extends CommonOptions {
  readonly model?: string;
  readonly method: FitMethod;
  readonly rank: number;
  readonly batch: number;
  readonly length: number;
  readonly device: FitDevice;
  readonly memoryGb?: number;
}

function gigabytes(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number above 0');
  return value;
}

export function addDoctor(program: Command, run: RunCommand): void {
  const command = program
    .command('doctor')
    .description(
      'Check this machine and project; say what is missing and what to do. Exit code 1 if something is.',
    )
    .option(
      '--model <name>',
      'instead: would training this one fit? A folder, a config.json or a name on the hub',
    )
    .addOption(new Option('--method <method>', 'what trains').choices(fitMethods).default('lora'))
    .option('--rank <number>', 'rank of the adapter', positiveInteger, 16)
    .option('--batch <number>', 'sequences that run at once', positiveInteger, 1)
    .option('--length <tokens>', 'tokens of each', positiveInteger, 1024)
    .addOption(new Option('--device <device>', 'where').choices(fitDevices).default('in-process'))
    .option(
      '--memory-gb <number>',
      'memory there; this machine’s for in-process and mps, 24 for gpu',
      gigabytes,
    );
  withCommon(command, [
    ['querent doctor', 'a line for each check'],
    ['querent doctor --json', 'for scripts and bug reports'],
    ['querent doctor --model Qwen/Qwen2.5-Coder-7B-Instruct --method qlora --device gpu', 'will it fit?'],
  ]).action((options: DoctorOptions) =>
    run(
      options,
      options.model === undefined
        ? doctor
        : (context) => sayWhetherItFits(context, { ...options, model: options.model! }),
    ),
  );
}

async function doctor(context: CommandContext): Promise<number> {
  const { colors } = context;
  const workspace = await openWorkspace(context.directory);
  const marks = { ok: colors.green('✓'), note: colors.yellow('!'), missing: colors.red('✗') };
  const results: (CheckResult & { name: string })[] = [];
  for (const check of doctorChecks(workspace, context.io.env)) {
    const result = await check.run().catch(
      (thrown: unknown): CheckResult => ({
        status: 'missing',
        detail: `the check itself failed: ${messageOf(thrown)}`,
      }),
    );
    results.push({ name: check.name, ...result });
    context.print(`${marks[result.status]} ${result.detail}`);
    if (result.next !== undefined) context.print(`    ${colors.cyan('next:')} ${result.next}`);
  }
  const missing = results.filter(({ status }) => status === 'missing');
  context.print(
    missing.length === 0
      ? '\neverything needed is here'
      : `\nmissing: ${missing.map((m) => m.name).join(', ')}`,
  );
  if (context.json) context.printJson({ ok: missing.length === 0, checks: results });
  return missing.length === 0 ? exitCodes.ok : exitCodes.failed;
}

/** A consumer's card. */
const gpuMemoryBytes = 24e9;

async function sayWhetherItFits(
  context: CommandContext,
  options: DoctorOptions & { readonly model: string },
): Promise<number> {
  const { model: named, device, method, rank, batch, length, memoryGb } = options;
  const model = await fitModel(named, resolve(context.io.workingDirectory, named));
  const { config, base } = model;
  const request = { config, base, device, method, rank, batch, length };
  checkRequest(request);
  const here = device === 'gpu' ? gpuMemoryBytes : trainingMemoryBytes();
  const report = fitReport(request, memoryGb === undefined ? here : memoryGb * 1e9);
  for (const line of fitLines(model, report)) context.print(line);
  if (context.json) {
    const { estimate, memory, fits } = report;
    const asked = { device, method, rank, batch, length };
    context.printJson({
      model: model.name,
      source: model.source,
      ...asked,
      ...estimate,
      memory,
      fits,
      suggestions: suggestionsOf(report),
    });
  }
  return report.fits ? exitCodes.ok : exitCodes.failed;
}
