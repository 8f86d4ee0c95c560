import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../foundation/random.ts';
import { createTokenChooser } from './token-chooser.ts';

const row = Float32Array.of(0.05, 0.4, 0.1, 0.3, 0.15);
const logits = row.map(Math.log);

/** Probabilities of the tokens that 20,000 draws show, rounded. */
function frequencies(options: Parameters<typeof createTokenChooser>[0], allowed?: Uint8Array): number[] {
  const choose = createTokenChooser({ ...options }, row.length);
  const random = createRandom(1);
  const counts = new Array<number>(row.length).fill(0);
  const masked = allowed === undefined ? undefined : { allowed_V: allowed, logits_V: logits };
  for (let i = 0; i < 20_000; i++) counts[choose(row, random, masked).token]!++;
  return counts.map((count) => count / 20_000);
}

/** [what, options, allowed, probabilities that are left]. */
const cases: [string, Parameters<typeof createTokenChooser>[0], number[] | undefined, number[]][] = [
  ['plain', { temperature: 1 }, undefined, [0.05, 0.4, 0.1, 0.3, 0.15]],
  ['top-k', { temperature: 1, topK: 2 }, undefined, [0, 4 / 7, 0, 3 / 7, 0]],
  ['top-k of all', { temperature: 1, topK: 9 }, undefined, [0.05, 0.4, 0.1, 0.3, 0.15]],
  ['top-p', { temperature: 1, topP: 0.75 }, undefined, [0, 0.4 / 0.85, 0, 0.3 / 0.85, 0.15 / 0.85]],
  ['top-p of the best alone', { temperature: 1, topP: 0.3 }, undefined, [0, 1, 0, 0, 0]],
  ['top-p of what top-k leaves', { temperature: 1, topK: 3, topP: 0.6 }, undefined, [0, 4 / 7, 0, 3 / 7, 0]],
  ['floor', { temperature: 1, minProbability: 0.12 }, undefined, [0, 0.4 / 0.85, 0, 0.3 / 0.85, 0.15 / 0.85]],
  ['floor above all', { temperature: 1, minProbability: 0.5 }, undefined, [0, 1, 0, 0, 0]],
  ['mask', { temperature: 1 }, [1, 0, 1, 0, 0], [1 / 3, 0, 2 / 3, 0, 0]],
  ['mask and top-k', { temperature: 1, topK: 1 }, [1, 0, 1, 0, 1], [0, 0, 0, 0, 1]],
  ['mask and floor', { temperature: 1, minProbability: 0.12 }, [1, 0, 1, 1, 1], [0, 0, 0, 2 / 3, 1 / 3]],
  [
    'mask and floor above all allowed',
    { temperature: 1, minProbability: 0.2 },
    [1, 0, 1, 0, 0],
    [0, 0, 1, 0, 0],
  ],
  ['greedy', { temperature: 0 }, undefined, [0, 1, 0, 0, 0]],
  ['greedy with a mask', { temperature: 0 }, [1, 0, 1, 0, 1], [0, 0, 0, 0, 1]],
];

describe('token chooser', () => {
  it.each(cases)('draws with the right frequencies: %s', (_title, options, allowed, expected) => {
    const found = frequencies(options, allowed && Uint8Array.from(allowed));
    found.forEach((frequency, v) => {
      // Five standard deviations of 20,000 draws; what is excluded must never come.
      if (expected[v] === 0) expect(frequency).toBe(0);
      else expect(Math.abs(frequency - expected[v]!)).toBeLessThan(0.018);
    });
  });

  it.each(cases)('reports both log-probabilities: %s', (_title, options, allowed, expected) => {
    const choose = createTokenChooser(options, row.length);
    const random = createRandom(2);
    const masked = allowed && { allowed_V: Uint8Array.from(allowed), logits_V: logits };
    for (let i = 0; i < 50; i++) {
      const { token, logprob, policyLogprob } = choose(row, random, masked);
      expect(logprob).toBeCloseTo(Math.log(expected[token]!), 5);
      expect(policyLogprob).toBeCloseTo(Math.log(row[token]!), 5);
    }
  });

  it('leaves the given row alone', () => {
    const copy = row.slice();
    createTokenChooser({ temperature: 1, topK: 1, minProbability: 0.3 }, row.length)(copy, createRandom(1));
    expect(copy).toEqual(row);
  });

  it('follows the logits where every allowed probability is too small for a float', () => {
    const flat = Float32Array.of(1, 0, 0);
    const logits_V = Float32Array.of(500, 1, 1 + Math.log(3));
    const choose = createTokenChooser({ temperature: 1 }, 3);
    const random = createRandom(3);
    let third = 0;
    for (let i = 0; i < 4000; i++) {
      const { token, logprob, policyLogprob } = choose(flat, random, {
        allowed_V: Uint8Array.of(0, 1, 1),
        logits_V,
      });
      expect(token).not.toBe(0);
      if (token === 2) third++;
      expect(logprob).toBeCloseTo(Math.log(token === 2 ? 0.75 : 0.25), 5);
      expect(policyLogprob).toBeCloseTo(logits_V[token]! - 500, 3);
    }
    expect(third / 4000).toBeGreaterThan(0.7);
    expect(third / 4000).toBeLessThan(0.8);
  });

  it('says so when a constraint allows nothing', () => {
    const choose = createTokenChooser({ temperature: 0 }, row.length);
    expect(() => choose(row, createRandom(1), { allowed_V: new Uint8Array(5), logits_V: logits })).toThrow(
      /allows no token/,
    );
  });

  it('keeps exactly the most probable tokens, on any row', () => {
    const anyRow = fc.array(fc.integer({ min: 1, max: 10 ** 6 }), { minLength: 2, maxLength: 40 });
    fc.assert(
      fc.property(
        anyRow,
        fc.integer({ min: 1, max: 45 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, topK, topP) => {
          const sum = values.reduce((a, b) => a + b, 0);
          const row_V = Float32Array.from(values, (value) => value / sum);
          const order = [...row_V.keys()].sort((a, b) => row_V[b]! - row_V[a]! || a - b);
          const { token } = createTokenChooser({ temperature: 1, topK, topP }, row_V.length)(
            row_V,
            createRandom(4),
          );
          const rank = order.indexOf(token);
          expect(rank).toBeLessThan(topK);
          const before = order.slice(0, rank).reduce((mass, v) => mass + row_V[v]!, 0);
          const ofTopK = order.slice(0, topK).reduce((mass, v) => mass + row_V[v]!, 0);
          if (rank > 0) expect(before).toBeLessThan(topP * ofTopK + 1e-6);
        },
      ),
    );
  });
});
