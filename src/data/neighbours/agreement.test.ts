/** Right and wrong answers that one database cannot tell apart. No wrong one may pass, no right one be turned away. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { type AgreementJudge, createAgreementJudge } from './agreement.ts';
import { writeConcertDatabase } from './neighbours.fixture.ts';
import { buildNeighbours, type NeighbourSet } from './neighbours.ts';

const FRENCH = "SELECT name FROM singer WHERE country = 'France' AND age > 30";
const OLDEST = 'SELECT name FROM singer ORDER BY age DESC LIMIT 1';
const PER_SINGER =
  'SELECT T2.name, count(*) FROM performance AS T1 JOIN singer AS T2 ON T1.singer_id = T2.id GROUP BY T2.id';
const IN_2014 = 'SELECT title FROM concert WHERE year = 2014';
const MANY = 'SELECT count(*) FROM concert WHERE price > 100';
const NOBODY = "SELECT name FROM singer WHERE name = 'Nobody Atall'";
const BOTH_YEARS =
  'SELECT T1.name FROM singer AS T1 JOIN performance AS T2 ON T1.id = T2.singer_id JOIN concert AS T3 ON T3.id = T2.concert_id WHERE T3.year = 2013 ' +
  'INTERSECT SELECT T1.name FROM singer AS T1 JOIN performance AS T2 ON T1.id = T2.singer_id JOIN concert AS T3 ON T3.id = T2.concert_id WHERE T3.year = 2016';
const SLOPPY =
  'SELECT T1.name FROM singer AS T1 JOIN performance AS T2 ON T1.id = T2.singer_id GROUP BY T1.name HAVING count(*) > 1';
const COUNTRIES = 'SELECT DISTINCT country FROM singer';
const GOLDS = [FRENCH, OLDEST, PER_SINGER, IN_2014, MANY, NOBODY, BOTH_YEARS, SLOPPY, COUNTRIES];

let folder: string;
let sandbox: Sandbox;
let set: NeighbourSet;
let judge: AgreementJudge;
let source: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agreement-'));
  source = await writeConcertDatabase(join(folder, 'concerts.sqlite'));
  sandbox = createSandbox({ workers: 1 });
  set = await buildNeighbours({ databasePath: source, queries: GOLDS, directory: join(folder, 'cache') });
  judge = createAgreementJudge({ sandbox, neighbours: set });
});
afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

const agreement = async (gold: string, predicted: string) => (await judge.judge([{ gold, predicted }]))[0]!;

/** Each of these gives the gold's rows on the source. */
describe('wrong answers that the source lets through', () => {
  test.each<[what: string, gold: string, predicted: string]>([
    ['the answer itself', FRENCH, "VALUES ('Rose White'), ('John Nizinik'), ('Eve Stone')"],
    ['the answer as a list of keys', FRENCH, 'SELECT name FROM singer WHERE id IN (4, 5, 11)'],
    ['a count as a number', MANY, 'SELECT 0'],
    ['empty for empty', NOBODY, 'SELECT name FROM singer WHERE 0'],
    ['another name that is not there', NOBODY, "SELECT name FROM singer WHERE name = 'No One'"],
    ['the oldest by its key', OLDEST, 'SELECT name FROM singer WHERE id = 9'],
    ['a bound that no row meets', FRENCH, "SELECT name FROM singer WHERE country = 'France' AND age >= 31"],
    [
      'a bound beside the right one',
      FRENCH,
      "SELECT name FROM singer WHERE country = 'France' AND age >= 30",
    ],
    ['by name for by key', PER_SINGER, PER_SINGER.replace('GROUP BY T2.id', 'GROUP BY T2.name')],
    [
      'a missing condition',
      "SELECT name FROM singer WHERE age > 60 AND is_male = 'F'",
      'SELECT name FROM singer WHERE age > 60',
    ],
    ['all values, listed', COUNTRIES, "VALUES ('France'), ('United States'), ('Netherlands')"],
    ['a number of values', 'SELECT count(DISTINCT country) FROM singer', 'SELECT 3'],
  ])('%s', async (_, gold, predicted) => {
    const [verdict] = await sandbox.judgeBatch(source, [{ gold, predicted }]);
    const isOffByOne = predicted.includes('>= 31');
    expect(verdict!.match).toBe(true);
    // Ages are whole numbers: above 30 and from 31 up are the same.
    expect((await agreement(gold, predicted)).match).toBe(isOffByOne);
  });
});

describe('right answers', () => {
  test.each<[what: string, gold: string, predicted: string]>([
    ['the same words', FRENCH, FRENCH],
    ['by the country’s code', FRENCH, "SELECT name FROM singer WHERE country_code = 'FR' AND age > 30"],
    [
      'another way to the oldest',
      OLDEST,
      'SELECT name FROM singer WHERE age = (SELECT max(age) FROM singer)',
    ],
    [
      'tables the other way round',
      PER_SINGER,
      'SELECT s.name, count(*) FROM singer s JOIN performance p ON p.singer_id = s.id GROUP BY s.id',
    ],
    [
      'grouped by the foreign key',
      PER_SINGER,
      'SELECT s.name, count(*) FROM singer s, performance p WHERE p.singer_id = s.id GROUP BY p.singer_id',
    ],
    ['by key where the gold goes by name', SLOPPY, SLOPPY.replace('GROUP BY T1.name', 'GROUP BY T1.id')],
    [
      'two IN for INTERSECT',
      BOTH_YEARS,
      'SELECT name FROM singer WHERE id IN (SELECT singer_id FROM performance WHERE concert_id IN (SELECT id FROM concert WHERE year = 2013)) AND id IN (SELECT singer_id FROM performance WHERE concert_id IN (SELECT id FROM concert WHERE year = 2016))',
    ],
    ['BETWEEN one and the same', IN_2014, 'SELECT title FROM concert WHERE year BETWEEN 2014 AND 2014'],
    [
      'the other flag',
      "SELECT name FROM singer WHERE is_male = 'F'",
      "SELECT name FROM singer WHERE is_male <> 'T'",
    ],
    ['GROUP BY for DISTINCT', COUNTRIES, 'SELECT country FROM singer GROUP BY country'],
    ['a DISTINCT over names more', 'SELECT name FROM singer', 'SELECT DISTINCT name FROM singer'],
  ])('%s', async (_, gold, predicted) => {
    expect(await agreement(gold, predicted)).toMatchObject({ match: true });
  });
});

describe('nothing to tell', () => {
  test.each<[what: string, gold: string, predicted: string]>([
    ['a gold that fails', 'SELECT nothing FROM singer', 'SELECT 1'],
    ['an answer that no row changes', 'SELECT 42', 'SELECT 40 + 2'],
    ['a gold that leaves open which row', 'SELECT name FROM singer LIMIT 1', 'SELECT min(name) FROM singer'],
    [
      'a column that is neither grouped nor aggregated',
      'SELECT country, age FROM singer GROUP BY country',
      'SELECT country, min(age) FROM singer GROUP BY country',
    ],
  ])('%s', async (_, gold, predicted) => {
    expect((await agreement(gold, predicted)).match).toBe(null);
  });
});

test('where it differs is named; the order of columns counts unless it may not', async () => {
  const wrong = await agreement(FRENCH, 'SELECT name FROM singer WHERE age > 30');
  expect(wrong).toMatchObject({ match: false, difference: { reason: expect.any(String) as string } });
  expect(set.neighbours[wrong.difference!.neighbour]).toBeDefined();
  const swapped = {
    gold: PER_SINGER,
    predicted: PER_SINGER.replace('T2.name, count(*)', 'count(*), T2.name'),
  };
  expect((await judge.judge([swapped]))[0]!.match).toBe(false);
  const lenient = createAgreementJudge({ sandbox, neighbours: set, columnOrder: 'any' });
  expect((await lenient.judge([swapped]))[0]!.match).toBe(true);
});

test('enough: no more neighbours are asked than needed', async () => {
  const quick = createAgreementJudge({ sandbox, neighbours: set, enough: 1 });
  const [one] = await quick.judge([{ gold: IN_2014, predicted: `${IN_2014} AND 1` }]);
  const [all] = await judge.judge([{ gold: IN_2014, predicted: `${IN_2014} AND 1` }]);
  expect(one).toEqual({ match: true, told: 1 });
  expect(all!.told).toBeGreaterThan(1);
});
