/**
 * The agent pipeline for one model and one database, as the commands and the servers use it: opened once, asked many times.
 * What lies beside the model decides: its prompt format, and its calibration where there is one.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createSchemaAnalyzer } from '../../agents/analyze/schema-analyzer.ts';
import { confidenceFile, loadConfidenceMap } from '../../agents/confidence/confidence.ts';
import { createPipeline } from '../../agents/create-pipeline.ts';
import { createAdvisor } from '../../agents/explain/advice.ts';
import { createDraftCache } from '../../agents/generate/draft-cache.ts';
import {
  createExampleMemory,
  type ExampleMemory,
  type KnownExample,
} from '../../agents/generate/example-memory.ts';
import { createPolicyGenerator } from '../../agents/generate/query-generator.ts';
import type { Pipeline } from '../../agents/pipeline.ts';
import { loadBusinessRules } from '../../agents/validate/business-rules.ts';
import { createValidator } from '../../agents/validate/validator.ts';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import type { Policy } from '../../engine/policy.ts';
import type { Observe } from '../../foundation/events.ts';
import { readTextFile } from '../../foundation/files.ts';
import { type CompactSettings, compactSettingsSchema } from '../../prompts/compact/compact-format.ts';
import { createLexicon, type Synonyms } from '../../schema/lexicon.ts';
import { createValueIndex } from '../../schema/link/value-index.ts';
import type { OpenedDatabase } from './database.ts';
import { openModel } from './model.ts';

export interface OpenPipelineOptions {
  /** The model's directory. */
  readonly directory: string;
  readonly database: OpenedDatabase;
  readonly synonyms?: Synonyms;
  /** A YAML file of business rules. */
  readonly rulesPath?: string;
  /** Known questions with their statements: training examples, accepted answers. */
  readonly examples?: readonly KnownExample[];
  /** Questions whose statements are kept. Default 1,000; 0 = none. */
  readonly cachedQuestions?: number;
  /** Shared with others; left out: the pipeline has its own and closes it. */
  readonly sandbox?: Sandbox;
  /** What samples in place of the model itself, for example to share its batches among questions. */
  readonly wrapPolicy?: (policy: Policy) => Policy;
  readonly observe: Observe;
}

export interface OpenedPipeline {
  readonly pipeline: Pipeline;
  /** Accepted answers go in here, and are known from the next question on. */
  readonly memory: ExampleMemory;
  readonly isCalibrated: boolean;
  /** Closes model and sandbox. */
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
  const {
    directory,
    database,
    synonyms = {},
    observe,
    cachedQuestions = 1_000,
    wrapPolicy = (policy) => policy,
  } = options;
  const { schema, path } = database;
  const rules = options.rulesPath === undefined ? [] : await loadBusinessRules(options.rulesPath, schema);
  const calibration = join(directory, confidenceFile);
  const confidence = existsSync(calibration) ? await loadConfidenceMap(calibration) : undefined;
  const { policy, format } = await openModel({ directory, database, observe, narrowsSchema: true });
  const settings = await compactSettingsOf(directory);
  const sandbox = options.sandbox ?? createSandbox();
  const lexicon = createLexicon(schema, synonyms);
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
    generator: createPolicyGenerator({ name: directory, policy: wrapPolicy(policy), format }),
    validator: createValidator({ schema, rules, execute: (sql) => sandbox.execute(path, sql) }),
    execute: (sql, limits) => sandbox.execute(path, sql, limits),
    cache: createDraftCache(cachedQuestions),
    advisor: createAdvisor({
      schema,
      databasePath: path,
      execute: (file, sql) => sandbox.execute(file, sql),
    }),
    ...(confidence === undefined ? {} : { confidence }),
    close: async () => {
      if (options.sandbox === undefined) await sandbox.close();
    },
  });
  return { pipeline, memory, isCalibrated: confidence !== undefined, close: () => pipeline.close() };
}
