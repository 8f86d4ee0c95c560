/** How hard BIRD calls its questions: the field `difficulty` of `dev.json` or `mini_dev_sqlite.jsonl`, record by row. */
import { counted } from '../../foundation/counted.ts';
import { QuerentError } from '../../foundation/errors.ts';
import { DIFFICULTIES, type Difficulty } from '../suites/bird.ts';
import { readRecords } from '../suites/records.ts';
import { problemText } from '../suites/suite.ts';
import type { PredictionPairs } from './prediction-files.ts';

const isDifficulty = (value: unknown): value is Difficulty => DIFFICULTIES.some((name) => name === value);

/** By row. The official scripts take records and golds by their order alone; here a record of another database is refused. */
export async function readDifficulties(
  path: string,
  { goldFile, pairs }: PredictionPairs,
): Promise<ReadonlyMap<number, Difficulty>> {
  const { file, rows, problems } = await readRecords(path, 'difficulties');
  const refuse = (what: string): QuerentError =>
    new QuerentError('evaluation/bad-difficulty-file', what, {
      next: `Give the questions that ${goldFile} is the gold of: one record a row, in its order, with "difficulty".`,
      details: { path },
    });
  const [problem] = problems;
  if (problem !== undefined) throw refuse(problemText(problem));
  const rowCount = pairs.at(-1)!.row + 1;
  if (rows.length !== rowCount)
    throw refuse(
      `${file}: ${counted(rows.length, 'record')} for ${counted(rowCount, 'gold statement')} in ${goldFile}`,
    );
  return new Map(
    pairs.map(({ row, databaseId }) => {
      const { row: number, fields } = rows[row]!;
      const { difficulty, db_id: recordDatabaseId } = fields;
      if (!isDifficulty(difficulty))
        throw refuse(`${file} row ${number}: the difficulty is none of ${DIFFICULTIES.join(', ')}`);
      if (recordDatabaseId !== undefined && databaseId !== '' && recordDatabaseId !== databaseId)
        throw refuse(`${file} row ${number} asks ${String(recordDatabaseId)}, its gold ${databaseId}`);
      return [row, difficulty];
    }),
  );
}
