/** Opens a file for reading. It knows no format. */
import { openSync } from 'node:fs';
import { notFound } from './file-errors.ts';

/** The descriptor, which the caller closes. Throws `database/not-found` for what is missing or may not be read. */
export function openToRead(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (thrown) {
    throw notFound(path, thrown);
  }
}
