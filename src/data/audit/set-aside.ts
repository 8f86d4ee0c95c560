/** Parts a data file by its findings: what is kept and what is set aside, each row as it was. */
import { writeFileAtomic } from '../../foundation/files.ts';
import type { DataFile, DataRow } from './data-file.ts';
import type { Finding, FindingKind } from './finding.ts';

export interface Parted {
  readonly kept: readonly DataRow[];
  readonly aside: readonly { readonly row: DataRow; readonly findings: readonly Finding[] }[];
}

export function part(file: DataFile, findings: readonly Finding[], kinds: readonly FindingKind[]): Parted {
  const byRow = new Map<number, Finding[]>();
  for (const finding of findings) {
    if (kinds.includes(finding.kind)) byRow.set(finding.row, [...(byRow.get(finding.row) ?? []), finding]);
  }
  return {
    kept: file.rows.filter(({ row }) => !byRow.has(row)),
    aside: file.rows.flatMap((row) => (byRow.has(row.row) ? [{ row, findings: byRow.get(row.row)! }] : [])),
  };
}

export interface WrittenParts {
  readonly keptPath: string;
  readonly asidePath: string;
}

function textOf(objects: readonly object[], isArray: boolean): string {
  if (isArray) return `${JSON.stringify(objects, null, 1)}\n`;
  return objects.map((object) => `${JSON.stringify(object)}\n`).join('');
}

/** `train.jsonl` becomes `train.kept.jsonl` and `train.aside.jsonl`; the file itself is left as it is. */
export async function writeParts(file: DataFile, { kept, aside }: Parted): Promise<WrittenParts> {
  const ending = /\.jsonl?$/.exec(file.path)?.[0] ?? '';
  const stem = ending === '' ? file.path : file.path.slice(0, -ending.length);
  const [keptPath, asidePath] = [`${stem}.kept${ending}`, `${stem}.aside${ending}`];
  await writeFileAtomic(
    keptPath,
    textOf(
      kept.map(({ raw }) => raw),
      file.isArray,
    ),
  );
  const objects = aside.map(({ row, findings }) => ({
    ...row.raw,
    audit: findings.map(({ kind, message, fix }) => ({ row: row.row, kind, message, ...(fix && { fix }) })),
  }));
  await writeFileAtomic(asidePath, textOf(objects, file.isArray));
  return { keptPath, asidePath };
}
