/**
 * `querent.json`: a user's own database as a project, and the demonstration where there is none. It knows paths and
 * seeds; it does not open the database or a model.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { parseConfig } from '../foundation/config.ts';
import { messageOf, QuerentError } from '../foundation/errors.ts';
import { packageRoot, readTextFile, writeFileAtomic } from '../foundation/files.ts';

export const projectFileName = 'querent.json';

const projectSchema = z.strictObject({
  formatVersion: z.literal(1),
  /** The SQLite file, from this file's folder. */
  database: z.string().min(1),
  databaseId: z.string().min(1),
  /** Of the schema when the project was made: a change is noticed before a model is used. */
  schemaHash: z.string().min(1),
  seed: z.int().min(0).default(42),
  /** The date that "today" means in questions, YYYY-MM-DD; without it such words are not understood. */
  today: z.iso.date().optional(),
  /** Words that people use for tables, columns and values; from this file's folder. */
  synonyms: z.string().optional(),
  folders: z
    .strictObject({ data: z.string().min(1).default('data'), runs: z.string().min(1).default('runs') })
    .prefault({}),
});

export type ProjectFile = Readonly<z.output<typeof projectSchema>>;

/** Where everything of the present project lies, absolute. */
export interface Workspace {
  readonly isDemo: boolean;
  readonly directory: string;
  readonly databasePath: string;
  readonly databaseId: string;
  /** Undefined for the demonstration, whose database is built when it is missing. */
  readonly schemaHash: string | undefined;
  readonly seed: number;
  readonly today: string | undefined;
  readonly synonymsPath: string | undefined;
  readonly dataDirectory: string;
  readonly runsDirectory: string;
}

export const erpDirectory = (): string => join(packageRoot(), 'datasets', 'erp');
/** Hand-written sets that the demonstration trains on besides synthesised pairs. */
export const curatedSets = [
  'base',
  'complex-training',
  'complex-b',
  'voices',
  'voices-b',
  'voices-c',
  'analysts-a',
  'analysts-b',
  'analysts-c',
  'analysts-d',
  'analysts-e',
  'analysts-f',
  'analysts-g',
  'analysts-h',
  'analysts-i',
  'analysts-j',
  'analysts-k',
  'analysts-l',
  'analysts-m',
  'analysts-n',
  'analysts-o',
  'analysts-p',
  'analysts-q',
  'analysts-r',
  'analysts-s',
  'analysts-t',
  'analysts-u',
  'analysts-v',
  'analysts-w',
  'voices-d',
  'voices-e',
  'voices-f',
  'reports-a',
  'reports-b',
  'reports-c',
  'reports-d',
  'reports-e',
  'reports-f',
  'reports-g',
  'reports-h',
  'reports-i',
  'reports-j',
  'reports-k',
  'reports-l',
  'reports-m',
  'reports-n',
  'reports-o',
  'reports-p',
  'reports-q',
  'reports-r',
  'reports-s',
  'reports-t',
  'reports-u',
  'reports-v',
  'reports-w',
  'reports-x',
  'reports-y',
  'reports-z',
  'reports-aa',
  'reports-ab',
  'reports-ac',
  'reports-ad',
  'reports-ae',
  'reports-af',
  'reports-ag',
  'reports-ah',
  'reports-ba',
  'reports-bb',
  'reports-bc',
  'reports-bd',
  'reports-ca',
  'reports-cb',
  'reports-cc',
  'reports-cd',
  'reports-ce',
  'reports-cf',
  'reports-cg',
] as const;

/** The snapshot date of the demonstration's data. */
const demoToday = '2025-06-30';
export const shippedModelDirectory = (): string => join(packageRoot(), 'models', 'erp-small');

function demoWorkspace(directory: string): Workspace {
  const home = join(directory, '.querent');
  return {
    isDemo: true,
    directory,
    databasePath: join(home, 'erp.sqlite'),
    databaseId: 'erp',
    schemaHash: undefined,
    seed: 42,
    today: demoToday,
    synonymsPath: join(erpDirectory(), 'synonyms.json'),
    dataDirectory: join(home, 'data'),
    runsDirectory: join(directory, 'runs'),
  };
}

/** The nearest querent.json, in the folder or above it. */
function findProjectFile(directory: string): string | undefined {
  for (let folder = resolve(directory); ; folder = dirname(folder)) {
    const path = join(folder, projectFileName);
    if (existsSync(path)) return path;
    if (dirname(folder) === folder) return undefined;
  }
}

async function readProjectFile(path: string): Promise<ProjectFile> {
  const text = await readTextFile(path, 'project file');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw new QuerentError('cli/bad-project', `${path} is not JSON: ${messageOf(thrown)}`, {
      next: 'Correct the file, or run `querent init DATABASE --force` to write it anew.',
      cause: thrown,
    });
  }
  return parseConfig(projectSchema, value, path);
}

/** The project of a folder, or the ERP demonstration. */
export async function openWorkspace(directory: string): Promise<Workspace> {
  const path = findProjectFile(directory);
  if (path === undefined) return demoWorkspace(resolve(directory));
  const project = await readProjectFile(path);
  const folder = dirname(path);
  return {
    isDemo: false,
    directory: folder,
    databasePath: resolve(folder, project.database),
    databaseId: project.databaseId,
    schemaHash: project.schemaHash,
    seed: project.seed,
    today: project.today,
    synonymsPath: project.synonyms === undefined ? undefined : resolve(folder, project.synonyms),
    dataDirectory: resolve(folder, project.folders.data),
    runsDirectory: resolve(folder, project.folders.runs),
  };
}

export async function writeProjectFile(directory: string, project: ProjectFile): Promise<string> {
  const path = join(directory, projectFileName);
  await writeFileAtomic(path, `${JSON.stringify(parseConfig(projectSchema, project, path), null, 2)}\n`);
  return path;
}
