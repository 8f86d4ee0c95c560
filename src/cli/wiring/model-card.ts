/**
 * The README.md of an exported model: what it is, how it was trained, and what was measured – from the files of its run and from
 * evaluation reports, word for word. What no file says is not on the card.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { longestSequence, type ModelConfig } from '../../engine/model/model-config.ts';
import { parameterCount } from '../../engine/model/weights.ts';
import { type ReportJson, reportSchema } from '../../evaluation/report/report-schema.ts';
import { parseConfig } from '../../foundation/config.ts';
import { latestCheckpoint, readTrainerState, runPaths } from '../../training/checkpoint.ts';
import { type MetricsRecord, readMetricsLog } from '../../training/metrics-log.ts';
import { readJson } from './model-source.ts';

export interface TrainingFacts {
  readonly config: Readonly<Record<string, unknown>>;
  readonly records: readonly MetricsRecord[];
  /** Absent where the run keeps no checkpoint. */
  readonly codeVersion?: string;
  readonly seed?: number;
}

/** Of the run whose `final` or `best` folder the model is; undefined for a model from elsewhere. */
export async function readTraining(modelDirectory: string): Promise<TrainingFacts | undefined> {
  const run = dirname(modelDirectory);
  const paths = runPaths(run);
  if (!existsSync(paths.metrics) || !existsSync(paths.config)) return undefined;
  const config = (await readJson(paths.config, 'training config')) as Record<string, unknown>;
  const checkpoint = await latestCheckpoint(run);
  const state = checkpoint === undefined ? undefined : await readTrainerState(checkpoint);
  const made = state === undefined ? {} : { codeVersion: state.codeVersion, seed: state.seed };
  return { config, records: await readMetricsLog(paths.metrics), ...made };
}

export async function readReport(path: string): Promise<ReportJson> {
  return parseConfig(reportSchema, await readJson(path, 'evaluation report'), path) as ReportJson;
}

export interface CardFacts {
  readonly name: string;
  readonly config: ModelConfig;
  readonly format: string;
  readonly dtype: string;
  /** A name on the hub; a folder of this machine says nothing to a reader. */
  readonly baseName: string | undefined;
  readonly adapter:
    | { readonly rank: number; readonly alpha: number; readonly targetModules: readonly string[] }
    | undefined;
  readonly isMerged: boolean;
  readonly training: TrainingFacts | undefined;
  readonly reports: readonly ReportJson[];
  /** Lines that show how the format is used. */
  readonly usage: readonly string[];
}

const number = (value: number): string =>
  Number.isInteger(value) ? value.toLocaleString('en-US') : String(Number(value.toPrecision(4)));

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

function frontMatter({ baseName, format, adapter, isMerged }: CardFacts): string[] {
  const library = adapter !== undefined && !isMerged ? 'peft' : format === 'gguf' ? 'gguf' : 'transformers';
  const base = baseName === undefined ? [] : [`base_model: ${baseName}`];
  return [
    '---',
    ...base,
    `library_name: ${library}`,
    'pipeline_tag: text-generation',
    'tags:',
    '- text-to-sql',
    '- querent',
    '---',
  ];
}

function modelTable({ config, format, dtype, baseName, adapter, isMerged }: CardFacts): string[] {
  const how = isMerged ? 'merged into the weights' : 'apart from its base';
  return table(
    ['', ''],
    [
      ['architecture', `${config.family}, ${config.layerCount} layers of ${number(config.hiddenSize)}`],
      ['parameters', number(parameterCount(config))],
      ['longest sequence', `${number(longestSequence(config))} tokens`],
      ['vocabulary', number(config.vocabSize)],
      ['format', `${format}, ${dtype}`],
      ...(baseName === undefined ? [] : [['base', baseName]]),
      ...(adapter === undefined
        ? []
        : [
            [
              'LoRA',
              `rank ${adapter.rank}, alpha ${adapter.alpha}, on ${adapter.targetModules.join(', ')}; ${how}`,
            ],
          ]),
    ],
  );
}

/** The last record of each set, and of the steps. */
function trainingLines({ config, records, codeVersion, seed }: TrainingFacts): string[] {
  const last = new Map(records.map((record) => [record.type === 'step' ? 'training' : record.set, record]));
  const rows = [...last].flatMap(([set, record]) =>
    Object.entries(record.metrics)
      .filter(([, value]) => Number.isFinite(value))
      .map(([metric, value]) => [set, number(record.step), metric, number(value)]),
  );
  const stages = [...new Set(records.map(({ stage }) => stage))].join(', ');
  const made = [
    stages === '' ? undefined : `stage ${stages}`,
    codeVersion === undefined ? undefined : `Querent ${codeVersion}`,
    seed === undefined ? undefined : `seed ${seed}`,
  ].filter((part) => part !== undefined);
  return [
    '## Training',
    '',
    ...(made.length === 0 ? [] : [`${made.join(', ')}.`, '']),
    ...(rows.length === 0
      ? []
      : ['Last figures of the run:', '', ...table(['set', 'step', 'figure', 'value'], rows), '']),
    '<details><summary>Configuration</summary>',
    '',
    '```json',
    JSON.stringify(config, null, 2),
    '```',
    '</details>',
    '',
  ];
}

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

function evaluationLines(reports: readonly ReportJson[]): string[] {
  const rows = reports.flatMap(({ evaluations }) =>
    evaluations.map(({ label, set, summary }) => {
      const { ex, em, validity } = summary;
      const { low, high } = ex.interval;
      const bounds = `[${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
      return [
        label,
        set,
        number(ex.total),
        `${percent(ex.share)} ${bounds}`,
        percent(em.share),
        percent(validity.share),
      ];
    }),
  );
  if (rows.length === 0) return [];
  const head = ['model', 'set', 'questions', 'execution accuracy [95%]', 'exact match', 'valid SQL'];
  return ['## Evaluation', '', ...table(head, rows), ''];
}

export function modelCard(facts: CardFacts): string {
  const { name, training, reports, usage } = facts;
  const none =
    training === undefined && reports.length === 0
      ? [
          'No run and no evaluation report lay beside this model: nothing is known here of how good it is.',
          '',
        ]
      : [];
  const lines = [
    ...frontMatter(facts),
    '',
    `# ${name}`,
    '',
    'A model that writes SQL for questions, exported by Querent.',
    '',
    ...modelTable(facts),
    '',
    ...(training === undefined ? [] : trainingLines(training)),
    ...evaluationLines(reports),
    ...none,
    '## Use',
    '',
    ...usage,
    '',
    'Run what it writes in a sandbox with read-only rights: a language model can write any statement.',
  ];
  return `${lines.join('\n')}\n`;
}
