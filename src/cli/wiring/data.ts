/**
 * The examples of a workspace on disk: synthesised parts in its data folder, hand-written ones that come with the
 * demonstration. It knows files and names of sets; how pairs are made is in `src/data/synthesis/`.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { composeExamples } from '../../data/composition/compose.ts';
import { type Example, tagValue } from '../../data/example.ts';
import { readExamples, writeExamples } from '../../data/example-file.ts';
import { withoutShapesOf } from '../../data/held-out.ts';
import { makeReports } from '../../data/reports/reports.ts';
import type { Part } from '../../data/synthesis/split.ts';
import { synthesize } from '../../data/synthesis/synthesize.ts';
import type { Sandbox } from '../../database/sandbox.ts';
import { parseConfig } from '../../foundation/config.ts';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import type { Observe } from '../../foundation/events.ts';
import { readTextFile, writeFileAtomic } from '../../foundation/files.ts';
import { createRandom } from '../../foundation/random.ts';
import { type Synonyms, synonymsSchema } from '../../schema/lexicon.ts';
import { inOneOrder } from '../../schema/syntax/one-order.ts';
import { curatedSets, erpDirectory, type Workspace } from '../project.ts';
import type { Recipe } from '../recipe.ts';
import type { OpenedDatabase } from './database.ts';

/** `practised`: phrasings of `rl`, questions and statements that neither stage trains on. */
export const partNames = ['train', 'rl', 'practised', 'phrasings', 'shapes'] as const satisfies readonly (
  | Part
  | 'practised'
)[];
export type DataParts = Readonly<Record<(typeof partNames)[number], readonly Example[]>>;

export async function loadSynonyms(workspace: Workspace): Promise<Synonyms> {
  const path = workspace.synonymsPath;
  if (path === undefined) return {};
  const text = await readTextFile(path, 'synonyms file');
  try {
    return parseConfig(synonymsSchema, JSON.parse(text), path) as Synonyms;
  } catch (thrown) {
    if (thrown instanceof QuerentError) throw thrown;
    throw new QuerentError('cli/bad-synonyms', `${path} is not JSON: ${messageOf(thrown)}`, {
      next: 'Correct the file; datasets/erp/synonyms.json shows the form.',
      cause: thrown,
    });
  }
}

export interface SynthesisRun {
  readonly workspace: Workspace;
  readonly database: OpenedDatabase;
  readonly sandbox: Sandbox;
  readonly data: Recipe['data'];
  readonly observe: Observe;
  readonly signal: AbortSignal;
}

export interface SynthesisOutcome {
  readonly parts: DataParts;
  readonly dropped: Readonly<Record<string, number>>;
}

/** Makes the parts of a recipe; writes nothing. */
export async function synthesizeParts(run: SynthesisRun): Promise<SynthesisOutcome> {
  const { workspace, database, sandbox, data, observe, signal } = run;
  const { train, rl, practised, phrasings, shapes } = data;
  const common = {
    schema: database.schema,
    synonyms: await loadSynonyms(workspace),
    seed: data.seed,
    executeAll: (statements: readonly string[]) =>
      Promise.all(statements.map((sql) => sandbox.execute(database.path, sql))),
    observe,
    signal,
  };
  const { parts, dropped } = await synthesize({
    ...common,
    analysisShare: data.analysisShare,
    counts: { train, rl: rl === 0 ? 0 : rl + practised, phrasings, shapes },
  });
  const curated = data.compositions === 0 ? [] : await loadCurated(workspace, data.curated);
  const composed = await composeExamples({ ...common, examples: curated, variants: data.compositions });
  const reports = await makeReports({ ...common, count: data.reports + data.rlReports });
  const practice = withoutSharedSql(parts.rl, rl === 0 ? 0 : practised);
  const rlCurated = await loadCurated(workspace, data.rlCurated);
  const rlReports = reports.examples.slice(0, data.rlReports);
  const kept =
    data.trainKept === undefined
      ? parts.train
      : createRandom(data.seed).fork('kept').shuffle(parts.train).slice(0, data.trainKept);
  const further = [...composed.examples, ...reports.examples.slice(data.rlReports)];
  return {
    parts: {
      ...parts,
      train: [...kept, ...withoutShapesOf(parts.shapes, further)],
      practised: practice.practised,
      // In front: validation is taken from the end, and stays what it is without them.
      rl: [...withoutShapesOf(parts.shapes, [...rlCurated, ...rlReports]), ...practice.rl],
    },
    dropped: {
      ...dropped,
      ...prefixed('composed: ', composed.dropped),
      ...prefixed('reports: ', reports.dropped),
    },
  };
}

function prefixed(prefix: string, counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [`${prefix}${name}`, count]));
}

/** Sets `count` pairs aside whose statements no other pair has; fewer where there are not so many. */
function withoutSharedSql(
  examples: readonly Example[],
  count: number,
): { readonly rl: readonly Example[]; readonly practised: readonly Example[] } {
  const uses = new Map<string, number>();
  for (const { sql } of examples) uses.set(sql, (uses.get(sql) ?? 0) + 1);
  const practised = examples.filter(({ sql }) => uses.get(sql) === 1).slice(0, count);
  const aside = new Set(practised);
  return { rl: examples.filter((example) => !aside.has(example)), practised };
}

const partPath = (workspace: Workspace, part: string): string =>
  join(workspace.dataDirectory, `${part}.jsonl`);

export async function saveParts(workspace: Workspace, run: SynthesisOutcome, facts: object): Promise<void> {
  for (const part of partNames) {
    const path = partPath(workspace, part);
    if (run.parts[part].length > 0) await writeExamples(path, run.parts[part]);
    else await rm(path, { force: true });
  }
  const counts = Object.fromEntries(partNames.map((part) => [part, run.parts[part].length]));
  const manifest = { ...facts, counts, dropped: run.dropped };
  await writeFileAtomic(
    join(workspace.dataDirectory, 'manifest.json'),
    `${JSON.stringify(manifest, null, 2)}\n`,
  );
}

/** Hand-written sets of the demonstration, by the name that `--set` takes. */
const demoSets: Readonly<Record<string, { readonly file: string; readonly half?: string }>> = {
  ...Object.fromEntries(curatedSets.map((name) => [name, { file: `${name}.jsonl` }])),
  'complex-training': { file: 'complex.jsonl' },
  dev: { file: 'dev/natural.jsonl' },
  'complex-dev': { file: 'dev/complex.jsonl' },
  'reports-dev': { file: 'dev/reports.jsonl' },
  complex: { file: 'test/complex.jsonl' },
  natural: { file: 'test/natural.jsonl', half: 'open' },
  'natural-sealed': { file: 'test/natural.jsonl', half: 'sealed' },
};

async function loadDemoSet(name: string, databaseId: string): Promise<readonly Example[]> {
  const { file, half } = demoSets[name]!;
  const examples = await readExamples(join(erpDirectory(), file), databaseId);
  return half === undefined ? examples : examples.filter((example) => tagValue(example, 'half') === half);
}

/** `which`: as `data.curated` of a recipe. */
export async function loadCurated(
  workspace: Workspace,
  which: Recipe['data']['curated'],
): Promise<readonly Example[]> {
  if (!workspace.isDemo || which === false) return [];
  const names = which === true ? curatedSets : which;
  const sets = await Promise.all(names.map((name) => loadDemoSet(name, workspace.databaseId)));
  return sets.flat();
}

/** Training statements as a recipe wants them written. */
export function inStyle(data: Recipe['data'], examples: readonly Example[]): readonly Example[] {
  return data.oneOrder ? examples.map((example) => ({ ...example, sql: inOneOrder(example.sql) })) : examples;
}

/** What nothing may train on: the parts set aside for tests and, of the demonstration, the hand-written test sets. */
export async function loadTests(
  workspace: Workspace,
  workingDirectory: string,
): Promise<readonly (readonly Example[])[]> {
  const heldOut = [
    'practised',
    'phrasings',
    'shapes',
    'dev',
    'complex-dev',
    'reports-dev',
    'complex',
    'natural',
    'natural-sealed',
  ];
  const there = availableSets(workspace).filter((name) => heldOut.includes(name));
  return Promise.all(there.map((name) => loadSet(workspace, name, workingDirectory)));
}

/** Names of the sets that are there now. */
export function availableSets(workspace: Workspace): string[] {
  const parts = partNames.filter((part) => existsSync(partPath(workspace, part)));
  return workspace.isDemo ? [...parts, ...Object.keys(demoSets)] : [...parts];
}

/** A set by its name, or a JSONL file by its path. */
export async function loadSet(
  workspace: Workspace,
  name: string,
  workingDirectory: string,
): Promise<readonly Example[]> {
  if ((partNames as readonly string[]).includes(name) && existsSync(partPath(workspace, name))) {
    return readExamples(partPath(workspace, name), workspace.databaseId);
  }
  if (workspace.isDemo && name in demoSets) return loadDemoSet(name, workspace.databaseId);
  const path = resolve(workingDirectory, name);
  if (existsSync(path)) return readExamples(path, workspace.databaseId);
  const isPart = (partNames as readonly string[]).includes(name);
  const known = availableSets(workspace).join(', ') || 'none yet';
  throw new QuerentError(
    'cli/unknown-set',
    `there is no set or file called "${name}" (sets here: ${known})`,
    {
      next: isPart
        ? 'Run `querent data synthesize` first.'
        : 'Name one of the sets, or the path of a JSONL file.',
    },
  );
}

/** The sets that a report shows when none are named: what is held out, then what is hand-written for tests. */
export function defaultTestSets(workspace: Workspace): string[] {
  const wanted = ['phrasings', 'practised', 'shapes', 'complex', 'natural'];
  return availableSets(workspace)
    .filter((name) => wanted.includes(name))
    .sort((a, b) => wanted.indexOf(a) - wanted.indexOf(b));
}
