/**
 * Writes recorded-answers.json: what the pipeline with the shipped model says about a few questions on the ERP demonstration,
 * event by event, and the curves of a finished run, for tests that need the same answers every time.
 * `npx tsx test/web/record-answers.ts RUN/sft/metrics.jsonl`; without a run the curves stay as they are.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { PipelineEvent, PipelineOptions } from '../../src/agents/pipeline.ts';
import { openWorkspace, shippedModelDirectory } from '../../src/cli/project.ts';
import { loadSynonyms } from '../../src/cli/wiring/data.ts';
import { openDatabase } from '../../src/cli/wiring/database.ts';
import { openTools } from '../../src/cli/wiring/database-tools.ts';
import { openPipeline } from '../../src/cli/wiring/pipeline.ts';
import { packageRoot } from '../../src/foundation/files.ts';
import type { Schema } from '../../src/schema/schema.ts';
import { readMetricsLog } from '../../src/training/metrics-log.ts';
import type { RecordedAnswers } from './page-server.ts';

const questions: readonly (readonly [string, Partial<PipelineOptions>])[] = [
  ['Total budget of all projects by department', {}],
  ['How many projects are active?', {}],
  ['Average budget of projects by fiscal year', {}],
  ['Show all contracts with Hamburg Wibble', { confidenceMin: 0.9 }],
];

function schemaAnswer(schema: Schema): RecordedAnswers['schema'] {
  return {
    database_id: schema.databaseId,
    dialect: schema.dialect,
    hash: schema.hash,
    tables: schema.tables.map(({ name, comment, rowCount, columns }) => ({
      ...{ name, comment: comment ?? null, rows: rowCount },
      columns: columns.map((column) => ({
        name: column.name,
        type: column.declaredType,
        nullable: column.nullable,
        primary_key: column.isPrimaryKey,
        comment: column.comment ?? null,
      })),
    })),
    foreign_keys: schema.tables.flatMap((table) =>
      table.foreignKeys.map((key) => ({
        table: table.name,
        columns: key.columns,
        references_table: key.referencedTable,
        references_columns: key.referencedColumns,
      })),
    ),
  };
}

/** Every so many steps, to four digits: enough to see the curve. */
async function runAnswer(logPath: string): Promise<RecordedAnswers['run']> {
  const records = await readMetricsLog(logPath);
  const steps = records.filter((record) => record.type === 'step');
  const every = Math.ceil(steps.length / 250);
  const kept = steps.filter((_, at) => at % every === 0 || at === steps.length - 1);
  const names = ['loss', 'entropy', 'gradientNorm', 'learningRate'];
  return {
    name: 'erp-sft',
    series: Object.fromEntries(
      names.map((name) => [
        name,
        kept.map(({ step, metrics }) => [step, Number((metrics[name] ?? 0).toPrecision(4))] as const),
      ]),
    ),
    evaluations: records
      .filter((record) => record.type === 'evaluation')
      .map(({ step, set, metrics }) => ({ step, set, metrics })),
  };
}

const workspace = await openWorkspace(packageRoot());
const database = await openDatabase(workspace, () => {});
const { pipeline, close } = await openPipeline({
  directory: shippedModelDirectory(),
  tools: await openTools({ database, synonyms: await loadSynonyms(workspace) }),
  observe: () => {},
});
// The first question compiles the model's graphs: its times would say nothing about the next ones.
await pipeline.ask({ question: questions[0]![0], options: { cache: false } });
const streams: RecordedAnswers['streams'][number][] = [];
for (const [question, options] of questions) {
  const events: PipelineEvent[] = [];
  const answer = await pipeline.ask(
    { question, options: { ...options, cache: false } },
    { observe: (event) => events.push(event) },
  );
  streams.push({
    events: [
      ...events.filter((event) => event.type !== 'answer'),
      {
        type: 'response',
        response: {
          id: `a${streams.length + 1}`,
          sql: answer.sql,
          confidence_score: answer.confidence,
          reasoning: answer.reasoning ?? null,
          latency_ms: answer.latencyMs,
          answer,
        },
      },
    ],
    question,
  });
}
await close();
const path = fileURLToPath(new URL('./recorded-answers.json', import.meta.url));
const log = process.argv[2];
const run =
  log !== undefined || !existsSync(path)
    ? await runAnswer(log ?? 'metrics.jsonl')
    : (JSON.parse(readFileSync(path, 'utf8')) as RecordedAnswers).run;
const recorded: RecordedAnswers = { schema: schemaAnswer(database.schema), streams, run };
writeFileSync(path, `${JSON.stringify(recorded)}\n`);
