/** `querent export`: a trained model in the format of another program. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { openWorkspace } from '../project.ts';
import { type ExportFormat, exportFormats, exportModel } from '../wiring/export-model.ts';
import { findModel } from '../wiring/find-model.ts';
import { collect, withCommon } from './options.ts';

interface ExportOptions extends CommonOptions {
  readonly model?: string;
  readonly format: ExportFormat;
  readonly out: string;
  readonly dtype?: string;
  readonly baseName?: string;
  readonly name?: string;
  readonly report: readonly string[];
}

export function addExport(program: Command, run: RunCommand): void {
  const command = program
    .command('export')
    .description(
      'Write a trained model as a PEFT adapter, merged safetensors, GGUF (llama.cpp) or ONNX, with a model card.',
    )
    .option('--model <directory>', 'model, adapter or run; the newest of the project unless named')
    .addOption(new Option('--format <format>', 'what to write').choices(exportFormats).makeOptionMandatory())
    .requiredOption('--out <directory>', 'a new folder')
    .option('--dtype <type>', 'safetensors: f32, f16, bf16 (as the base unless told); gguf: f16, q8_0, f32')
    .option('--base-name <id>', 'name of the base on the hub, for the card and the adapter’s config')
    .option('--name <name>', 'name of the model; that of its folder unless told')
    .option('--report <file>', 'report.json of an evaluation, for the card; may be repeated', collect, []);
  withCommon(command, [
    ['querent export --format gguf --dtype q8_0 --out erp-gguf', 'for llama.cpp and Ollama'],
    [
      'querent export --model runs/grpo --format peft --out adapter --base-name Qwen/Qwen2.5-Coder-7B-Instruct',
      '',
    ],
    ['querent export --format onnx --out erp-onnx --report evaluation/report.json', 'figures on the card'],
  ]).action((options: ExportOptions) => run(options, (context) => exportCommand(context, options)));
}

async function exportCommand(context: CommandContext, options: ExportOptions): Promise<undefined> {
  const { workingDirectory } = context.io;
  const workspace = await openWorkspace(context.directory);
  const result = await exportModel({
    modelDirectory: findModel(workspace, options.model, workingDirectory),
    format: options.format,
    dtype: options.dtype,
    outDirectory: resolve(workingDirectory, options.out),
    baseName: options.baseName,
    name: options.name,
    reports: options.report.map((path) => resolve(workingDirectory, path)),
  });
  if (context.json) context.printJson(result);
  context.print(`${result.directory}: ${result.format}, ${result.dtype}`);
  for (const file of result.files) context.print(`  ${file}`);
}
