import { describe, expect, it } from 'vitest';
import { createRandom } from '../../foundation/random.ts';
import { intents } from './intents/all.ts';
import { assignFrames } from './split.ts';

const variants = intents.flatMap((intent) =>
  Object.entries(intent.frames).map(([name, frames]) => ({ name: `${intent.name}.${name}`, intent, frames })),
);

describe('sentence frames', () => {
  it.each(variants)('$name has at least 16, none of them twice', ({ frames }) => {
    expect(frames.length).toBeGreaterThanOrEqual(16);
    expect(new Set(frames).size).toBe(frames.length);
    for (const frame of frames) expect(frame).toBe(frame.replace(/\s+/g, ' ').trim());
  });
});

describe('assignFrames', () => {
  const parts = assignFrames();
  const textsOf = (part: string): Set<string> =>
    new Set(
      variants.flatMap(({ name, intent, frames }) =>
        frames.filter((_, i) => parts.get(`${name}/${i}`) === part).map((text) => `${intent.name}: ${text}`),
      ),
    );

  it('keeps a text of an intent in one part, even where several variants say it', () => {
    const [train, rl, phrasings] = [textsOf('train'), textsOf('rl'), textsOf('phrasings')];
    for (const text of phrasings) expect(train.has(text) || rl.has(text)).toBe(false);
    for (const text of rl) expect(train.has(text)).toBe(false);
  });

  it('leaves every variant something to train, to reward and to test', () => {
    for (const { name, frames } of variants) {
      const counts = { train: 0, rl: 0, phrasings: 0, shapes: 0 };
      frames.forEach((_, i) => {
        counts[parts.get(`${name}/${i}`)!]++;
      });
      expect(counts.train, name).toBeGreaterThan(frames.length / 2);
      expect(counts.rl, name).toBeGreaterThan(0);
      expect(counts.phrasings, name).toBeGreaterThan(0);
    }
  });

  it('is the same for the same seed only', () => {
    const split = {
      seed: createRandom(3).int(1000) + 8,
      phrasingShare: 0.15,
      rlShare: 0.15,
      shapeShare: 0.06,
    };
    expect([...assignFrames(split)]).not.toEqual([...parts]);
    expect([...assignFrames()]).toEqual([...parts]);
  });
});
