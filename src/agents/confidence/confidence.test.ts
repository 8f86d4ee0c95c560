import { describe, expect, it } from 'vitest';
import { createRandom } from '../../foundation/random.ts';
import { clarify } from './clarification.ts';
import { confidenceFeatures, fitConfidence, parseConfidenceMap } from './confidence.ts';
import { fitLogistic, predictLogistic, sigmoid } from './logistic.ts';

describe('logistic regression', () => {
  it('finds the weights that made the labels', () => {
    const random = createRandom(7);
    const examples = Array.from({ length: 4_000 }, () => {
      const features = [random.normal(), random.normal()];
      return { features, isRight: random.chance(sigmoid(0.5 + 2 * features[0]! - features[1]!)) };
    });
    const { bias, weights } = fitLogistic(examples, 0.01);
    expect(bias).toBeCloseTo(0.5, 0);
    expect(weights[0]).toBeCloseTo(2, 0);
    expect(weights[1]).toBeCloseTo(-1, 0);
  });

  it('gives the base rate where the features say nothing, and stays finite where they say everything', () => {
    const nothing = Array.from({ length: 100 }, (_, at) => ({ features: [0], isRight: at < 70 }));
    expect(predictLogistic(fitLogistic(nothing), [0])).toBeCloseTo(0.7, 3);
    const everything = [-1, 1].flatMap((x) =>
      Array.from({ length: 50 }, () => ({ features: [x], isRight: x > 0 })),
    );
    const p = predictLogistic(fitLogistic(everything), [1]);
    expect(p).toBeGreaterThan(0.9);
    expect(p).toBeLessThan(1);
  });
});

describe('fitConfidence', () => {
  it('takes a word that nobody knows for a reason to doubt, where no question of the fit had one', () => {
    const judged = Array.from({ length: 150 }, (_, at) => ({
      features: confidenceFeatures.map((name) => (name === 'agreement' ? 0.9 : 0)),
      isRight: at % 10 > 0,
    }));
    const map = fitConfidence(judged, ['dev']);
    const asked = (unknown: number): number =>
      predictLogistic(
        map,
        confidenceFeatures.map((name) => (name === 'agreement' ? 0.9 : name === 'unknown' ? unknown : 0)),
      );
    expect(asked(0)).toBeCloseTo(0.9, 1);
    expect(asked(1)).toBeLessThan(asked(0) - 0.05);
    expect(asked(3)).toBeLessThan(0.5);
  });
});

describe('a calibration file', () => {
  const map = fitConfidence([{ features: confidenceFeatures.map(() => 0.5), isRight: true }], ['dev']);

  it('is read as it was written', () => {
    expect(parseConfidenceMap(JSON.stringify(map), 'file')).toEqual(map);
  });

  it('is refused where it is of another kind, with what to do', () => {
    expect(() => parseConfidenceMap('{', 'file')).toThrow(/not JSON/);
    const other = { ...map, features: ['probability'], weights: [1] };
    expect(() => parseConfidenceMap(JSON.stringify(other), 'file')).toThrow(/features probability/);
  });
});

describe('a question back', () => {
  it.each([
    [[], undefined],
    [[{ words: 'zorbles', reason: 'unknown-word' as const, meanings: [] }], 'What does “zorbles” mean here?'],
    [
      [
        {
          words: 'Lisbon',
          reason: 'several-columns' as const,
          meanings: ['customers.city', 'products.origin_city'],
        },
      ],
      'Is “Lisbon” the city in customers or the origin city in products?',
    ],
  ])('%j: %j', (ambiguous, question) => {
    expect(clarify(ambiguous)?.question).toBe(question);
  });
});
