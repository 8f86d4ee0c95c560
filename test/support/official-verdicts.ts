/** What the official test-suite script said of two published prediction files of Spider, row by row. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/foundation/files.ts';

export interface OfficialVerdict {
  readonly row: number;
  readonly db_id: string;
  readonly gold: string;
  readonly pred: string;
  readonly exec_match: 0 | 1;
}

export const spider = join(packageRoot(), '..', 'shared', 'data', 'spider');
export const hasSpider = (): boolean => existsSync(spider);

export function officialVerdicts(file: string): readonly OfficialVerdict[] {
  return readFileSync(join(spider, 'verdicts', `${file}.test_suite.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as OfficialVerdict);
}
