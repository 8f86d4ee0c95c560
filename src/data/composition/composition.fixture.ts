/** The demonstration, and a part of what people wrote about it, for tests of compositions. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { packageRoot } from '../../foundation/files.ts';
import { createRandom } from '../../foundation/random.ts';
import { introspectSqlite } from '../../schema/introspect.ts';
import { createLexicon, synonymsSchema } from '../../schema/lexicon.ts';
import { buildErpDatabase } from '../erp/build.ts';
import type { Example } from '../example.ts';
import { readExamples } from '../example-file.ts';
import { createContext, type SynthesisContext } from '../synthesis/context.ts';

export interface CompositionWorld {
  readonly path: string;
  readonly sandbox: Sandbox;
  readonly context: SynthesisContext;
  /** Short questions, of every seventeenth line of three sets. */
  readonly written: readonly Example[];
  /** Long ones, of every fortieth line of four sets. */
  readonly long: readonly Example[];
  close(): Promise<void>;
}

export async function openCompositionWorld(): Promise<CompositionWorld> {
  const erp = join(packageRoot(), 'datasets', 'erp');
  const directory = await mkdtemp(join(tmpdir(), 'querent-composition-'));
  const path = join(directory, 'erp.sqlite');
  await buildErpDatabase({ path });
  const schema = await introspectSqlite(path);
  const synonyms = synonymsSchema.parse(JSON.parse(await readFile(join(erp, 'synonyms.json'), 'utf8')));
  const every = async (nth: number, names: readonly string[]): Promise<readonly Example[]> => {
    const sets = await Promise.all(names.map((name) => readExamples(join(erp, `${name}.jsonl`), 'erp')));
    return sets.flat().filter((_, i) => i % nth === 0);
  };
  const sandbox = createSandbox();
  return {
    path,
    sandbox,
    context: createContext(createLexicon(schema, synonyms), createRandom(3)),
    written: await every(17, ['analysts-a', 'analysts-f', 'voices']),
    long: await every(40, ['reports-a', 'reports-f', 'reports-n', 'reports-q']),
    close: async () => {
      await sandbox.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
