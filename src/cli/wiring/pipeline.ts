/**
 * The agent pipeline for one model and one database, as the commands and the servers use it: opened once, asked many times.
 * What lies beside the model decides: its prompt format, and its calibration where there is one.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createSchemaAnalyzer } from '../../agents/analyze/schema-analyzer.ts';
import { confidenceFile, loadConfidenceMap } from '../../agents/confidence/confidence.ts';
import { createPipeline } from '../../agents/create-pipeline.ts';
import { createDraftCache } from '../../agents/generate/draft-cache.ts';
import {
  createExampleMemory,
  type ExampleMemory,
  type KnownExample,
} from '../../agents/generate/example-memory.ts';
import { createPolicyGenerator } from '../../agents/generate/query-generator.ts';
import type { Pipeline } from '../../agents/pipeline.ts';
import type { BaseFormat } from '../../engine/model/base-tensor.ts';
import type { Observe } from '../../foundation/events.ts';
import { readTextFile } from '../../foundation/files.ts';
import { type CompactSettings, compactSettingsSchema } from '../../prompts/compact/compact-format.ts';
import { createValueIndex } from '../../schema/link/value-index.ts';
import type { DatabaseTools } from './database-tools.ts';
import { type Model, openModel } from './model.ts';

export interface OpenPipelineOptions {
  /** The model's directory. */
  readonly directory: string;
  /** Of the database that is asked; closed with the pipeline. */
  readonly tools: DatabaseTools;
  /** How the weights lie in memory if the model is opened here; default: "auto". */
  readonly baseWeights?: BaseFormat | undefined;
  /** The model of the directory, opened for this database by somebody who closes it; left out: it is opened, and closed. */
  readonly model?: Model;
  /** Known questions with their statements: training examples, accepted answers. */
  readonly examples?: readonly KnownExample[];
  /** Questions whose statements are kept. Default 1,000; 0 = none. */
  readonly cachedQuestions?: number;
  readonly observe: Observe;
}

export interface OpenedPipeline {
  readonly pipeline: Pipeline;
  /** Accepted answers go in here, and are known from the next question on. */
  readonly memory: ExampleMemory;
  readonly isCalibrated: boolean;
  /** Closes the tools, and the model if it was opened here. */
  close(): Promise<void>;
}

/** The embedded model's own words and values; undefined for other formats. */
export async function compactSettingsOf(directory: string): Promise<CompactSettings | undefined> {
  const path = join(directory, 'prompt-format.json');
  if (!existsSync(path)) return undefined;
  const parsed = compactSettingsSchema.safeParse(JSON.parse(await readTextFile(path, 'prompt format')));
  return parsed.success ? parsed.data : undefined;
}

export async function openPipeline(options: OpenPipelineOptions): Promise<OpenedPipeline> {
  const { directory, tools, baseWeights, observe, cachedQuestions = 1_000 } = options;
  const { database, schema, lexicon, validator, advisor, execute } = tools;
  const calibration = join(directory, confidenceFile);
  const confidence = existsSync(calibration) ? await loadConfidenceMap(calibration) : undefined;
  const { policy, format } =
    options.model ?? (await openModel({ directory, database, observe, baseWeights, narrowsSchema: true }));
  const settings = await compactSettingsOf(directory);
  const words = new Set(settings?.questionWords);
  const memory = createExampleMemory(options.examples);
  const pipeline = createPipeline({
    schema,
    lexicon,
    memory,
    analyzer: createSchemaAnalyzer({
      schema,
      lexicon,
      valueIndex: createValueIndex(schema, settings),
      isKnownWord: (key) => words.has(key),
      ...(format.countTokens === undefined ? {} : { countTokens: (text) => format.countTokens!(text) }),
    }),
    generator: createPolicyGenerator({
      name: directory,
      policy,
      format,
      ownsPolicy: options.model === undefined,
    }),
    validator,
    execute,
    cache: createDraftCache(cachedQuestions),
    advisor,
    ...(confidence === undefined ? {} : { confidence }),
    close: () => tools.close(),
  });
  return { pipeline, memory, isCalibrated: confidence !== undefined, close: () => pipeline.close() };
}
