/** An intent: one kind of question, its sentence frames and how its SQL is made. */
import type { SynthesisContext } from '../context.ts';
import type { NounPhrase } from '../noun-phrase.ts';

export interface Draft {
  /** Which list of frames fits. */
  readonly variant: string;
  /** Texts for the frame's `{slots}`. */
  readonly slots: Readonly<Record<string, string>>;
  readonly sql: string;
  /** A condition named first: "in Munich, …". */
  readonly front?: string | undefined;
}

export interface Intent {
  readonly name: string;
  readonly weight: number;
  /** Sentence frames by variant; each is one phrasing that a split may hold out. */
  readonly frames: Readonly<Record<string, readonly string[]>>;
  build(context: SynthesisContext): Draft | undefined;
}

/** The slots of a noun phrase. */
export function phraseSlots(phrase: NounPhrase): { np: string; np1: string } {
  return { np: phrase.plural, np1: phrase.singular };
}

/** Put the slots into a frame. */
export function fillFrame(frame: string, slots: Readonly<Record<string, string>>): string {
  return frame.replace(/\{(\w+)\}/g, (whole, name: string) => slots[name] ?? whole);
}
