/** Tables as resources, `querent://schema/TABLE`: the text that a model would be shown, for assistants that attach files. */
import { type McpServer, ResourceNotFoundError, ResourceTemplate } from '@modelcontextprotocol/server';
import { describeForPeople, describeForPrompt } from '../../schema/describe.ts';
import type { Schema } from '../../schema/schema.ts';
import { findTable } from './table-facts.ts';

const COMPLETIONS_MAX = 100;
const uriOf = (table: string): string => `querent://schema/${encodeURIComponent(table)}`;

export function registerResources(server: McpServer, schema: Schema): void {
  server.registerResource(
    'schema',
    'querent://schema',
    {
      title: `All tables of ${schema.databaseId}`,
      description: 'Tables, columns, keys and row counts at a glance',
      mimeType: 'text/plain',
    },
    ({ href }) => ({ contents: [{ uri: href, mimeType: 'text/plain', text: describeForPeople(schema) }] }),
  );

  const list = () => ({
    resources: schema.tables.map((table) => ({
      uri: uriOf(table.name),
      name: table.name,
      ...(table.comment === undefined ? {} : { description: table.comment }),
      mimeType: 'application/sql',
    })),
  });
  const startingWith = (text: string): string[] =>
    schema.tables
      .map(({ name }) => name)
      .filter((name) => name.toLowerCase().startsWith(text.toLowerCase()))
      .slice(0, COMPLETIONS_MAX);

  server.registerResource(
    'table',
    new ResourceTemplate('querent://schema/{table}', { list, complete: { table: startingWith } }),
    {
      title: 'One table',
      description: 'CREATE TABLE with comments and examples of values',
      mimeType: 'application/sql',
    },
    ({ href }, { table }) => {
      const wanted = decodeURIComponent(String(table));
      const known = schema.tables.some(({ name }) => name.toLowerCase() === wanted.toLowerCase());
      if (!known) throw new ResourceNotFoundError(href);
      const text = describeForPrompt(schema, { tables: [findTable(schema, wanted).name] });
      return { contents: [{ uri: href, mimeType: 'application/sql', text }] };
    },
  );
}
