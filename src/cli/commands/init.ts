/** `querent init DATABASE`: makes a project of a user's own SQLite file. */
import { existsSync } from 'node:fs';
import { basename, extname, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { QuerentError } from '../../foundation/errors.ts';
import { describeForPeople } from '../../schema/describe.ts';
import { introspectSqlite } from '../../schema/introspect.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { projectFileName, writeProjectFile } from '../project.ts';
import { wholeNumber, withCommon } from './options.ts';

interface InitOptions extends CommonOptions {
  readonly seed: number;
  readonly id?: string;
  readonly synonyms?: string;
  readonly force?: boolean;
}

export function addInit(program: Command, run: RunCommand): void {
  const command = program
    .command('init')
    .description('Make a project of your own SQLite file: reads its schema and writes querent.json.')
    .argument('<database>', 'path of a SQLite file; it is only ever read')
    .option('--id <name>', "short name of the database (default: the file's name)")
    .option('--seed <number>', 'seed of everything random in the project', wholeNumber, 42)
    .option('--synonyms <file>', 'JSON file with words that people use for tables, columns and values')
    .option('--force', 'replace a querent.json that is already there');
  withCommon(command, [
    ['querent init shop.sqlite', 'write querent.json here'],
    ['querent init data/shop.sqlite --project shop', 'keep everything of the project in shop/'],
  ]).action((database: string, options: InitOptions) =>
    run(options, (context) => init(context, database, options)),
  );
}

async function init(context: CommandContext, database: string, options: InitOptions): Promise<undefined> {
  const { io, directory } = context;
  const target = join(directory, projectFileName);
  if (existsSync(target) && options.force !== true) {
    throw new QuerentError('cli/project-exists', `${target} is already there`, {
      next: 'Add --force to replace it, or --project DIRECTORY for another project.',
    });
  }
  const path = resolve(io.workingDirectory, database);
  const databaseId = options.id ?? basename(path, extname(path)).toLowerCase();
  const schema = await introspectSqlite(path, { databaseId });
  const fromProject = (file: string) => relative(directory, resolve(io.workingDirectory, file));
  const written = await writeProjectFile(directory, {
    formatVersion: 1,
    database: fromProject(database),
    databaseId,
    schemaHash: schema.hash,
    seed: options.seed,
    ...(options.synonyms === undefined ? {} : { synonyms: fromProject(options.synonyms) }),
    folders: { data: 'data', runs: 'runs' },
  });
  context.print(`${describeForPeople(schema)}\n`);
  const where =
    directory === io.workingDirectory ? '' : ` --project ${relative(io.workingDirectory, directory)}`;
  context.print(`wrote ${written}\nnext: querent data synthesize${where}`);
  if (context.json) {
    const tables = schema.tables.map(({ name, rowCount, columns }) => ({
      name,
      rows: rowCount,
      columns: columns.length,
    }));
    context.printJson({ project: written, databaseId, schemaHash: schema.hash, tables });
  }
  return undefined;
}
