/**
 * Which part of the data a synthesised pair belongs to. Whole sentence frames are held out for `phrasings`, other whole
 * frames are kept for reinforcement learning only (`rl`), whole SQL shapes are held out for `shapes`. The parts never
 * share a frame or a shape with `train`, so what is measured there is generalisation and not memory.
 */
import { hash32 } from '../../foundation/random.ts';
import { intents } from './intents/all.ts';

export type Part = 'train' | 'rl' | 'phrasings' | 'shapes';

export interface SplitOptions {
  readonly seed: number;
  /** Share of the frames of a variant held out for the phrasings test (at least one of five). */
  readonly phrasingShare: number;
  /** Share of the frames of a variant seen only through reward. */
  readonly rlShare: number;
  /** Share of composite SQL shapes held out. */
  readonly shapeShare: number;
}

export const defaultSplit: SplitOptions = { seed: 7, phrasingShare: 0.15, rlShare: 0.15, shapeShare: 0.06 };

/** `intent.variant/index` -> part, for every frame. */
export function assignFrames(options: SplitOptions = defaultSplit): ReadonlyMap<string, Part> {
  const parts = new Map<string, Part>();
  for (const intent of intents) {
    // Variants of an intent may share a text ("how many {np}"): it belongs to one part wherever it stands.
    const partOfText = new Map<string, Part>();
    for (const [variant, frames] of Object.entries(intent.frames)) {
      const ids = frames.map((_, index) => `${intent.name}.${variant}/${index}`);
      const order = [...ids].sort((a, b) => hash32(`${options.seed}:${a}`) - hash32(`${options.seed}:${b}`));
      const heldOut = frames.length < 4 ? 0 : Math.max(1, Math.round(frames.length * options.phrasingShare));
      const forReward = frames.length < 5 ? 0 : Math.max(1, Math.round(frames.length * options.rlShare));
      const left = { phrasings: heldOut, rl: forReward };
      const textOf = (id: string): string => frames[Number(id.slice(id.lastIndexOf('/') + 1))]!;
      const assign = (id: string, part: Part): void => {
        if (part === 'phrasings' || part === 'rl') left[part]--;
        partOfText.set(textOf(id), part);
        parts.set(id, part);
      };
      for (const id of order) {
        const given = partOfText.get(textOf(id));
        if (given !== undefined) assign(id, given);
      }
      for (const id of order) {
        if (!parts.has(id)) assign(id, left.phrasings > 0 ? 'phrasings' : left.rl > 0 ? 'rl' : 'train');
      }
    }
  }
  return parts;
}

/** The SQL without its literals: two queries of one shape differ in values only. */
export function shapeOf(sql: string): string {
  return sql.replace(/'(?:[^']|'')*'/g, '?').replace(/\b\d+(\.\d+)?\b/g, '?');
}

/** Shapes with at least two conditions or a nested query may be held out; the plain ones are always trained. */
export function isHeldOutShape(shape: string, options: SplitOptions = defaultSplit): boolean {
  const composite =
    (shape.match(/ AND /g) ?? []).length >= 1 || (shape.match(/\(SELECT /g) ?? []).length >= 1;
  return composite && hash32(`${options.seed}/${shape}`) / 2 ** 32 < options.shapeShare;
}
