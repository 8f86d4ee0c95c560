/** What the server says of itself: model, schema, examples, health, metrics. */
import { z } from '@hono/zod-openapi';
import { examplesSchema, healthSchema, modelInfoSchema, schemaSchema, tablesSchema } from '../answers.ts';
import type {
  ExamplesResponse,
  HealthResponse,
  ModelInfoResponse,
  SchemaResponse,
  TablesResponse,
} from '../contract.ts';
import type { ApiParts } from '../parts.ts';
import { parseInput } from '../problems.ts';
import type { ApiRoute } from '../route.ts';

const examplesQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(12),
});

/** Asked often by whatever watches; the database need not be. */
const DATABASE_CHECK_MS = 1_000;

function createDatabaseCheck({ execute }: ApiParts): () => Promise<boolean> {
  let checkedAt = Number.NEGATIVE_INFINITY;
  let isThere: Promise<boolean> = Promise.resolve(false);
  return () => {
    if (performance.now() - checkedAt > DATABASE_CHECK_MS) {
      checkedAt = performance.now();
      isThere = execute('SELECT 1', { timeoutMs: 5_000 }).then(
        ({ outcome }) => outcome === 'rows',
        () => false,
      );
    }
    return isThere;
  };
}

function healthRoutes(parts: ApiParts): readonly ApiRoute[] {
  const startedAt = performance.now();
  const isDatabaseThere = createDatabaseCheck(parts);
  const health = async (): Promise<HealthResponse> => {
    const model = parts.model.state;
    const database = (await isDatabaseThere()) ? 'ready' : 'unreachable';
    const isWhole = model === 'ready' && database === 'ready';
    const status = parts.stopping.aborted
      ? 'draining'
      : isWhole
        ? 'ok'
        : model === 'loading' && database === 'ready'
          ? 'starting'
          : 'degraded';
    return { status, model, database, uptime_s: Math.round((performance.now() - startedAt) / 1_000) };
  };
  const answer = { description: 'The state', schema: healthSchema };
  return [
    {
      method: 'get',
      path: '/health',
      tag: 'Server',
      summary: 'How the server is; always 200 while it runs',
      answer,
      handle: async (c) => c.json(await health()),
    },
    {
      method: 'get',
      path: '/health/live',
      tag: 'Server',
      summary: 'Does it run?',
      answer,
      handle: async (c) => c.json(await health()),
    },
    {
      method: 'get',
      path: '/health/ready',
      tag: 'Server',
      summary: 'Can it answer questions? 503 until the model is loaded and the database answers',
      answer,
      handle: async (c) => {
        const state = await health();
        return c.json(
          state,
          state.status === 'ok' ? 200 : 503,
          state.status === 'ok' ? {} : { 'retry-after': '2' },
        );
      },
    },
  ];
}

function schemaResponse({ schema }: ApiParts): SchemaResponse {
  return {
    database_id: schema.databaseId,
    dialect: schema.dialect,
    hash: schema.hash,
    tables: schema.tables.map(({ name, comment = null, rowCount, columns }) => ({
      name,
      comment,
      rows: rowCount,
      columns: columns.map((column) => ({
        name: column.name,
        type: column.declaredType,
        nullable: column.nullable,
        primary_key: column.isPrimaryKey,
        comment: column.comment ?? null,
      })),
    })),
    foreign_keys: schema.tables.flatMap(({ name, foreignKeys }) =>
      foreignKeys.map((key) => ({
        table: name,
        columns: key.columns,
        references_table: key.referencedTable,
        references_columns: key.referencedColumns,
      })),
    ),
  };
}

export function aboutRoutes(parts: ApiParts): readonly ApiRoute[] {
  const { schema, model, version, metrics, examples } = parts;
  const whole = schemaResponse(parts);
  const tables: TablesResponse = {
    database_id: schema.databaseId,
    dialect: schema.dialect,
    tables: whole.tables.map(({ columns, ...table }) => ({ ...table, columns: columns.length })),
  };
  return [
    {
      method: 'get',
      path: '/model/info',
      tag: 'Server',
      summary: 'The model that answers',
      answer: { description: 'Its facts', schema: modelInfoSchema },
      handle: (c) =>
        c.json({
          ...model.take().info,
          database_id: schema.databaseId,
          schema_hash: schema.hash,
          querent_version: version,
        } satisfies ModelInfoResponse),
    },
    {
      method: 'get',
      path: '/schema/tables',
      tag: 'Database',
      summary: 'Tables with their sizes',
      answer: { description: 'The tables', schema: tablesSchema },
      handle: (c) => c.json(tables),
    },
    {
      method: 'get',
      path: '/schema',
      tag: 'Database',
      summary: 'Tables, columns and foreign keys',
      answer: { description: 'The schema', schema: schemaSchema },
      handle: (c) => c.json(whole),
    },
    {
      method: 'get',
      path: '/examples',
      tag: 'Questions',
      summary: 'Questions that the model can answer',
      query: examplesQuerySchema,
      answer: { description: 'Questions with their statements', schema: examplesSchema },
      handle: (c) => {
        const { limit } = parseInput(examplesQuerySchema, c.req.query(), 'the query');
        return c.json({ examples: examples.slice(0, limit) } satisfies ExamplesResponse);
      },
    },
    ...healthRoutes(parts),
    {
      method: 'get',
      path: '/metrics',
      tag: 'Server',
      summary: 'Counters for Prometheus',
      answer: { description: 'Text format of Prometheus', types: ['text/plain'] },
      handle: async (c) => c.body(await metrics.text(), 200, { 'content-type': metrics.contentType }),
    },
  ];
}
