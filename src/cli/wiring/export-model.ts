/** A trained model written in the format of another program, whole or not at all, with its tokenizer and a card. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeAdapter } from '../../engine/checkpoint/adapter-directory.ts';
import { jsonText, readJsonObject } from '../../engine/checkpoint/json-file.ts';
import { loadModelText } from '../../engine/checkpoint/text-files.ts';
import {
  type ExportSource,
  type OpenedAdapter,
  openExportSource,
} from '../../engine/export/export-source.ts';
import { type GgufEncoding, writeGgufModel } from '../../engine/export/gguf-model.ts';
import { type SafetensorsEncoding, writeMergedSafetensors } from '../../engine/export/merged-safetensors.ts';
import { writeOnnxModel } from '../../engine/export/onnx-model.ts';
import { QuerentError } from '../../foundation/errors.ts';
import { writeDirectoryAtomic, writeFileAtomic } from '../../foundation/files.ts';
import { modelCard, readReport, readTraining } from './model-card.ts';
import { findSource, formatFile, type ModelSource } from './model-source.ts';

export const exportFormats = ['peft', 'safetensors', 'gguf', 'onnx'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** What each format can hold; the first is the default, `undefined` the type of the base. */
const dtypes: Readonly<Record<ExportFormat, readonly string[]>> = {
  peft: ['f32'],
  safetensors: ['f32', 'f16', 'bf16'],
  gguf: ['f16', 'q8_0', 'f32'],
  onnx: ['f32'],
};

export interface ExportChoice {
  readonly modelDirectory: string;
  readonly format: ExportFormat;
  readonly dtype: string | undefined;
  readonly outDirectory: string;
  /** Name on the hub of the model that was trained; a path would say nothing elsewhere. */
  readonly baseName: string | undefined;
  readonly name: string | undefined;
  readonly reports: readonly string[];
}

export interface ExportResult {
  readonly directory: string;
  readonly format: ExportFormat;
  readonly dtype: string;
  readonly files: readonly string[];
}

function checkedDtype({ format, dtype }: ExportChoice): string | undefined {
  if (dtype === undefined || dtypes[format].includes(dtype)) return dtype;
  throw new QuerentError('usage/dtype', `--dtype ${dtype}: ${format} takes ${dtypes[format].join(', ')}`, {
    next: 'Choose one of these, or leave --dtype out.',
  });
}

/** Never writes over anything: an export is made once. */
async function refuseExisting(directory: string): Promise<void> {
  if (!existsSync(directory) || (await readdir(directory)).length === 0) return;
  throw new QuerentError('export/exists', `${directory} is there already and is not empty`, {
    next: 'Name a new folder with --out, or remove that one.',
  });
}

/** Files that lie beside the weights in any format that keeps Hugging Face's layout. */
const companions = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'generation_config.json',
  'vocab.json',
  'merges.txt',
  'config.json',
];

async function copyPresent(from: readonly string[], names: readonly string[], to: string): Promise<void> {
  for (const name of names) {
    const found = from.map((directory) => join(directory, name)).find((path) => existsSync(path));
    if (found !== undefined) await copyFile(found, join(to, name));
  }
}

const torchTypes: Readonly<Record<string, string>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

async function writeWeights(
  temporary: string,
  choice: ExportChoice,
  { base }: ModelSource,
  source: ExportSource,
): Promise<string> {
  const wanted = checkedDtype(choice)?.toUpperCase();
  switch (choice.format) {
    case 'safetensors': {
      const dtype = (wanted ?? source.dtype) as SafetensorsEncoding;
      await writeMergedSafetensors(join(temporary, 'model.safetensors'), source, dtype);
      const config = await readJsonObject(join(base, 'config.json'), 'model config');
      const { torch_dtype: _, ...rest } = config;
      await writeFileAtomic(join(temporary, 'config.json'), jsonText({ ...rest, dtype: torchTypes[dtype] }));
      return dtype;
    }
    case 'gguf': {
      const encoding = (wanted ?? 'F16') as GgufEncoding;
      const name = cardName(choice);
      await writeGgufModel(join(temporary, ggufFile(choice, encoding)), source, await loadModelText(base), {
        name,
        encoding,
      });
      return encoding;
    }
    case 'onnx':
      await mkdir(join(temporary, 'onnx'));
      await writeOnnxModel(join(temporary, 'onnx'), source);
      return 'F32';
    default:
      throw new RangeError(choice.format);
  }
}

/** A run's folder says more than "final". */
function cardName({ name, modelDirectory }: ExportChoice): string {
  const own = basename(modelDirectory);
  return name ?? (own === 'final' || own === 'best' ? basename(dirname(modelDirectory)) : own);
}

const ggufFile = (choice: ExportChoice, encoding: string): string =>
  `${cardName(choice).replaceAll(/[^\w.-]+/g, '-')}-${encoding}.gguf`;

function usageOf(choice: ExportChoice, dtype: string): string[] {
  const code = (language: string, ...lines: string[]) => [`\`\`\`${language}`, ...lines, '```'];
  switch (choice.format) {
    case 'peft':
      return code(
        'python',
        'from peft import AutoPeftModelForCausalLM',
        'model = AutoPeftModelForCausalLM.from_pretrained(FOLDER)',
      );
    case 'safetensors':
      return code(
        'python',
        'from transformers import AutoModelForCausalLM, AutoTokenizer',
        'model, tokenizer = AutoModelForCausalLM.from_pretrained(FOLDER), AutoTokenizer.from_pretrained(FOLDER)',
      );
    case 'gguf':
      return code('sh', `llama-server -m ${ggufFile(choice, dtype)}`);
    case 'onnx':
      return [
        '`onnx/model.onnx` with its weights in `onnx/model.onnx_data`: standard operators only. Inputs are `input_ids`,',
        '`attention_mask`, `position_ids` and `past_key_values.N.key|value` (empty at first); outputs `logits` and',
        '`present.N.key|value`, the next past. The names are those of Optimum and transformers.js.',
      ];
    default:
      return choice.format satisfies never;
  }
}

async function exportAdapter(
  temporary: string,
  choice: ExportChoice,
  base: string,
  adapter: OpenedAdapter | undefined,
): Promise<void> {
  if (adapter === undefined) {
    throw new QuerentError('export/no-adapter', `${choice.modelDirectory} is a whole model, not an adapter`, {
      next: 'Export it with --format safetensors.',
    });
  }
  await writeAdapter(temporary, { ...adapter, baseModel: choice.baseName ?? base });
}

export async function exportModel(choice: ExportChoice): Promise<ExportResult> {
  checkedDtype(choice);
  const { modelDirectory, format, outDirectory } = choice;
  await refuseExisting(outDirectory);
  const places = await findSource(modelDirectory);
  const source = await openExportSource(places);
  try {
    const { config, adapter } = source;
    const reports = await Promise.all(choice.reports.map(readReport));
    const training = await readTraining(modelDirectory);
    let written = 'F32';
    await writeDirectoryAtomic(outDirectory, async (temporary) => {
      const from = [modelDirectory, places.base];
      if (format === 'peft') await exportAdapter(temporary, choice, places.base, adapter);
      else written = await writeWeights(temporary, choice, places, source);
      if (format !== 'gguf') {
        // config.json of a model whose weights were written here says their type; an adapter has its base's tokenizer alone.
        const names = companions.filter((name) => !existsSync(join(temporary, name)));
        await copyPresent(
          from,
          format === 'peft' ? names.filter((name) => name !== 'config.json') : names,
          temporary,
        );
      }
      await copyPresent(from, [formatFile, 'REPORT.md'], temporary);
      const card = modelCard({
        name: cardName(choice),
        config,
        format,
        dtype: written,
        baseName: choice.baseName,
        adapter: adapter?.config,
        isMerged: format !== 'peft',
        training,
        reports,
        usage: usageOf(choice, written),
      });
      const report = existsSync(join(temporary, 'REPORT.md'))
        ? '\nMeasured figures: [REPORT.md](REPORT.md).\n'
        : '';
      await writeFileAtomic(join(temporary, 'README.md'), card + report);
    });
    const files = await readdir(outDirectory, { recursive: true, withFileTypes: true });
    const names = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
    return {
      directory: outDirectory,
      format,
      dtype: written,
      files: names.map((path) => path.slice(outDirectory.length + 1)).sort(),
    };
  } finally {
    await source.close();
  }
}
