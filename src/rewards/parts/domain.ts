/** Does a query keep to the tables and columns that the database has? It does not say whether they are the right ones. */
import { type IdentifierUse, identifierUse } from '../../schema/identifiers.ts';
import { identifiersOf } from '../../schema/names-in-sql.ts';
import type { Schema } from '../../schema/schema.ts';
import { statementClassOf } from '../../schema/syntax/statement-class.ts';
import { type BoundedReward, single, unscorable } from '../reward.ts';

export type SchemaOf = (databaseId: string) => Schema | Promise<Schema>;

const CHARACTERS_MAX = 20_000;

function shareOfReal(sql: string, { tables, invented }: IdentifierUse): number {
  if (tables.length === 0) return 0;
  const { tables: named, columns } = identifiersOf(sql);
  const names = new Set(
    [...named, ...columns.map(({ qualifier, name }) => `${qualifier ?? ''}.${name}`)].map((name) =>
      name.toLowerCase(),
    ),
  );
  return Math.max(0, 1 - invented.length / Math.max(1, names.size));
}

/**
 * The share of the tables and columns named that the schema has; 0 for a query that names no table of it. Null where the
 * gold query itself names something that is not there: it is broken. Gold gets 1.
 */
export function domainReward(schemaOf: SchemaOf): BoundedReward {
  return {
    name: 'domain',
    range: [0, 1],
    score: (items) =>
      Promise.all(
        items.map(async ({ example, completion }) => {
          const schema = await schemaOf(example.databaseId);
          const { invented: missing } = identifierUse(example.sql, schema, { doubleQuotedStrings: true });
          if (missing.length > 0) return unscorable('gold-broken', { missing });
          const { sql, isComplete } = completion;
          const isQuery = sql.length <= CHARACTERS_MAX && statementClassOf(sql) === 'query';
          if (!isComplete || !isQuery) return single('domain', 0);
          const use = identifierUse(sql, schema, { doubleQuotedStrings: true });
          return single('domain', shareOfReal(sql, use), { tables: use.tables, invented: use.invented });
        }),
      ),
  };
}
