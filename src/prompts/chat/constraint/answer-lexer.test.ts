import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedSqlite } from '../../../database/wasm.ts';
import { packageRoot, writeFileAtomic } from '../../../foundation/files.ts';
import { createRandom } from '../../../foundation/random.ts';
import { introspectSqlite } from '../../../schema/introspect.ts';
import { readAnswer } from '../../answer-text.ts';
import { type AnswerLexer, createAnswerLexer, type LexerState } from './answer-lexer.ts';
import type { SchemaNameList } from './schema-names.ts';

const shop: SchemaNameList = {
  dialect: 'sqlite',
  tables: [
    ['customers', ['id', 'name', 'City', 'order', 'größe']],
    ['orders', ['id', 'customer_id', 'amount', 'count']],
    ['Order Details', ['Unit Price', 'order_id']],
  ],
};
const lexer = createAnswerLexer(shop);

/** What is taken of an answer, and the state behind it. */
function read(from: AnswerLexer, text: string, start: LexerState = from.startOfBlock) {
  const bytes = Buffer.from(text);
  let state = start;
  for (let i = 0; i < bytes.length; i++) {
    const next = from.step(state, bytes[i]!);
    if (next === undefined) return { taken: bytes.subarray(0, i).toString(), state };
    state = next;
  }
  return { taken: text, state };
}
const isWhole = (from: AnswerLexer, sql: string): boolean =>
  read(from, `${sql.trim()}\n\`\`\``).state.isAnswered;

describe('lets come', () => {
  it.each([
    'select NAME, city from Customers where id = 1 order by name desc limit 3',
    'SELECT T1.name, T2.amount FROM customers AS T1 JOIN orders T2 ON T1.id = T2.customer_id',
    'SELECT c.größe FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id)',
    'SELECT customers.name, COUNT (*) total FROM customers GROUP BY customers.id HAVING total > 2.5e3',
    'SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM orders GROUP BY customer_id)',
    'SELECT s.n FROM (SELECT COUNT(*) AS n, customer_id FROM orders GROUP BY 2) AS s',
    'WITH big(x, y) AS (SELECT id, amount FROM orders), b AS (SELECT x FROM big) SELECT b.x FROM b JOIN big ON b.x = big.x',
    'WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 9) SELECT n FROM c',
    'SELECT "Order Details"."Unit Price" * -1 AS "Total p" FROM "Order Details" ORDER BY "Total p"',
    'SELECT [Unit Price], `order` FROM `Order Details`, customers',
    `SELECT name FROM customers WHERE City IN ("Bonn", 'K''öln') AND name LIKE "%x%" AND id NOT BETWEEN 1 AND 3`,
    'SELECT RANK() OVER (PARTITION BY customer_id ORDER BY amount DESC) FROM orders -- by "customer"',
    'SELECT SUM(amount) FILTER (WHERE id > 1) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM orders',
    "SELECT CASE WHEN amount >= .5 THEN 'a' ELSE NULL END AS k, CAST(amount AS DECIMAL(10, 2)) FROM orders WHERE k IS NOT NULL",
    'SELECT count, count(count) FROM orders WHERE rowid <> 4',
    'SELECT T1.id FROM customers AS T1 UNION SELECT T1.amount FROM orders AS T1',
    "SELECT j.value FROM json_each('[1]') AS j WHERE j.value = 1".replaceAll('j.value', 'j.id'),
    "SELECT strftime('%Y', name) || '-' /* year */ FROM customers WHERE (id, name) IN (SELECT id, name FROM customers);",
  ])('%s', (sql) => {
    expect(read(lexer, `${sql}\n\`\`\``).taken).toBe(`${sql}\n\`\`\``);
    expect(isWhole(lexer, sql)).toBe(true);
  });
});

describe('stops', () => {
  it.each([
    ['an invented table', 'SELECT name FROM custard', 'SELECT name FROM cust'],
    [
      'an invented column',
      'SELECT name FROM customers WHERE nope = 1',
      'SELECT name FROM customers WHERE no',
    ],
    ['a column of another table', 'SELECT customers.amount', 'SELECT customers.'],
    [
      'a column of another alias',
      'SELECT 1 FROM customers c WHERE c.amount',
      'SELECT 1 FROM customers c WHERE c.',
    ],
    [
      'an alias of a table without the column',
      'SELECT T1.amount FROM customers T1 ',
      'SELECT T1.amount FROM customers T1',
    ],
    [
      'an alias that is never declared',
      'SELECT T1.name FROM customers WHERE',
      'SELECT T1.name FROM customers WHERE',
    ],
    ['a column that is never made', 'SELECT total FROM orders\n```', 'SELECT total FROM orders\n'],
    ['an invented function', 'SELECT frob(name) FROM customers', 'SELECT frob'],
    ['a table that is no alias here', 'SELECT 1 FROM orders o WHERE x.id', 'SELECT 1 FROM orders o WHERE '],
    ['an invented name in quotes', 'SELECT 1 FROM "orderz"', 'SELECT 1 FROM "order'],
    ['a statement that is no query', 'DELETE FROM orders', ''],
    ['a second statement', 'SELECT 1; SELECT 2', 'SELECT 1; '],
    ['an end before the end', 'SELECT name FROM (SELECT 1\n```', 'SELECT name FROM (SELECT 1\n'],
    ['the end of the block in a string', "SELECT '```", "SELECT '``"],
    ['a dot behind a keyword', 'SELECT name FROM customers ORDER.', 'SELECT name FROM customers ORDER'],
    ['a parameter', 'SELECT name FROM customers WHERE id = ?', 'SELECT name FROM customers WHERE id = '],
  ])('%s', (_, sql, taken) => {
    expect(read(lexer, sql).taken).toBe(taken);
  });

  it('nothing outside of the block, and every later block again', () => {
    const before = 'The table custard, `nope` and ```js x``` are invented.\n```SQL\nSELECT ';
    const { taken, state } = read(
      lexer,
      `${before}1\n\`\`\` or custard \`\`\`sqlite\nSELECT 1 FROM c`,
      lexer.start,
    );
    expect(taken).toMatch(/SELECT 1 FROM c$/);
    expect(state.isAnswered).toBe(true);
    expect(lexer.step(state, 'x'.charCodeAt(0))).toBeUndefined();
    expect(read(lexer, before, lexer.start).state.isAnswered).toBe(false);
    expect(read(lexer, '```sqlx', lexer.start).taken).toBe('```sql');
  });

  it('reads double quotes as each dialect does', () => {
    const sql = 'SELECT name FROM customers WHERE name = "x"';
    const of = (dialect: string) => createAnswerLexer({ ...shop, dialect });
    expect(['sqlite', 'mysql', 'postgres', 'duckdb'].map((dialect) => isWhole(of(dialect), sql))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(isWhole(of('postgres'), 'SELECT amount::numeric(5,2) FROM orders')).toBe(true);
  });
});

/** A walk over random bytes that may come; the likeliest bytes of SQL more often. */
function wander(from: AnswerLexer, seed: number, length: number): LexerState[] {
  const random = createRandom(seed);
  const likely = Buffer.from(' etaoinsrhldcumfpgwybvkSELCTFROMWHNJ.,()*=\'"`;-12\n');
  const states = [from.startOfBlock];
  for (let i = 0; i < length; i++) {
    const byte = random.next() < 0.9 ? likely[random.int(likely.length)]! : random.int(256);
    const next = from.step(states.at(-1)!, byte);
    if (next !== undefined) states.push(next);
  }
  return states;
}

describe('every state that is reached', () => {
  it('has a byte that may come', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        for (const state of wander(lexer, seed, 300)) {
          const hasNext = Array.from({ length: 256 }, (_, byte) => byte).some(
            (byte) => lexer.step(state, byte) !== undefined,
          );
          if (!hasNext) throw new Error(`nothing may follow ${JSON.stringify(state)}`);
        }
      }),
      { numRuns: 15 },
    );
  });
});

it('takes any bytes outside of a block', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      let state: LexerState | undefined = lexer.start;
      for (const byte of bytes) state = state === undefined ? state : lexer.step(state, byte);
      return state !== undefined;
    }),
  );
});

const spider = join(packageRoot(), '..', 'shared', 'data', 'spider');

describe('gold statements', () => {
  it.skipIf(!existsSync(spider))('of Spider dev are never blocked', () => {
    interface Listed {
      readonly db_id: string;
      readonly table_names_original: readonly string[];
      readonly column_names_original: readonly (readonly [number, string])[];
    }
    const json = (name: string): unknown => JSON.parse(readFileSync(join(spider, name), 'utf8'));
    const lexers = new Map<string, AnswerLexer>();
    const listed = new Map((json('tables.json') as Listed[]).map((one) => [one.db_id, one]));
    const lexerOf = (id: string): AnswerLexer => {
      const { table_names_original: names, column_names_original: columns } = listed.get(id)!;
      const own = (at: number) => columns.filter(([table]) => table === at).map(([, column]) => column);
      const made =
        lexers.get(id) ?? createAnswerLexer({ dialect: 'sqlite', tables: names.map((n, i) => [n, own(i)]) });
      lexers.set(id, made);
      return made;
    };
    const gold = json('dev.json') as { readonly db_id: string; readonly query: string }[];
    expect(gold.length).toBeGreaterThan(400);
    expect(
      gold.filter(({ db_id, query }) => !isWhole(lexerOf(db_id), query)).map(({ query }) => query),
    ).toEqual([]);
  });

  it('of the ERP demonstration are never blocked', async () => {
    const root = join(packageRoot(), 'datasets', 'erp');
    const folder = await mkdtemp(join(tmpdir(), 'constraint-'));
    try {
      const sqlite = await sharedSqlite();
      const database = new sqlite.oo1.DB(':memory:');
      database.exec(readFileSync(join(root, 'schema.sql'), 'utf8'));
      await writeFileAtomic(join(folder, 'erp.sqlite'), sqlite.capi.sqlite3_js_db_export(database));
      database.close();
      const { tables } = await introspectSqlite(join(folder, 'erp.sqlite'));
      const erp = createAnswerLexer({
        dialect: 'sqlite',
        tables: tables.map(({ name, columns }) => [name, columns.map((column) => column.name)]),
      });
      // Of the long lists, which repeat their forms, every 24th.
      const files = [
        'base',
        'complex',
        'complex-b',
        'dev/complex',
        'dev/natural',
        'voices',
        'analysts-a',
        'analysts-d',
      ];
      const statements = files.flatMap((file) => {
        const lines = readFileSync(join(root, `${file}.jsonl`), 'utf8')
          .trim()
          .split('\n');
        const kept = lines.filter((_, i) => lines.length < 200 || i % 24 === 0);
        return kept.map((line) => (JSON.parse(line) as { sql: string }).sql);
      });
      expect(statements.length).toBeGreaterThan(700);
      expect(statements.filter((sql) => !isWhole(erp, sql))).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

it('ends the block where whoever reads the answer ends it', () => {
  const answer = "x ```sql\nSELECT `name`, '``' FROM `customers` ```";
  expect(read(lexer, answer, lexer.start).state.isAnswered).toBe(true);
  expect(readAnswer(answer)).toMatchObject({ sql: "SELECT `name`, '``' FROM `customers`", isComplete: true });
});
