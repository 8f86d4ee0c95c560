/** `querent data synthesize|compose|stats|validate|check|audit|import`: make examples, say what they cover, run every gold answer. */
import type { Command } from 'commander';
import { type Coverage, coverageOf } from '../../data/coverage.ts';
import { type GoldProblemKind, validateExamples } from '../../data/validate.ts';
import { QuerentError } from '../../foundation/errors.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { openWorkspace } from '../project.ts';
import { loadRecipe } from '../recipe.ts';
import { exitCodes } from '../report-error.ts';
import { textTable } from '../table.ts';
import { availableSets, loadSet, partNames, saveParts, synthesizeParts } from '../wiring/data.ts';
import { openDatabase } from '../wiring/database.ts';
import { withSandbox } from '../wiring/sandbox.ts';
import { addDataAudit } from './data-audit.ts';
import { addDataCheck } from './data-check.ts';
import { addDataCompose } from './data-compose.ts';
import { addDataImport } from './data-import.ts';
import { collect, wholeNumber, withCommon } from './options.ts';

interface SynthesizeOptions extends CommonOptions {
  readonly train?: number;
  readonly seed?: number;
  readonly config?: string;
  readonly set: readonly string[];
}

interface SetsOptions extends CommonOptions {
  readonly set: readonly string[];
}

export function addData(program: Command, run: RunCommand): void {
  const data = program.command('data').description('Make, count and check question–SQL examples.');
  withCommon(
    data
      .command('synthesize')
      .description(
        'Make examples from the schema and its values; each is executed, what does not hold is dropped.',
      )
      .option('--train <count>', 'pairs for SFT', wholeNumber)
      .option('--seed <number>', 'seed of the synthesiser', wholeNumber)
      .option('--config <file>', 'recipe, YAML or JSON')
      .option(
        '--set <key=value>',
        'one setting of the recipe, for example data.rl=500 (repeatable)',
        collect,
        [],
      ),
    [
      ['querent data synthesize', 'train, rl, phrasings and shapes as JSONL in the data folder'],
      ['querent data synthesize --train 20000', 'more pairs'],
      ['querent data synthesize --set data.shapes=0', 'no held-out SQL shapes'],
    ],
  ).action((options: SynthesizeOptions) => run(options, (context) => synthesizeData(context, options)));
  addDataCompose(data, run);
  const what = 'set by name or path of a JSONL file (repeatable; default: every set here)';
  withCommon(
    data
      .command('stats')
      .description('Count examples by table, SQL feature and difficulty; find duplicates.')
      .option('--set <name>', what, collect, []),
    [
      ['querent data stats', 'every set of the project'],
      ['querent data stats --set train --json', 'one set, for a script'],
    ],
  ).action((options: SetsOptions) => run(options, (context) => stats(context, options)));
  withCommon(
    data
      .command('validate')
      .description(
        'Run every gold answer; lists what is broken, slow, empty, asked twice or contradictory. Exit code 1 if broken.',
      )
      .option('--set <name>', what, collect, []),
    [
      ['querent data validate', 'every set of the project'],
      ['querent data validate --set my-questions.jsonl', 'your own file'],
    ],
  ).action((options: SetsOptions) => run(options, (context) => validate(context, options)));
  addDataCheck(data, run);
  addDataAudit(data, run);
  addDataImport(data, run);
}

function coverageTable(sets: readonly (readonly [string, Coverage])[]): string {
  const rowsOf = (pick: (coverage: Coverage) => Readonly<Record<string, number>>): string[][] => {
    const names = [...new Set(sets.flatMap(([, coverage]) => Object.keys(pick(coverage))))];
    return names.map((name) => [name, ...sets.map(([, coverage]) => String(pick(coverage)[name] ?? 0))]);
  };
  const totals = (name: string, pick: (coverage: Coverage) => number): string[] => [
    name,
    ...sets.map(([, coverage]) => String(pick(coverage))),
  ];
  const rows = [
    totals('examples', (coverage) => coverage.examples),
    totals('distinct SQL', (coverage) => coverage.distinctSql),
    totals('repeated questions', (coverage) => coverage.duplicates),
    totals('contradictions', (coverage) => coverage.contradictions),
    ...rowsOf((coverage) => coverage.tables),
    ...rowsOf((coverage) => coverage.features),
    ...rowsOf((coverage) => coverage.difficulties).map(([name, ...counts]) => [
      `difficulty ${name}`,
      ...counts,
    ]),
  ];
  return textTable(['', ...sets.map(([name]) => name)], rows, {
    alignRight: [false, ...sets.map(() => true)],
  });
}

async function synthesizeData(context: CommandContext, options: SynthesizeOptions): Promise<undefined> {
  const workspace = await openWorkspace(context.directory);
  const flags = [
    ...(options.train === undefined ? [] : [`data.train=${options.train}`]),
    ...(options.seed === undefined ? [] : [`data.seed=${options.seed}`]),
  ];
  const { data } = await loadRecipe(undefined, {
    configPath: options.config,
    overrides: [...options.set, ...flags],
  });
  const database = await openDatabase(workspace, context.observe);
  const outcome = await withSandbox((sandbox) =>
    synthesizeParts({ workspace, database, sandbox, data, observe: context.observe, signal: context.signal }),
  );
  await saveParts(workspace, outcome, {
    databaseId: workspace.databaseId,
    schemaHash: database.schema.hash,
    data,
  });
  const sets = partNames.map((part) => [part, coverageOf(outcome.parts[part], database.schema)] as const);
  context.print(coverageTable(sets));
  const dropped = Object.entries(outcome.dropped).map(([reason, count]) => `${count} ${reason}`);
  context.print(`dropped: ${dropped.join(', ') || 'none'}`);
  const short = partNames.filter((part) => outcome.parts[part].length < data[part]);
  for (const part of short) {
    context.print(
      `note: ${part} has ${outcome.parts[part].length} of ${data[part]}: this schema yields no more`,
    );
  }
  context.print(`wrote ${workspace.dataDirectory}\nnext: querent train sft`);
  if (context.json) {
    context.printJson({
      directory: workspace.dataDirectory,
      dropped: outcome.dropped,
      coverage: Object.fromEntries(sets),
    });
  }
  return undefined;
}

async function namedSets(context: CommandContext, options: SetsOptions) {
  const workspace = await openWorkspace(context.directory);
  const names = options.set.length > 0 ? options.set : availableSets(workspace);
  if (names.length === 0) {
    throw new QuerentError('cli/no-data', `there are no examples in ${workspace.dataDirectory}`, {
      next: 'Run `querent data synthesize`, or name a JSONL file with --set.',
    });
  }
  const { workingDirectory } = context.io;
  const sets = [];
  for (const name of names) sets.push([name, await loadSet(workspace, name, workingDirectory)] as const);
  return { workspace, sets };
}

async function stats(context: CommandContext, options: SetsOptions): Promise<undefined> {
  const { workspace, sets } = await namedSets(context, options);
  const { schema } = await openDatabase(workspace, context.observe);
  const covered = sets.map(([name, examples]) => [name, coverageOf(examples, schema)] as const);
  context.print(coverageTable(covered));
  if (context.json) context.printJson(Object.fromEntries(covered));
  return undefined;
}

async function validate(context: CommandContext, options: SetsOptions): Promise<number> {
  const { workspace, sets } = await namedSets(context, options);
  const database = await openDatabase(workspace, context.observe);
  const reports = await withSandbox(async (sandbox) => {
    const found = [];
    for (const [name, examples] of sets) {
      const { observe, signal } = context;
      const databasePath = database.path;
      const report = await validateExamples({ set: name, examples, databasePath, sandbox, observe, signal });
      found.push([name, report] as const);
    }
    return found;
  });
  for (const [name, { problems }] of reports) {
    for (const { row, id, kind, message } of problems)
      context.print(`${name} row ${row} (${id}): ${kind}, ${message}`);
  }
  const kinds = Object.keys(reports[0]![1].counts) as GoldProblemKind[];
  context.print(
    textTable(
      ['set', 'examples', ...kinds],
      reports.map(([name, { examples, counts }]) => [
        name,
        String(examples),
        ...kinds.map((kind) => String(counts[kind])),
      ]),
      { alignRight: [false, true, ...kinds.map(() => true)] },
    ),
  );
  if (context.json) context.printJson(Object.fromEntries(reports));
  return reports.some(([, { counts }]) => counts.broken + counts.timeout > 0)
    ? exitCodes.failed
    : exitCodes.ok;
}
