/** The sets and suites that a command names, each with the databases it is asked of. */
import { resolve } from 'node:path';
import type { Example } from '../../data/example.ts';
import { loadSuite, parseSuiteAddress } from '../../evaluation/suites/load-suite.ts';
import { problemText, type Suite } from '../../evaluation/suites/suite.ts';
import { counted } from '../../foundation/counted.ts';
import { QuerentError } from '../../foundation/errors.ts';
import type { Observe } from '../../foundation/events.ts';
import { introspectSqlite } from '../../schema/introspect.ts';
import type { Workspace } from '../project.ts';
import type { EvaluatedSet } from './candidate-sources.ts';
import { type OpenedDatabase, openDatabase } from './database.ts';
import type { NamedSet } from './evaluation.ts';

const limited = (examples: readonly Example[], limit: number | undefined): readonly Example[] =>
  limit === undefined ? examples : examples.slice(0, limit);

/** Sets of the project are asked of its database, whatever their rows call it. */
export function setsOfProject(
  sets: readonly NamedSet[],
  database: OpenedDatabase,
  limit: number | undefined,
): EvaluatedSet[] {
  return sets.map(([name, all]) => ({
    name,
    all,
    examples: limited(all, limit),
    databaseOf: async () => database,
    doubleQuotedStrings: false,
  }));
}

export interface SuiteWish {
  readonly workspace: Workspace;
  readonly workingDirectory: string;
  readonly databases: string | undefined;
  readonly limit: number | undefined;
  readonly observe: Observe;
}

/** What is wrong with a suite in one sentence; undefined where nothing is. */
function troubleOf({ name, problems }: Suite, leftOut: number): string | undefined {
  const [first] = problems;
  const found = first && `${counted(problems.length, 'problem')}, the first: ${problemText(first)}`;
  const missing = leftOut === 0 ? undefined : `${counted(leftOut, 'question')} without a database left out`;
  const parts = [found, missing].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : `${name}: ${parts.join('; ')}`;
}

/** Questions whose database is not there cannot be judged: they are left out, and it is said how many. */
export async function openSuite(text: string, wish: SuiteWish): Promise<EvaluatedSet> {
  const { workspace, workingDirectory, databases, observe } = wish;
  const address = parseSuiteAddress(text);
  const suite = await loadSuite({
    ...address,
    path: resolve(workingDirectory, address.path),
    databaseId: workspace.databaseId,
    ...(databases === undefined ? {} : { databases: resolve(workingDirectory, databases) }),
  });
  const isOwn = (id: string): boolean => id === workspace.databaseId;
  const pathOf = (id: string): string | undefined =>
    suite.databasePathOf(id) ?? (isOwn(id) ? workspace.databasePath : undefined);
  const judged = suite.examples.filter(({ databaseId }) => pathOf(databaseId) !== undefined);
  const leftOut = suite.examples.length - judged.length;
  const trouble = troubleOf(suite, leftOut);
  if (trouble !== undefined) {
    const message = `${trouble} (querent data check ${text} names them)`;
    observe({ type: 'warning', code: 'suite/problems', message });
  }
  if (judged.length === 0) {
    throw new QuerentError('suite/empty', `${suite.name} has no question that can be judged`, {
      next: `Run \`querent data check ${text}\`; say with --databases where the databases lie.`,
    });
  }
  const opened = new Map<string, Promise<OpenedDatabase>>();
  const open = async (databaseId: string): Promise<OpenedDatabase> => {
    const path = pathOf(databaseId)!;
    // The demonstration's database is built when it is first needed.
    if (path === workspace.databasePath) return openDatabase(workspace, observe);
    return { path, schema: await introspectSqlite(path, { databaseId }) };
  };
  return {
    name: suite.name,
    all: suite.examples,
    examples: limited(judged, wish.limit),
    databaseOf: (databaseId) => {
      const database = opened.get(databaseId) ?? open(databaseId);
      opened.set(databaseId, database);
      return database;
    },
    doubleQuotedStrings: suite.doubleQuotedStrings,
  };
}
