/** Gold queries and samples over the small database, as a half-trained model answers Spider's questions. */
import { createRandom, type Random } from '../../src/foundation/random.ts';

export interface SampledGroup {
  readonly gold: string;
  readonly samples: readonly string[];
}

/** A question with its value filled in: the gold query, then answers, right ones first. */
type Template = (value: number) => readonly [gold: string, ...answers: string[]];

const templates: readonly Template[] = [
  (n) => [
    `SELECT COUNT(*) FROM singer WHERE Age > ${n}`,
    `SELECT COUNT(Singer_ID) FROM singer WHERE Age > ${n}`,
    `SELECT COUNT(*) FROM singer WHERE Age >= ${n}`,
    `SELECT COUNT(*) FROM singers WHERE Age > ${n}`,
  ],
  (n) => [
    `SELECT Name, Country FROM singer WHERE Age > ${n} ORDER BY Age DESC LIMIT 10`,
    `SELECT s.Name, s.Country FROM singer AS s WHERE s.Age > ${n} ORDER BY s.Age DESC LIMIT 10`,
    `SELECT Name, Country FROM singer WHERE Age > ${n} LIMIT 10`,
    `SELECT Name Country FROM singer WHERE Age > ${n} ORDER BY Age DESC LIMIT 10`,
  ],
  (n) => [
    `SELECT Country, COUNT(*) FROM singer WHERE Age > ${n} GROUP BY Country`,
    `SELECT Country, COUNT(Singer_ID) FROM singer WHERE ${n} < Age GROUP BY 1`,
    `SELECT COUNT(*), Country FROM singer WHERE Age > ${n} GROUP BY Country`,
    `SELECT Country, COUNT(*) FROM singer GROUP BY Country HAVING Age > ${n}`,
  ],
  (n) => [
    `SELECT AVG(Capacity), MAX(Capacity) FROM stadium WHERE Stadium_ID > ${n}`,
    `SELECT SUM(Capacity) * 1.0 / COUNT(*), MAX(Capacity) FROM stadium WHERE Stadium_ID > ${n}`,
    `SELECT AVG(Capacity), MIN(Capacity) FROM stadium WHERE Stadium_ID > ${n}`,
    `SELECT AVG(Capacity), MAX(Size) FROM stadium WHERE Stadium_ID > ${n}`,
  ],
  (n) => [
    `SELECT T2.Name, COUNT(*) FROM concert AS T1 JOIN stadium AS T2 ON T1.Stadium_ID = T2.Stadium_ID WHERE T2.Stadium_ID <= ${n} GROUP BY T1.Stadium_ID`,
    `SELECT s.Name, COUNT(c.Concert_ID) FROM stadium s JOIN concert c ON c.Stadium_ID = s.Stadium_ID WHERE s.Stadium_ID <= ${n} GROUP BY s.Stadium_ID`,
    `SELECT T2.Name, COUNT(*) FROM concert AS T1 JOIN stadium AS T2 ON T1.Stadium_ID = T2.Stadium_ID GROUP BY T1.Stadium_ID`,
    `SELECT Name, COUNT(*) FROM concert GROUP BY Stadium_ID`,
  ],
  (n) => [
    `SELECT Name FROM stadium WHERE Stadium_ID NOT IN (SELECT Stadium_ID FROM concert WHERE Year = ${2010 + (n % 15)})`,
    `SELECT Name FROM stadium s WHERE NOT EXISTS (SELECT 1 FROM concert c WHERE c.Stadium_ID = s.Stadium_ID AND c.Year = ${2010 + (n % 15)})`,
    `SELECT Name FROM stadium WHERE Stadium_ID IN (SELECT Stadium_ID FROM concert WHERE Year = ${2010 + (n % 15)})`,
    `SELECT Name FROM stadium WHERE NOT (SELECT Stadium_ID FROM concert WHERE Year = ${2010 + (n % 15)}`,
  ],
  (n) => [
    `SELECT T2.Name, T2.Country FROM singer_in_concert AS T1 JOIN singer AS T2 ON T1.Singer_ID = T2.Singer_ID WHERE T1.Concert_ID = ${n}`,
    `SELECT Name, Country FROM singer WHERE Singer_ID IN (SELECT Singer_ID FROM singer_in_concert WHERE Concert_ID = ${n})`,
    `SELECT T2.Name FROM singer_in_concert AS T1 JOIN singer AS T2 ON T1.Singer_ID = T2.Singer_ID WHERE T1.Concert_ID = ${n}`,
    `SELECT T2.Name, T2.Country FROM singer_in_concert AS T1 JOIN singer AS T2 WHERE T1.Concert_ID = ${n}`,
  ],
  (n) => [
    `SELECT DISTINCT Theme FROM concert WHERE Year > ${2008 + (n % 12)}`,
    `SELECT Theme FROM concert WHERE Year > ${2008 + (n % 12)} GROUP BY Theme`,
    `SELECT Theme FROM concert WHERE Year > ${2008 + (n % 12)}`,
    `SELECT DISTINCT Themes FROM concert WHERE Year > ${2008 + (n % 12)}`,
  ],
];

function samplesOf(
  [gold, right, ...wrong]: readonly string[],
  random: Random,
  isDistinct: boolean,
): string[] {
  const forms = [gold!, right!, ...wrong];
  return Array.from({ length: 8 }, (_, k) => {
    const form = forms[random.int(forms.length)]!;
    // The same rows by another text.
    return isDistinct ? `SELECT * FROM (${form}) AS v${k}` : form;
  });
}

/**
 * `K = 8` samples of each prompt, drawn from four answers, so that some repeat, as samples of one prompt do. `isDistinct`: no
 * sample repeats and none has the gold's text, so that every one must run.
 */
export function spiderGroups(prompts: number, seed: number, isDistinct = false): readonly SampledGroup[] {
  const random = createRandom(seed);
  return Array.from({ length: prompts }, (_, i) => {
    const [gold, ...answers] = templates[i % templates.length]!(1 + Math.floor(i / templates.length));
    return { gold, samples: samplesOf([gold, ...answers], random, isDistinct) };
  });
}
