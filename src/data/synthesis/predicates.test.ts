import { describe, expect, it } from 'vitest';
import type { Filter } from './filter.ts';
import { modifierOf, predicateOf, whoseClause } from './predicates.ts';

const filter = (words: Partial<Filter>): Filter => ({ sql: '', uses: [], ...words });

describe('predicateOf', () => {
  it.each<[Partial<Filter>, string]>([
    [{ before: 'active' }, 'are active'],
    [{ before: 'Java', apart: 'with Java skills' }, 'have Java skills'],
    [{ head: ['contractor', 'contractors'] }, 'are contractors'],
    [{ after: 'in Munich' }, 'are in Munich'],
    [{ after: 'that are on hold' }, 'are on hold'],
    [{ after: 'that went over budget' }, 'went over budget'],
    [{ after: 'who have not left' }, 'have not left'],
    [{ after: 'with a rating above 3' }, 'have a rating above 3'],
    [{ after: 'without a client' }, 'have no client'],
    [{ after: 'with no booked hours' }, 'have no booked hours'],
    [{ after: 'whose budget is below 5k' }, 'are ones whose budget is below 5k'],
    [{ after: 'that we signed in 2024' }, 'are ones that we signed in 2024'],
    [{ after: 'that Ann Lee works on' }, 'are ones that Ann Lee works on'],
  ])('%o is said of many as "%s"', (words, expected) => {
    expect(predicateOf(filter(words))).toBe(expected);
  });
});

describe('modifierOf', () => {
  it.each<[Partial<Filter>, string]>([
    [{ before: 'active' }, 'that are active'],
    [{ before: 'Java', apart: 'with Java skills' }, 'with Java skills'],
    [{ after: 'in Munich' }, 'in Munich'],
  ])('%o stands after the noun as "%s"', (words, expected) => {
    expect(modifierOf(filter(words))).toBe(expected);
  });
});

describe('whoseClause', () => {
  it.each([
    ['with status Blocked', 'whose vendor has status Blocked'],
    ['whose status is not active', "whose vendor's status is not active"],
    ['that are blocked', 'whose vendor is blocked'],
    ['located in Oslo', 'whose vendor is located in Oslo'],
    ['without a rating', 'whose vendor has no rating'],
    ['that went over budget', undefined],
    ['that we signed', undefined],
  ])('%s', (after, expected) => {
    expect(whoseClause('vendor', after)).toBe(expected);
  });
});
