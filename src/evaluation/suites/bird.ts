/**
 * BIRD (Li et al. 2023): `dev.json` (`mini_dev_sqlite.json`, `train.json`) with `question_id`, `db_id`, `question`,
 * `evidence`, `SQL`, `difficulty`; `dev_databases/ID/ID.sqlite`. Evidence is part of what a model is told.
 */
import { basename } from 'node:path';
import type { Example } from '../../data/example.ts';
import { databasesOf, placeOf } from './places.ts';
import type { RecordRow } from './record.ts';
import { readRecords } from './records.ts';
import { createRowsReader } from './row-reader.ts';
import type { Suite, SuiteSource } from './suite.ts';

/** As published; other levels are somebody's own and would be a slice of their own in a report. */
export const DIFFICULTIES = ['simple', 'moderate', 'challenging'] as const;
export type Difficulty = (typeof DIFFICULTIES)[number];

export async function readBird(source: SuiteSource): Promise<Suite> {
  const { folder, file, part } = placeOf(source, ['dev', 'mini_dev_sqlite', 'test']);
  const usual = part.startsWith('train') ? 'train_databases' : 'dev_databases';
  const databasePathOf = databasesOf(source, folder, [usual, 'dev_databases', 'databases']);
  const records = await readRecords(file);
  const reader = createRowsReader(records.file, databasePathOf);
  const read = (row: RecordRow): void =>
    reader.row(row, ({ text, optionalText, fail }, fields): Example | undefined => {
      const [databaseId, question, sql] = [text('db_id'), text('question'), text('SQL')];
      const evidence = optionalText('evidence');
      const difficulty = optionalText('difficulty');
      if (difficulty !== undefined && !DIFFICULTIES.some((name) => name === difficulty))
        return fail('difficulty', `"${difficulty}" is none of ${DIFFICULTIES.join(', ')}`);
      if (databaseId === undefined || question === undefined || sql === undefined) return undefined;
      const number = fields.question_id;
      return {
        id: `${part}-${typeof number === 'number' ? number : row.row}`,
        question,
        sql,
        databaseId,
        ...(evidence === undefined || evidence === '' ? {} : { evidence }),
        tags: difficulty === undefined ? [] : [`difficulty:${difficulty}`],
      };
    });
  records.rows.forEach(read);
  const { examples, problems } = reader.end();
  return {
    name: `${basename(folder)}-${part}`,
    format: 'bird',
    examples,
    problems: [...records.problems, ...problems],
    databasePathOf,
    doubleQuotedStrings: true,
  };
}
