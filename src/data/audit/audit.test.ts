import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { writeConcertDatabase } from '../neighbours/neighbours.fixture.ts';
import { auditRows, countFindings } from './audit.ts';
import { readDataFile } from './data-file.ts';
import { asideKinds, type Finding } from './finding.ts';
import { editDistance } from './fixes.ts';
import { auditMarkdown } from './report.ts';
import { part, writeParts } from './set-aside.ts';
import { limitsWithoutOrder, momentWord, readsNoTable } from './statement-checks.ts';

let folder: string;
let databasePath: string;
let sandbox: Sandbox;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-'));
  databasePath = await writeConcertDatabase(join(folder, 'concerts.sqlite'));
  sandbox = createSandbox({ workers: 1, limits: { timeoutMs: 500 } });
});
afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

async function auditOf(examples: readonly object[], name = 'some.jsonl') {
  const path = join(folder, name);
  await writeFile(path, examples.map((example) => `${JSON.stringify(example)}\n`).join(''));
  const file = await readDataFile(path, 'concerts');
  const findings = await auditRows({
    rows: file.rows,
    databasePathOf: (id) =>
      id === 'concerts' ? databasePath : id === 'gone' ? join(folder, 'gone.sqlite') : undefined,
    sandbox,
    directory: join(folder, 'work'),
  });
  return { file, findings };
}
const ask = (question: string, sql: string) => ({ question, sql });
const findingsOf = async (...examples: object[]): Promise<readonly Finding[]> =>
  (await auditOf(examples)).findings;

test('good gold answers are left alone', async () => {
  const good = [
    ask('Who is French?', "SELECT name FROM singer WHERE country = 'France'"),
    ask('Who is how old, oldest first?', 'SELECT name, age FROM singer ORDER BY age DESC'),
    ask('How many concerts were there each year?', 'SELECT year, count(*) FROM concert GROUP BY year'),
    ask(
      'Who sang most?',
      'SELECT s.name FROM singer s JOIN performance p ON p.singer_id = s.id GROUP BY s.id HAVING sum(p.minutes) > 100',
    ),
    ask('In which cheap concert tickets were cheapest?', 'SELECT min(price) FROM concert'),
  ];
  expect(await findingsOf(...good)).toEqual([]);
});

describe('what is wrong is named', () => {
  test.each<[what: string, sql: string, kind: string, message: RegExp]>([
    ['an unknown column', 'SELECT title FROM singer', 'broken', /no such column/],
    ['a write', 'DELETE FROM singer', 'broken', /not allowed|writes/],
    [
      'one that never ends',
      'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT max(i) FROM n',
      'timeout',
      /stopped/,
    ],
    ['no rows', "SELECT name FROM singer WHERE country = 'Spain'", 'empty', /no rows/],
    ['a sum over no rows', "SELECT sum(age) FROM singer WHERE country = 'Spain'", 'empty', /only NULL/],
    ['random()', 'SELECT name FROM singer ORDER BY random() LIMIT 3', 'non-deterministic', /random/],
    ['today', "SELECT count(*) FROM concert WHERE held_on < date('now')", 'non-deterministic', /'now'/],
    [
      'a plain column among aggregates',
      'SELECT country, age, count(*) FROM singer GROUP BY country',
      'non-deterministic',
      /neither grouped nor aggregated/,
    ],
    [
      'a list as the rows lie',
      'SELECT group_concat(name) FROM singer',
      'non-deterministic',
      /order of the rows/,
    ],
    ['a tie at the LIMIT', 'SELECT name FROM singer ORDER BY age LIMIT 1', 'order-ambiguous', /at the LIMIT/],
    [
      'a tie in a subquery',
      'SELECT title FROM concert WHERE year = (SELECT year FROM concert GROUP BY year ORDER BY count(*) DESC LIMIT 1)',
      'order-ambiguous',
      /at the LIMIT/,
    ],
    ['LIMIT without ORDER BY', 'SELECT name FROM singer LIMIT 2', 'order-ambiguous', /without ORDER BY/],
    [
      'an order that its output does not show',
      'SELECT name FROM singer ORDER BY country',
      'order-ambiguous',
      /may come in any order/,
    ],
    ['no table', 'SELECT 2000', 'constant', /reads no table/],
    [
      'a tie that may come',
      'SELECT name FROM singer ORDER BY age DESC LIMIT 1',
      'tie-possible',
      /should they come up/,
    ],
  ])('%s', async (_, sql, kind, message) => {
    const [finding, ...more] = await findingsOf(
      ask('Good?', 'SELECT count(*) FROM singer'),
      ask('What?', sql),
    );
    expect(finding).toMatchObject({
      row: 2,
      id: 'some-2',
      databaseId: 'concerts',
      kind,
      message: expect.stringMatching(message) as string,
    });
    expect(more).toEqual([]);
  });

  test('a slow one', async () => {
    const path = join(folder, 'slow.jsonl');
    await writeFile(
      path,
      JSON.stringify(ask('Slow?', 'SELECT count(*) FROM singer a, singer b, singer c, singer d, singer e')),
    );
    const { rows } = await readDataFile(path, 'concerts');
    const findings = await auditRows({
      rows,
      databasePathOf: () => databasePath,
      sandbox,
      directory: join(folder, 'work'),
      slowMs: 0.001,
    });
    expect(findings).toMatchObject([{ kind: 'slow', row: 1 }]);
  });

  test('the same question: again, in other words, and with another answer', async () => {
    const findings = await findingsOf(
      ask('How many singers are there?', 'SELECT count(*) FROM singer'),
      ask('how many  singers are there?', 'SELECT count(*)  FROM singer;'),
      ask('How many singers are there?', 'SELECT count(id) FROM singer'),
      ask('Who sings?', 'SELECT name FROM singer'),
      ask('Who sings?', "SELECT name FROM singer WHERE country = 'France'"),
      ask('Who is over 40?', 'SELECT name FROM singer WHERE age > 40'),
      ask('Who is over 40?', 'SELECT name FROM singer WHERE age >= 40'),
    );
    expect(findings.map(({ row, kind }) => [row, kind])).toEqual([
      [2, 'duplicate'],
      [3, 'duplicate'],
      [4, 'contradiction'],
      [5, 'contradiction'],
      [6, 'contradiction'],
      [7, 'contradiction'],
    ]);
    expect(findings[0]!.fix).toEqual({ words: 'leave out row 2' });
    expect(findings[1]!.message).toMatch(/another SQL and the same answer/);
    expect(findings.at(-1)!.message).toMatch(/another answer on other data/);
  });

  test('a database that is not there is a finding; the other rows go on', async () => {
    const other = { ...ask('Who?', 'SELECT 1 FROM nobody'), databaseId: 'nobody' };
    const gone = { ...ask('Where?', 'SELECT 1 FROM nowhere'), databaseId: 'gone' };
    const findings = await findingsOf(
      other,
      gone,
      ask('Who is Spanish?', "SELECT name FROM singer WHERE country = 'Spain'"),
    );
    expect(findings.map(({ row, kind }) => [row, kind])).toEqual([
      [1, 'no-database'],
      [2, 'no-database'],
      [3, 'empty'],
    ]);
  });
});

describe('corrections', () => {
  test.each<[what: string, sql: string, fixed: string | undefined]>([
    [
      'quotes of a name',
      'SELECT name FROM singer WHERE country = "France"',
      "SELECT name FROM singer WHERE country = 'France'",
    ],
    ['a misspelt column', 'SELECT nmae FROM singer', 'SELECT name FROM singer'],
    ['a misspelt table', 'SELECT title FROM concerts', 'SELECT title FROM concert'],
    [
      'another case',
      "SELECT name FROM singer WHERE country = 'france'",
      "SELECT name FROM singer WHERE country = 'France'",
    ],
    [
      'a space too many',
      "SELECT name FROM singer WHERE country = 'United  States '",
      "SELECT name FROM singer WHERE country = 'United States'",
    ],
    [
      'two letters swapped',
      "SELECT name FROM singer WHERE country = 'Frnace'",
      "SELECT name FROM singer WHERE country = 'France'",
    ],
    [
      'a text for NULL',
      "SELECT name FROM singer WHERE is_male = 'null'",
      'SELECT name FROM singer WHERE is_male IS NULL',
    ],
    ['nothing near', "SELECT name FROM singer WHERE country = 'Australia'", undefined],
    ['too short to say', "SELECT name FROM singer WHERE country_code = 'XX'", undefined],
  ])('%s', async (_, sql, fixed) => {
    const [finding] = await findingsOf(ask('What?', sql));
    expect(['broken', 'empty']).toContain(finding!.kind);
    expect(finding!.fix).toEqual(fixed === undefined ? undefined : { sql: fixed });
  });

  test.each([
    ['kitten', 'sitting', 3],
    ['abc', 'abc', 0],
    ['ab', 'ba', 1],
    ['', 'ab', 2],
    ['abcdef', 'a', 4],
  ])('from %s to %s', (a, b, distance) => {
    expect(editDistance(a, b, 3)).toBe(distance);
    expect(editDistance(b, a, 3)).toBe(distance);
  });
});

test.each<[sql: string, word: string | undefined, noTable: boolean, unordered: boolean]>([
  ['SELECT RANDOM()', 'RANDOM', true, false],
  ['SELECT current_date', 'current_date', true, false],
  ["SELECT strftime('%Y', 'now')", "'now'", true, false],
  ["SELECT date('now', '-1 day') FROM t", "'now'", false, false],
  ['SELECT date() FROM t', 'date', false, false],
  ['SELECT date, now FROM t', undefined, false, false],
  ["SELECT 'random()' FROM t", undefined, false, false],
  ['SELECT a FROM t LIMIT 1', undefined, false, true],
  ['SELECT (SELECT 1)', undefined, true, false],
  ['SELECT (SELECT a FROM t LIMIT 1)', undefined, false, true],
])('the text of %s', (sql, word, noTable, unordered) => {
  expect(momentWord(sql)?.replace('()', '')).toBe(word);
  expect(readsNoTable(sql)).toBe(noTable);
  expect(limitsWithoutOrder(sql)).toBe(unordered);
});

describe('files', () => {
  test.each<[what: string, text: string]>([
    ['ours', '{"query": "Who?", "sql": "SELECT 1", "databaseId": "concerts"}\n'],
    ['Spider’s lines', '{"db_id": "concerts", "question": "Who?", "query": "SELECT 1"}\n'],
    [
      'Spider’s array',
      '[{"db_id": "concerts", "question": "Who?", "query": "SELECT 1", "query_toks": ["SELECT", "1"]}]',
    ],
    [
      'BIRD’s array',
      '\uFEFF[{"question_id": 0, "db_id": "concerts", "question": "Who?", "SQL": "SELECT 1", "evidence": ""}]',
    ],
  ])('%s', async (_, text) => {
    const path = join(folder, 'form.json');
    await writeFile(path, text);
    const { rows, problems } = await readDataFile(path, 'other');
    expect(problems).toEqual([]);
    expect(rows).toMatchObject([
      { row: 1, example: { question: 'Who?', sql: 'SELECT 1', databaseId: 'concerts' } },
    ]);
  });

  test('rows that cannot be read are named, the others stay', async () => {
    const path = join(folder, 'bad.jsonl');
    await writeFile(
      path,
      '{"question": "a", "query": "SELECT 1"}\n{"question": \n7\n{"sql": "SELECT 2"}\n{"question": "b", "query": "SELECT 2"}\n',
    );
    const { rows, problems } = await readDataFile(path, 'x');
    expect(rows.map(({ row }) => row)).toEqual([1, 5]);
    expect(problems.map(({ row }) => row)).toEqual([2, 3, 4]);
    await writeFile(path, '[{"question": "a"');
    await expect(readDataFile(path, 'x')).rejects.toMatchObject({ code: 'data/bad-file' });
  });

  test('what is set aside is written beside the file with the reason, each row as it was', async () => {
    const examples = [
      { question: 'How many?', query: 'SELECT count(*) FROM singer', db_id: 'concerts', hardness: 'easy' },
      {
        question: 'Who is Spanish?',
        query: "SELECT name FROM singer WHERE country = 'Spain'",
        db_id: 'concerts',
      },
      {
        question: 'Who is oldest?',
        query: 'SELECT name FROM singer ORDER BY age DESC LIMIT 1',
        db_id: 'concerts',
      },
    ];
    const { file, findings } = await auditOf(examples, 'part.jsonl');
    expect(countFindings(findings)).toEqual({ empty: 1, 'tie-possible': 1 });
    const before = await readFile(file.path, 'utf8');
    const { keptPath, asidePath } = await writeParts(file, part(file, findings, asideKinds));
    const linesOf = async (path: string) =>
      (await readFile(path, 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object);
    expect(await linesOf(keptPath)).toEqual([examples[0], examples[2]]);
    expect(await linesOf(asidePath)).toEqual([
      { ...examples[1], audit: [{ row: 2, kind: 'empty', message: 'no rows' }] },
    ]);
    expect(await readFile(file.path, 'utf8')).toBe(before);
    const kept = part(
      file,
      findings,
      asideKinds.filter((kind) => kind !== 'empty'),
    );
    expect(kept.aside).toEqual([]);
    const markdown = auditMarkdown([{ file, findings }]);
    expect(markdown).toContain('| empty | 1 |');
    expect(markdown).toContain('row 2, concerts: no rows');
  });
});
