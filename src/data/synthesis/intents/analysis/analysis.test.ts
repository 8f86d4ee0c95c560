import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../../../database/sandbox.ts';
import { packageRoot } from '../../../../foundation/files.ts';
import { createRandom } from '../../../../foundation/random.ts';
import { introspectSqlite } from '../../../../schema/introspect.ts';
import { createLexicon, synonymsSchema } from '../../../../schema/lexicon.ts';
import { buildErpDatabase } from '../../../erp/build.ts';
import { createContext, type SynthesisContext } from '../../context.ts';
import { intents } from '../all.ts';
import { fillFrame } from '../intent.ts';
import { analysisBeside, analysisShare } from './all.ts';

const names = new Set(
  analysisBeside([{ name: 'other', weight: 1, frames: {}, build: () => undefined }]).map(
    (family) => family.name,
  ),
);
const families = intents.filter((intent) => names.has(intent.name));
const weightOf = (list: readonly { weight: number }[]): number =>
  list.reduce((sum, { weight }) => sum + weight, 0);

let directory: string;
let path: string;
let sandbox: Sandbox;
let context: SynthesisContext;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'querent-analysis-'));
  path = join(directory, 'erp.sqlite');
  await buildErpDatabase({ path });
  sandbox = createSandbox();
  const text = await readFile(join(packageRoot(), 'datasets', 'erp', 'synonyms.json'), 'utf8');
  const lexicon = createLexicon(await introspectSqlite(path), synonymsSchema.parse(JSON.parse(text)));
  context = createContext(lexicon, createRandom(17));
});
afterAll(async () => {
  await sandbox.close();
  await rm(directory, { recursive: true, force: true });
});

describe('the questions of analysts', () => {
  it('are the share of the mix that the constant says', () => {
    expect(weightOf(families) / weightOf(intents)).toBeCloseTo(analysisShare, 10);
    const others = [{ name: 'other', weight: 6, frames: {}, build: () => undefined }];
    expect(weightOf(analysisBeside(others, 0.4))).toBeCloseTo(4, 10);
  });

  it.each(families.map((family) => family.name))('%s gives answers on the ERP database', async (name) => {
    const family = families.find((candidate) => candidate.name === name)!;
    let answered = 0;
    for (let draw = 0; draw < 60 && answered < 2; draw++) {
      const draft = family.build(context);
      if (draft === undefined) continue;
      const frames = family.frames[draft.variant];
      expect(frames, draft.variant).toBeDefined();
      for (const frame of frames!) expect(fillFrame(frame, draft.slots)).not.toMatch(/[{}]|undefined/);
      const execution = await sandbox.execute(path, draft.sql, { timeoutMs: 60_000 });
      expect([draft.sql, execution.outcome]).toEqual([draft.sql, 'rows']);
      if (execution.outcome === 'rows' && execution.rows.length > 0) answered++;
    }
    expect(answered).toBe(2);
  });
});
