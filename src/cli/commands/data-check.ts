/** `querent data check`: what a file or folder of questions holds, and what is wrong with it, row by row. Runs no SQL. */
import { basename, extname, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { tagValue } from '../../data/example.ts';
import { loadSuite, parseSuiteAddress } from '../../evaluation/suites/load-suite.ts';
import { problemText, SUITE_FORMATS, type Suite, type SuiteFormat } from '../../evaluation/suites/suite.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { exitCodes } from '../report-error.ts';
import { textTable } from '../table.ts';
import { withCommon } from './options.ts';

interface CheckOptions extends CommonOptions {
  readonly format?: SuiteFormat;
  readonly databases?: string;
}

const SHOWN_MAX = 12;

export function addDataCheck(data: Command, run: RunCommand): void {
  withCommon(
    data
      .command('check')
      .description(
        'Read a set of questions in any known format; prints what it holds and what is wrong, with row numbers. Exit code 1 if anything is.',
      )
      .argument('<path>', 'a file or a folder; a part of it after #, for example spider#train_spider')
      .addOption(new Option('--format <name>', 'default: told from the files').choices([...SUITE_FORMATS]))
      .option('--db, --databases <path>', 'a SQLite file, or a folder with ID/ID.sqlite or ID.sqlite'),
    [
      ['querent data check spider', 'the dev part of a copy of Spider'],
      ['querent data check bird#train --databases train_databases', 'another part, databases elsewhere'],
      ['querent data check geography.json#query/test', 'text2sql-data, its split by query'],
    ],
  ).action((path: string, options: CheckOptions) => run(options, (context) => check(context, path, options)));
}

function countBy(values: readonly (string | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) if (value !== undefined) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

function factsOf({ format, name, examples, problems, databasePathOf }: Suite) {
  const databases = [...new Set(examples.map(({ databaseId }) => databaseId))];
  const found = databases.filter((id) => databasePathOf(id) !== undefined);
  return {
    format,
    name,
    examples: examples.length,
    distinctSql: new Set(examples.map(({ sql }) => sql)).size,
    databases: databases.length,
    databasesFound: found.length,
    withEvidence: examples.filter(({ evidence }) => evidence !== undefined).length,
    difficulties: countBy(examples.map((example) => tagValue(example, 'difficulty'))),
    problems: problems.length,
  };
}

async function check(context: CommandContext, text: string, options: CheckOptions): Promise<number> {
  const at = (path: string): string => resolve(context.io.workingDirectory, path);
  const address = parseSuiteAddress(text);
  const { databases } = options;
  const suite = await loadSuite({
    ...address,
    path: at(address.path),
    databaseId: basename(databases ?? address.path, extname(databases ?? address.path)),
    ...(options.format === undefined ? {} : { format: options.format }),
    ...(databases === undefined ? {} : { databases: at(databases) }),
  });
  const facts = factsOf(suite);
  for (const problem of suite.problems.slice(0, SHOWN_MAX)) context.print(problemText(problem));
  if (suite.problems.length > SHOWN_MAX)
    context.print(`… and ${suite.problems.length - SHOWN_MAX} more (--json names them)`);
  const levels = Object.entries(facts.difficulties).map(([level, count]) => [
    `difficulty ${level}`,
    String(count),
  ]);
  const rows = [
    ['format', facts.format],
    ['examples', String(facts.examples)],
    ['distinct SQL', String(facts.distinctSql)],
    ['databases', `${facts.databases}, ${facts.databasesFound} of them found`],
    ['with evidence', String(facts.withEvidence)],
    ...levels,
    ['problems', String(facts.problems)],
  ];
  context.print(textTable(['', facts.name], rows, { alignRight: [false, true] }));
  if (facts.databasesFound < facts.databases && databases === undefined)
    context.print(
      'databases not found: say with --databases where they lie (`querent evaluate` also looks for the project’s own)',
    );
  if (context.json) context.printJson({ ...facts, problems: suite.problems });
  return suite.problems.length > 0 || suite.examples.length === 0 ? exitCodes.failed : exitCodes.ok;
}
