/**
 * Foreign keys that a database does not declare. A guess needs both: the column's name speaks of the other table, and
 * every value that occurs exists there. Guesses are marked `isInferred`.
 */
import { quoteName } from '../database/sql-text.ts';
import type { Query } from './column-profile.ts';
import type { Column, ForeignKey, Table } from './schema.ts';

function folded(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

function singular(name: string): string {
  if (name.endsWith('ies')) return `${name.slice(0, -3)}y`;
  if (/(?:ses|xes|ches|shes)$/.test(name)) return name.slice(0, -2);
  return name.endsWith('s') && !name.endsWith('ss') ? name.slice(0, -1) : name;
}

/** The spellings under which another table would refer to `table` by its key `key`. */
function referringNames(table: Table, key: string): ReadonlySet<string> {
  const names = [folded(table.name), singular(folded(table.name))];
  const keyName = folded(key);
  const isGeneric = keyName === 'id' || keyName === 'code' || keyName === 'key' || keyName === 'name';
  const spelled = names.flatMap((name) => [`${name}${keyName}`, `${name}id`]);
  return new Set(isGeneric ? spelled : [...spelled, keyName]);
}

/** Text refers to text and numbers to numbers; a column without values refers to nothing that could be checked. */
function areComparable(child: Column, parent: Column): boolean {
  const [a, b] = [child.sampleValues[0], parent.sampleValues[0]];
  return a !== undefined && b !== undefined && typeof a === typeof b;
}

function isContained(query: Query, child: Table, column: Column, parent: Table, key: Column): boolean {
  const [c, k] = [quoteName(column.name), quoteName(key.name)];
  const missing = query(
    `SELECT 1 FROM ${quoteName(child.name)} AS child WHERE child.${c} IS NOT NULL AND NOT EXISTS ` +
      `(SELECT 1 FROM ${quoteName(parent.name)} AS parent WHERE parent.${k} = child.${c}) LIMIT 1`,
  );
  return missing.length === 0;
}

function inferForColumn(
  query: Query,
  tables: readonly Table[],
  table: Table,
  column: Column,
): ForeignKey | undefined {
  for (const parent of tables) {
    const key = parent.columns.find((candidate) => candidate.name === parent.primaryKey[0]);
    if (parent === table || parent.primaryKey.length !== 1 || key === undefined) continue;
    if (!referringNames(parent, key.name).has(folded(column.name)) || !areComparable(column, key)) continue;
    if (!isContained(query, table, column, parent, key)) continue;
    return {
      columns: [column.name],
      referencedTable: parent.name,
      referencedColumns: [key.name],
      isInferred: true,
    };
  }
  return undefined;
}

/** The tables with the guessed keys added behind the declared ones. */
export function withInferredForeignKeys(query: Query, tables: readonly Table[]): Table[] {
  return tables.map((table) => {
    const declared = new Set(table.foreignKeys.flatMap(({ columns }) => columns));
    const inferred = table.columns
      .filter(
        ({ name }) => !declared.has(name) && !(table.primaryKey.length === 1 && table.primaryKey[0] === name),
      )
      .map((column) => inferForColumn(query, tables, table, column))
      .filter((key) => key !== undefined);
    if (inferred.length === 0) return table;
    const referring = new Set(inferred.flatMap(({ columns }) => columns));
    const columns = table.columns.map((column) =>
      referring.has(column.name) ? { ...column, kind: 'identifier' as const } : column,
    );
    return { ...table, columns, foreignKeys: [...table.foreignKeys, ...inferred] };
  });
}
