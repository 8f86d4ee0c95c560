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

function createDatabaseCheck({ execute, database }: ApiParts): () => Promise<boolean> {
  let checkedAt = Number.NEGATIVE_INFINITY;
  let isThere: Promise<boolean> = Promise.resolve(false);
  return () => {
    if (performance.now() - checkedAt > DATABASE_CHECK_MS) {
      checkedAt = performance.now();
      isThere = execute('SELECT 1', { timeoutMs: 5_000 }).then(
        async ({ outcome }) => {
          await database.refresh();
          return outcome === 'rows';
        },
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
    const schema = parts.database.isStale ? 'stale' : 'current';
    const isWhole = model === 'ready' && database === 'ready' && schema === 'current';
    const status = parts.stopping.aborted
      ? 'draining'
      : isWhole
        ? 'ok'
        : model === 'loading' && database === 'ready'
          ? 'starting'
          : 'degraded';
    const uptime_s = Math.round((performance.now() - startedAt) / 1_000);
    return { status, model, database, schema, uptime_s };
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
        // By a schema that could not be taken up answers are worse, and say so; they are answers all the same.
        const isReady = state.model === 'ready' && state.database === 'ready' && state.status !== 'draining';
        return c.json(state, isReady ? 200 : 503, isReady ? {} : { 'retry-after': '2' });
      },
    },
  ];
}

async function schemaResponse({ database }: ApiParts): Promise<SchemaResponse> {
  await database.refresh();
  const { schema } = database.known;
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
  const { database, model, version, metrics, examples } = parts;
  return [
    {
      method: 'get',
      path: '/model/info',
      tag: 'Server',
      summary: 'The model that answers',
      answer: { description: 'Its facts', schema: modelInfoSchema },
      handle: async (c) => {
        const { info } = model.take();
        await database.refresh();
        const { databaseId, hash } = database.known.schema;
        return c.json({
          ...info,
          database_id: databaseId,
          schema_hash: hash,
          querent_version: version,
        } satisfies ModelInfoResponse);
      },
    },
    {
      method: 'get',
      path: '/schema/tables',
      tag: 'Database',
      summary: 'Tables with their sizes',
      answer: { description: 'The tables', schema: tablesSchema },
      handle: async (c) => {
        const { tables, database_id, dialect } = await schemaResponse(parts);
        return c.json({
          database_id,
          dialect,
          tables: tables.map(({ columns, ...table }) => ({ ...table, columns: columns.length })),
        } satisfies TablesResponse);
      },
    },
    {
      method: 'get',
      path: '/schema',
      tag: 'Database',
      summary: 'Tables, columns and foreign keys',
      answer: { description: 'The schema', schema: schemaSchema },
      handle: async (c) => c.json(await schemaResponse(parts)),
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
