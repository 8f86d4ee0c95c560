import { describe, expect, it } from 'vitest';
import { createRandom } from '../../foundation/random.ts';
import { addNoise } from './noise.ts';
import { fixedPhrases, swapGroups } from './swaps.ts';

const onlySwaps = { filler: 0, swap: 1, drop: 0, keywordStyle: 0, typo: 0 };
const random = createRandom(5);

/** All that swaps alone make of a question, in 300 tries. */
function variantsOf(question: string): Set<string> {
  const tries = Array.from({ length: 300 }, () => addNoise(question.split(' '), random, onlySwaps).join(' '));
  return new Set(tries);
}

describe('addNoise', () => {
  it('changes nothing with everything switched off', () => {
    const words = 'how many projects over [number] <v0> per city'.split(' ');
    expect(addNoise(words, random, { ...onlySwaps, swap: 0 })).toEqual(words);
  });

  it('swaps a phrase as a whole, for another of its group', () => {
    expect(variantsOf('projects broken down by city')).toEqual(
      new Set(
        ['broken down by', 'split by', 'grouped by', 'per', 'for each', 'by'].map(
          (by) => `projects ${by} city`,
        ),
      ),
    );
  });

  it.each([
    ['projects over budget', 'over is a comparison before an amount only'],
    ['projects sorted into types by city', 'by is never replaced'],
    ['a minimum of effort', 'a minimum of is a limit before an amount only'],
    ['contracts in between', 'a fixed phrase stays'],
    ['least recently contacted ones', 'least is in no group'],
    ['projects on hold', 'what is a result only is never replaced'],
  ])('leaves "%s" alone: %s', (question) => {
    expect(variantsOf(question)).toEqual(new Set([question]));
  });

  it('keeps the two ends of a range together', () => {
    expect(variantsOf('value between [number] <v0> and [number] <v1>').size).toBe(1);
    expect(variantsOf('value and date').size).toBeGreaterThan(2);
  });

  it('never takes "no less than" for "less than"', () => {
    const found = [...variantsOf('value no less than [number] <v0>')];
    expect(found.length).toBeGreaterThan(4);
    for (const text of found)
      expect(text).toMatch(/^value (at least|no[t ].*than|(a )?minimum of) \[number\] <v0>$/);
  });

  it('leaves value markers and their order alone, whatever else it does', () => {
    const words =
      'list all projects in [city] <v2> over [number] <v0> before [year] <v1> per [type] <v3>'.split(' ');
    const markers = words.filter((word) => /^[[<]/.test(word));
    for (let i = 0; i < 200; i++) {
      const noisy = addNoise(words, random, {
        filler: 0.5,
        swap: 0.5,
        drop: 0.3,
        keywordStyle: 0.3,
        typo: 0.2,
      });
      expect(noisy.filter((word) => /^(\[|<v)/.test(word))).toEqual(markers);
    }
  });
});

describe('the swap groups', () => {
  it('hold every phrase once', () => {
    const all = [...swapGroups.flatMap((group) => group.words), ...fixedPhrases];
    expect(all.filter((text, i) => all.indexOf(text) !== i)).toEqual([]);
  });

  it('say what is a result only once', () => {
    for (const { words, results = [] } of swapGroups)
      for (const text of results) expect(words.includes(text)).toBe(false);
  });
});
