/** The findings of an audit as Markdown: counts, and examples of each kind with their rows. */
import { basename } from 'node:path';
import type { DataFile } from './data-file.ts';
import { type Finding, type FindingKind, findingKinds } from './finding.ts';

const EXAMPLES_MAX = 6;

const meanings: Readonly<Record<FindingKind, string>> = {
  'no-database': 'There is no database to run it on, or it cannot be opened.',
  broken: 'It fails, is refused, or gives too many rows to compare.',
  timeout: 'It was stopped.',
  slow: 'It takes longer than the limit given.',
  empty: 'No rows, or one of nothing but NULL: whatever else finds nothing would match.',
  'non-deterministic': 'It gives something else each time, or as the rows happen to lie.',
  'order-ambiguous': 'It leaves open which rows it wants, or in what order.',
  constant: 'It reads no table: a query that repeats the answer would match.',
  duplicate: 'The same question of the same database again, with an answer that is the same.',
  contradiction: 'The same question of the same database with another answer.',
  'tie-possible':
    'Nothing is wrong today; rows with equal keys at a LIMIT, should they come up, would leave it open. Not set aside.',
};

export interface AuditedFile {
  readonly file: DataFile;
  readonly findings: readonly Finding[];
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim();

function countsTable(files: readonly AuditedFile[]): string[] {
  const names = files.map(({ file }) => basename(file.path));
  const rowsOf = (kind: FindingKind) =>
    files.map(({ findings }) => findings.filter((finding) => finding.kind === kind));
  return [
    `| | ${names.join(' | ')} |`,
    `|---|${names.map(() => '---:').join('|')}|`,
    `| examples | ${files.map(({ file }) => file.rows.length).join(' | ')} |`,
    ...findingKinds.map(
      (kind) =>
        `| ${kind} | ${rowsOf(kind)
          .map(({ length }) => length)
          .join(' | ')} |`,
    ),
    `| with a correction that runs | ${files.map(({ findings }) => findings.filter(({ fix }) => fix !== undefined && 'sql' in fix).length).join(' | ')} |`,
  ];
}

/** With corrections first, and spread over the databases, so that one bad database does not fill the list. */
function examplesOf(all: readonly Finding[]): readonly Finding[] {
  const seen = new Set<string>();
  const isMended = ({ fix }: Finding) => fix !== undefined && 'sql' in fix;
  const findings = [...all.filter(isMended), ...all.filter((finding) => !isMended(finding))];
  const firsts = findings.filter(({ databaseId }) => !seen.has(databaseId) && seen.add(databaseId));
  return [...firsts, ...findings.filter((finding) => !firsts.includes(finding))].slice(0, EXAMPLES_MAX);
}

function section(kind: FindingKind, files: readonly AuditedFile[]): string[] {
  const lines = files.flatMap(({ file, findings }) => {
    const its = findings.filter((finding) => finding.kind === kind);
    if (its.length === 0) return [];
    const rowOf = new Map(file.rows.map((row) => [row.row, row]));
    return [
      '',
      `${basename(file.path)}, ${its.length}:`,
      '',
      ...examplesOf(its).flatMap(({ row, databaseId, message, fix }) => {
        const { question, sql } = rowOf.get(row)!.example;
        return [
          `- row ${row}, ${databaseId}: ${cell(message)}  `,
          `  “${cell(question)}”  `,
          `  \`${cell(sql)}\`${fix === undefined ? '' : '  '}`,
          ...(fix === undefined
            ? []
            : ['sql' in fix ? `  correction: \`${cell(fix.sql)}\`` : `  ${cell(fix.words)}`]),
        ];
      }),
    ];
  });
  return lines.length === 0 ? [] : ['', `## ${kind}`, '', meanings[kind], ...lines];
}

/** Without a title: the caller says what was audited. */
export function auditMarkdown(files: readonly AuditedFile[]): string {
  return `${['## Counts', '', ...countsTable(files), ...findingKinds.flatMap((kind) => section(kind, files))].join('\n')}\n`;
}
