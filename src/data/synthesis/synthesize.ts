/**
 * Make question–SQL pairs for any schema: pick an intent, fill a sentence frame, run the SQL, keep what holds.
 * Broken, slow, too empty and order-ambiguous pairs are dropped and counted.
 */
import { QuerentError } from '../../foundation/errors.ts';
import { ignoreEvents, type Observe } from '../../foundation/events.ts';
import { createRandom } from '../../foundation/random.ts';
import { createLexicon, type Synonyms } from '../../schema/lexicon.ts';
import type { Schema } from '../../schema/schema.ts';
import { articleFor } from '../../schema/words.ts';
import type { Example } from '../example.ts';
import { createContext, type SynthesisContext } from './context.ts';
import { intentsWith } from './intents/all.ts';
import { fillFrame, type Intent } from './intents/intent.ts';
import { createJudge, type JudgeOptions } from './judge.ts';
import {
  assignFrames,
  defaultSplit,
  isHeldOutShape,
  type Part,
  type SplitOptions,
  shapeOf,
} from './split.ts';

export interface SynthesisOptions extends JudgeOptions {
  readonly schema: Schema;
  readonly synonyms?: Synonyms;
  readonly seed: number;
  /** Pairs wanted in each part. */
  readonly counts: Readonly<Record<Part, number>>;
  /** Empty results kept at most, as a share of all. Default 0.03. */
  readonly maxEmptyShare?: number;
  /** At most so many pairs with the same SQL. Default 6. */
  readonly maxSameSql?: number;
  readonly split?: SplitOptions;
  /** Share of the families of analysts’ questions, in [0, 1). Default 0.25. */
  readonly analysisShare?: number;
  readonly observe?: Observe;
  readonly signal?: AbortSignal;
}

export interface SynthesisResult {
  readonly parts: Readonly<Record<Part, readonly Example[]>>;
  /** Why pairs were dropped, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

interface Candidate {
  readonly question: string;
  readonly sql: string;
  readonly frame: string;
  readonly part: Part;
  readonly intent: string;
}

function tidyQuestion(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/ ,/g, ',')
    .replace(/\ban? ([a-z]{2,})/g, (_, word: string) => `${articleFor(word)} ${word}`)
    .trim();
}

/** One random pair; undefined where the schema has nothing for the intent that was drawn. */
function drawCandidate(
  context: SynthesisContext,
  frames: ReadonlyMap<string, Part>,
  wanted: ReadonlySet<Part>,
  split: SplitOptions,
  mix: readonly Intent[],
): Candidate | undefined {
  const { random } = context;
  const intent: Intent = random.pickWeighted(mix, (candidate) => candidate.weight);
  const draft = intent.build(context);
  if (draft === undefined) return undefined;
  const texts = intent.frames[draft.variant];
  if (texts === undefined)
    throw new QuerentError(
      'data/unknown-variant',
      `intent ${intent.name} has no frames called ${draft.variant}`,
    );
  const isShape = isHeldOutShape(shapeOf(draft.sql), split);
  const usable = texts
    .map((text, index) => ({ text, id: `${intent.name}.${draft.variant}/${index}` }))
    .map((frame) => ({ ...frame, part: frames.get(frame.id)! }))
    .filter((frame) => (isShape ? frame.part === 'train' && wanted.has('shapes') : wanted.has(frame.part)));
  if (usable.length === 0) return undefined;
  const frame = random.pick(usable);
  const body = fillFrame(frame.text, draft.slots);
  const question = tidyQuestion(draft.front === undefined ? body : `${draft.front}, ${body}`);
  return {
    question,
    sql: draft.sql,
    frame: frame.id,
    part: isShape ? 'shapes' : frame.part,
    intent: intent.name,
  };
}

function toExample(candidate: Candidate, index: number, databaseId: string): Example {
  return Object.freeze({
    id: `${candidate.part}-${String(index + 1).padStart(5, '0')}`,
    question: candidate.question,
    sql: candidate.sql,
    databaseId,
    tags: Object.freeze([
      `intent:${candidate.intent}`,
      `template:${candidate.frame}`,
      `part:${candidate.part}`,
    ]),
  });
}

export async function synthesize(options: SynthesisOptions): Promise<SynthesisResult> {
  const { schema, counts } = options;
  const observe = options.observe ?? ignoreEvents;
  const split = options.split ?? defaultSplit;
  const context = createContext(createLexicon(schema, options.synonyms), createRandom(options.seed));
  if (context.tables.length === 0) {
    throw new QuerentError(
      'data/empty-schema',
      `database ${schema.databaseId} has no table with rows and at least two columns`,
      {
        next: 'Load some data into the database, or write examples by hand.',
      },
    );
  }
  const mix = intentsWith(options.analysisShare);
  const frames = assignFrames(split);
  const parts: Record<Part, Example[]> = { train: [], rl: [], phrasings: [], shapes: [] };
  const dropped: Record<string, number> = {};
  const judge = createJudge(options);
  const sqlUses = new Map<string, number>();
  const questions = new Set<string>();
  const names = Object.keys(parts) as Part[];
  const total = names.reduce((sum, part) => sum + counts[part], 0);
  const drop = (reason: string): void => {
    dropped[reason] = (dropped[reason] ?? 0) + 1;
  };
  let emptyCount = 0;
  let idleRounds = 0;

  while (idleRounds < 25) {
    options.signal?.throwIfAborted();
    const wanted = new Set(names.filter((part) => parts[part].length < counts[part]));
    if (wanted.size === 0) break;
    const candidates: Candidate[] = [];
    for (let i = 0; i < 1200; i++) {
      const candidate = drawCandidate(context, frames, wanted, split, mix);
      if (candidate === undefined) continue;
      const uses = sqlUses.get(candidate.sql) ?? 0;
      if (questions.has(candidate.question.toLowerCase()) || uses >= (options.maxSameSql ?? 6))
        drop('duplicate');
      else candidates.push(candidate);
    }
    const reasons = await judge(candidates.map(({ sql }) => sql));
    const before = names.reduce((sum, part) => sum + parts[part].length, 0);
    for (const [i, candidate] of candidates.entries()) {
      const list = parts[candidate.part];
      const key = candidate.question.toLowerCase();
      if (list.length >= counts[candidate.part] || questions.has(key)) continue;
      const reason = reasons[i];
      const kept = before + list.length;
      const emptyAllowed =
        reason === 'empty' &&
        candidate.part === 'train' &&
        emptyCount < kept * (options.maxEmptyShare ?? 0.03);
      if (reason !== undefined && !emptyAllowed) {
        drop(reason);
        continue;
      }
      if (emptyAllowed) emptyCount++;
      questions.add(key);
      sqlUses.set(candidate.sql, (sqlUses.get(candidate.sql) ?? 0) + 1);
      list.push(toExample(candidate, list.length, schema.databaseId));
    }
    const done = names.reduce((sum, part) => sum + parts[part].length, 0);
    idleRounds = done === before ? idleRounds + 1 : 0;
    observe({ type: 'progress', stage: 'synthesize', label: 'question–SQL pairs', done, total });
  }
  return { parts, dropped };
}
