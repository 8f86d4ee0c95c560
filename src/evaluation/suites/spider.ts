/**
 * Spider (Yu et al. 2018): `dev.json` or `train_spider.json` with `db_id`, `question`, `query`; `tables.json`;
 * `database/ID/ID.sqlite`. JSON lines are read too. Its golds write texts in double quotes.
 */
import { basename, join } from 'node:path';
import type { Example } from '../../data/example.ts';
import { databasesOf, isFile, placeOf } from './places.ts';
import type { RecordRow } from './record.ts';
import { readRecords } from './records.ts';
import { createRowsReader } from './row-reader.ts';
import type { Suite, SuiteProblem, SuiteRows, SuiteSource } from './suite.ts';

/** Ids of `tables.json`; undefined where the file is not there, which execution does not need. */
async function readTableIds(
  path: string,
): Promise<{ readonly ids?: ReadonlySet<string>; readonly problems: readonly SuiteProblem[] }> {
  if (!isFile(path)) return { problems: [] };
  const { file, rows, problems } = await readRecords(path);
  const found: SuiteProblem[] = [...problems];
  const ids = new Set<string>();
  for (const { row, fields } of rows) {
    if (typeof fields.db_id === 'string') ids.add(fields.db_id);
    else found.push({ file, row, field: 'db_id', problem: 'expected a text' });
    for (const field of ['table_names_original', 'column_names_original']) {
      if (!Array.isArray(fields[field])) found.push({ file, row, field, problem: 'expected a list' });
    }
  }
  return { ids, problems: found };
}

export async function readSpider(source: SuiteSource): Promise<Suite> {
  const { folder, file, part } = placeOf(source, ['dev', 'test']);
  const databasePathOf = databasesOf(source, folder, [
    part === 'test' ? 'test_database' : 'database',
    'database',
    '.',
  ]);
  const tables = await readTableIds(join(folder, part === 'test' ? 'test_tables.json' : 'tables.json'));
  const records = await readRecords(file);
  const reader = createRowsReader(records.file, databasePathOf);
  const read = (row: RecordRow): void =>
    reader.row(row, ({ text, fail }): Example | undefined => {
      const [databaseId, question, sql] = [text('db_id'), text('question'), text('query')];
      if (databaseId === undefined || question === undefined || sql === undefined) return undefined;
      if (tables.ids?.has(databaseId) === false)
        return fail('db_id', `"${databaseId}" is not in tables.json`);
      return { id: `${part}-${row.row}`, question, sql, databaseId, tags: [] };
    });
  records.rows.forEach(read);
  const { examples, problems }: SuiteRows = reader.end();
  return {
    name: `${basename(folder)}-${part}`,
    format: 'spider',
    examples,
    problems: [...tables.problems, ...records.problems, ...problems],
    databasePathOf,
    doubleQuotedStrings: true,
  };
}
