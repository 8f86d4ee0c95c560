/** `querent data audit`: which gold answers cannot be trusted, why, and how to mend them; sets them aside if asked. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { auditRows, countFindings } from '../../data/audit/audit.ts';
import { type DataFile, readDataFile } from '../../data/audit/data-file.ts';
import { asideKinds, type Finding, type FindingKind, findingKinds } from '../../data/audit/finding.ts';
import { auditMarkdown } from '../../data/audit/report.ts';
import { part, writeParts } from '../../data/audit/set-aside.ts';
import { createSandbox } from '../../database/sandbox.ts';
import { writeFileAtomic } from '../../foundation/files.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { exitCodes } from '../report-error.ts';
import { textTable } from '../table.ts';
import { databaseFinder } from '../wiring/find-database.ts';
import { collect, positiveInteger, wholeNumber, withCommon } from './options.ts';

interface AuditCommandOptions extends CommonOptions {
  readonly data: readonly string[];
  readonly databases: string;
  readonly neighbours: number;
  readonly slowMs: number;
  readonly keep: readonly FindingKind[];
  readonly doubleQuotedStrings?: boolean;
  readonly report?: string;
  readonly write?: boolean;
}

export function addDataAudit(data: Command, run: RunCommand): void {
  withCommon(
    data
      .command('audit')
      .description(
        'Find gold answers that cannot be trusted: broken, slow, empty, ambiguous, constant, asked twice. Exit code 1 if any is broken.',
      )
      .requiredOption(
        '--data <file>',
        'examples as JSONL or a JSON array, in our form, Spider’s or BIRD’s (repeatable)',
        collect,
        [],
      )
      .requiredOption(
        '--db, --databases <path>',
        'a SQLite file, or a folder with ID/ID.sqlite or ID.sqlite for each database',
      )
      .option('--neighbours <count>', 'databases with other rows to ask as well; 0 for none', wholeNumber, 4)
      .option('--slow-ms <milliseconds>', 'report answers that take longer', positiveInteger, 1_000)
      .option(
        '--double-quoted-strings',
        'read "text" as a string where there is no such column, as Spider’s golds need',
      )
      .addOption(
        new Option('--keep <kind>', 'do not set these aside (repeatable)')
          .choices([...findingKinds])
          .argParser((kind: string, previous: readonly FindingKind[]) => [...previous, kind as FindingKind])
          .default([]),
      )
      .option('--report <file>', 'write the counts and examples of each kind as Markdown')
      .option('--write', 'write NAME.kept and NAME.aside beside each file; the file itself stays as it is'),
    [
      ['querent data audit --data train.jsonl --db erp.sqlite', 'what is wrong, with row numbers and fixes'],
      [
        'querent data audit --data spider/dev.json --databases spider/database --double-quoted-strings',
        'published data',
      ],
      ['querent data audit --data train.jsonl --db erp.sqlite --write --keep slow', 'set the rest aside'],
    ],
  ).action((options: AuditCommandOptions) => run(options, (context) => audit(context, options)));
}

const SHOWN_MAX = 8;

function printFindings(context: CommandContext, findings: readonly Finding[]): void {
  for (const kind of findingKinds) {
    const its = findings.filter((finding) => finding.kind === kind);
    for (const { row, id, message, fix } of its.slice(0, SHOWN_MAX)) {
      context.print(`row ${row} (${id}): ${kind}, ${message}`);
      if (fix !== undefined) context.print(`  fix: ${'sql' in fix ? fix.sql : fix.words}`);
    }
    if (its.length > SHOWN_MAX)
      context.print(`… and ${its.length - SHOWN_MAX} more: ${kind} (--json or --report names them)`);
  }
}

async function audit(context: CommandContext, options: AuditCommandOptions): Promise<number> {
  const { observe, signal, io } = context;
  const at = (path: string) => resolve(io.workingDirectory, path);
  const databasePathOf = databaseFinder(at(options.databases));
  const fallbackId = basename(options.databases, extname(options.databases)).toLowerCase();
  const files: DataFile[] = [];
  for (const path of options.data) files.push(await readDataFile(at(path), fallbackId));
  const directory = await mkdtemp(join(tmpdir(), 'querent-audit-'));
  const sandbox = createSandbox({ doubleQuotedStrings: options.doubleQuotedStrings === true });
  const results: { readonly file: DataFile; readonly findings: readonly Finding[] }[] = [];
  try {
    for (const file of files) {
      const { neighbours, slowMs } = options;
      const wish = {
        rows: file.rows,
        databasePathOf,
        sandbox,
        directory,
        neighbours,
        slowMs,
        observe,
        signal,
      };
      results.push({ file, findings: await auditRows(wish) });
    }
  } finally {
    await sandbox.close();
    await rm(directory, { recursive: true, force: true });
  }
  const asideNow = asideKinds.filter((kind) => !options.keep.includes(kind));
  const reports = await Promise.all(
    results.map(async ({ file, findings }) => {
      const parted = part(file, findings, asideNow);
      const written = options.write === true ? await writeParts(file, parted) : undefined;
      const { path, rows, problems } = file;
      const summary = { examples: rows.length, kept: parted.kept.length, aside: parted.aside.length };
      return { path, ...summary, counts: countFindings(findings), problems, findings, ...written };
    }),
  );
  for (const { path, problems, findings } of reports) {
    context.print(basename(path));
    for (const { row, problem } of problems) context.print(`row ${row}: cannot be read, ${problem}`);
    printFindings(context, findings);
  }
  context.print(
    textTable(
      ['kind', ...results.map(({ file }) => basename(file.path))],
      [
        ['examples', ...reports.map(({ examples }) => String(examples))],
        ...findingKinds.map((kind) => [kind, ...reports.map(({ counts }) => String(counts[kind] ?? 0))]),
        [
          options.write === true ? 'set aside' : 'would be set aside',
          ...reports.map(({ aside }) => String(aside)),
        ],
      ],
      { alignRight: [false, ...results.map(() => true)] },
    ),
  );
  for (const { keptPath, asidePath } of reports)
    if (keptPath !== undefined) context.print(`wrote ${keptPath}\nwrote ${asidePath}`);
  if (options.report !== undefined) {
    await writeFileAtomic(at(options.report), auditMarkdown(results));
    context.print(`wrote ${at(options.report)}`);
  }
  if (context.json) context.printJson({ files: reports });
  const failing: readonly FindingKind[] = ['no-database', 'broken', 'timeout'];
  const isBroken = results.some(({ findings }) => findings.some(({ kind }) => failing.includes(kind)));
  return isBroken || files.some(({ problems }) => problems.length > 0) ? exitCodes.failed : exitCodes.ok;
}
