/** Parquet as records, numbered from 1. Knows the encoding; does not know what the fields mean. */
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import { openFailureReason, readFailure } from '../../foundation/files.ts';
import type { Records } from './record.ts';

export async function readParquet(path: string, what = 'data set'): Promise<Records> {
  try {
    const records = await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors });
    return { rows: records.map((fields, at) => ({ row: at + 1, fields })), problems: [] };
  } catch (thrown) {
    if (openFailureReason(thrown) !== undefined) throw readFailure(path, what, thrown);
    throw new QuerentError('suite/bad-parquet', `${path} cannot be read as Parquet: ${messageOf(thrown)}`, {
      next: 'The file may have been cut off, or be a pointer of Git LFS: fetch it again.',
      details: { path },
      cause: thrown,
    });
  }
}
