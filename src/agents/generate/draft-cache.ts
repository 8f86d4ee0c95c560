/**
 * What the generator wrote before, by model, schema, question and everything else that decides it. Only statements are kept:
 * they are run again, so that an answer from the cache shows the rows of now. The least recently used goes first.
 */
import { createHash } from 'node:crypto';
import type { Draft } from './query-generator.ts';

export interface DraftKey {
  readonly model: string;
  readonly schemaHash: string;
  readonly question: string;
  /** Whatever else changes what is written. */
  readonly options: unknown;
}

export interface DraftCache {
  get(key: DraftKey): readonly Draft[] | undefined;
  set(key: DraftKey, drafts: readonly Draft[]): void;
  clear(): void;
  readonly size: number;
}

export function createDraftCache(entriesMax: number): DraftCache {
  const kept = new Map<string, readonly Draft[]>();
  const digest = ({ model, schemaHash, question, options }: DraftKey): string =>
    createHash('sha256')
      .update(JSON.stringify([model, schemaHash, question.trim(), options]))
      .digest('hex');
  return {
    get: (key) => {
      const id = digest(key);
      const found = kept.get(id);
      if (found === undefined) return undefined;
      kept.delete(id);
      kept.set(id, found);
      return found;
    },
    set: (key, drafts) => {
      if (entriesMax === 0) return;
      const id = digest(key);
      kept.delete(id);
      kept.set(id, drafts);
      if (kept.size > entriesMax) kept.delete(kept.keys().next().value!);
    },
    clear: () => kept.clear(),
    get size() {
      return kept.size;
    },
  };
}
