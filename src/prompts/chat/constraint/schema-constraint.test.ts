import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTinyLanguageModel } from '../../../../test/support/tiny-language-model.ts';
import { codeTokens, isKeyword, isName, type SqlToken } from '../../../database/sql-text.ts';
import { createLocalPolicy } from '../../../engine/local-policy.ts';
import type { ConstraintSpec, Policy } from '../../../engine/policy.ts';
import { loadTokenizer, type Tokenizer, type TokenizerJson } from '../../../engine/tokenizer/tokenizer.ts';
import type { Column, Schema } from '../../../schema/schema.ts';
import { schemaConstraint } from './constraint-spec.ts';
import { createSchemaConstraint, type SchemaConstraintOptions } from './schema-constraint.ts';
import { collations, functionNames, keywords, rowIds, tableFunctions, typeNames } from './sql-language.ts';

const columnsOf: Readonly<Record<string, readonly string[]>> = {
  customers: ['customer_id', 'name', 'city'],
  orders: ['order_id', 'customer_id', 'amount', 'status'],
};
const schema = {
  dialect: 'sqlite',
  databaseId: 'shop',
  hash: '',
  tables: Object.entries(columnsOf).map(([name, columns]) => ({
    name,
    columns: columns.map((column) => ({ name: column }) as Column),
  })),
} as unknown as Schema;

let directory: string;
let tokenizer: Tokenizer;
let policy: Policy;
let constraint: ConstraintSpec;
let stopToken: number;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'constraint-'));
  await writeTinyLanguageModel(directory, 3);
  const json = JSON.parse(readFileSync(join(directory, 'tokenizer.json'), 'utf8')) as TokenizerJson;
  tokenizer = loadTokenizer(json);
  stopToken = tokenizer.tokenToId('<|im_end|>')!;
  constraint = schemaConstraint(schema, tokenizer, [stopToken]);
  policy = await createLocalPolicy({ directory, seed: 1, threads: 1 });
});
afterAll(async () => {
  await policy.close();
  await rm(directory, { recursive: true, force: true });
});

const languageWords = new Set([...keywords, ...typeNames, ...collations, ...rowIds]);
const schemaWords = new Set([...Object.keys(columnsOf), ...Object.values(columnsOf).flat()]);

/** Names that the text gives to something: behind AS, behind a value or a table, in front of the body of a common table. */
function declaredIn(tokens: readonly SqlToken[]): Set<string> {
  const declared = new Set<string>();
  tokens.forEach((token, i) => {
    const [before, next] = [tokens[i - 1], tokens[i + 1]];
    const isCommon = isKeyword(before, 'WITH') || before?.value.toLowerCase() === 'recursive';
    const isListed = before?.text === ',' && (isKeyword(next, 'AS') || next?.text === '(');
    const isAlias =
      isKeyword(before, 'AS') ||
      ((isName(before) || ['number', 'string'].includes(before?.kind ?? '') || before?.text === ')') &&
        !languageWords.has(before!.value.toLowerCase())) ||
      isKeyword(before, 'END', 'NULL');
    if ((isName(token) && (isCommon || isListed || isAlias)) || (token.kind === 'string' && isAlias))
      declared.add(token.value.toLowerCase());
    const isHead = isName(before) && token.text === '(' && !functionNames.has(before!.value.toLowerCase());
    if (isHead && (isKeyword(tokens[i - 2], 'WITH') || tokens[i - 2]?.text === ',')) {
      for (let j = i + 1; j < tokens.length && tokens[j]!.text !== ')'; j++)
        declared.add(tokens[j]!.value.toLowerCase());
    }
  });
  return declared;
}

/** Names that are neither real nor declared, nor waiting in a SELECT list for a FROM clause that has not ended. */
function invented(tokens: readonly SqlToken[]): string[] {
  const declared = declaredIn(tokens);
  const found: string[] = [];
  interface Open {
    isSelect: boolean;
    waiting: string[];
  }
  const stack: Open[] = [{ isSelect: false, waiting: [] }];
  const end = (): void => {
    const { waiting } = stack.at(-1)!;
    const outer = stack.slice(0, -1).findLast(({ isSelect }) => isSelect);
    (outer?.waiting ?? found).push(...waiting.splice(0));
  };
  const isReal = (token: SqlToken, i: number): boolean => {
    const name = token.value.toLowerCase();
    const [before, next] = [tokens[i - 1]?.text, tokens[i + 1]?.text];
    // Cut off in front of its parenthesis.
    if (declared.has(name) || (next === undefined && functionNames.has(name))) return true;
    if (before === '.') {
      const table = tokens[i - 2]!.value.toLowerCase();
      const own = declared.has(table) ? undefined : columnsOf[table];
      return rowIds.includes(name) || (own ?? [...schemaWords]).includes(name);
    }
    if (next === '(' && token.kind === 'identifier')
      return functionNames.has(name) || tableFunctions.includes(name) || languageWords.has(name);
    return schemaWords.has(name) || languageWords.has(name);
  };
  /** SQLite reads what stands in double quotes as a string where values stand. */
  const isText = (token: SqlToken, i: number): boolean =>
    token.text.startsWith('"') && /^([=<>!]+|LIKE|GLOB|BETWEEN|AND|,|\()$/i.test(tokens[i - 1]?.text ?? '');
  tokens.forEach((token, i) => {
    if (token.text === '(') stack.push({ isSelect: false, waiting: [] });
    else if (token.text === ')') {
      end();
      if (stack.length > 1) stack.pop();
    } else if (isKeyword(token, 'SELECT')) stack.at(-1)!.isSelect = true;
    else if (isKeyword(token, 'FROM')) stack.at(-1)!.isSelect = false;
    else if (isKeyword(token, 'WHERE', 'GROUP', 'HAVING', 'ORDER', 'LIMIT', 'UNION', 'INTERSECT', 'EXCEPT'))
      end();
    else if (isName(token) && !isReal(token, i) && !isText(token, i)) {
      const waiting = stack.findLast(({ isSelect }) => isSelect)?.waiting ?? found;
      waiting.push(token.text);
    }
  });
  return found;
}

/** What was written in the block, without the token that the limit may have cut. */
function writtenTokens(text: string): SqlToken[] {
  const [block = ''] = text.split('```', 1);
  return codeTokens(block).slice(0, -1);
}

const sample = (prompt: string, samples: number, seed: number, held: boolean, maxNewTokens = 60) =>
  policy.sample({
    prompts: [tokenizer.encode(prompt)],
    samplesPerPrompt: samples,
    maxNewTokens,
    temperature: 1,
    stopTokens: [stopToken],
    seed,
    ...(held ? { constraint } : {}),
  });
const opened = '<|im_start|>assistant\n```sql\n';

describe('samples of random weights', () => {
  it('use only names that are real or declared', async () => {
    const [group] = await sample(opened, 200, 5, true);
    const statements = group!.map(({ tokens }) => writtenTokens(tokenizer.decode(tokens)));
    expect(statements.flatMap(invented)).toEqual([]);
    const names = statements.flatMap((tokens) => tokens.filter(isName));
    const isSchemaName = ({ value }: SqlToken) => schemaWords.has(value.toLowerCase());
    expect(names.filter(isSchemaName).length).toBeGreaterThan(40);
    expect(
      statements.every(([first]) => first === undefined || isKeyword(first, 'SELECT', 'WITH', 'VALUES')),
    ).toBe(true);
  });

  it('would invent names otherwise', async () => {
    const [group] = await sample(opened, 20, 5, false);
    expect(
      group!.flatMap(({ tokens }) => invented(writtenTokens(tokenizer.decode(tokens)))).length,
    ).toBeGreaterThan(20);
  });

  it('are free outside of the block, but have no end without one', async () => {
    const [group] = await sample('<|im_start|>assistant\n', 6, 1, true, 40);
    expect(new Set(group!.map(({ stopReason }) => stopReason))).toEqual(new Set(['length']));
    expect(new Set(group!.flatMap(({ tokens }) => [...tokens])).size).toBeGreaterThan(100);
  });
});

describe('masks', () => {
  const machine = () => createSchemaConstraint(constraint.options as SchemaConstraintOptions);
  const allowedAfter = (text: string): { readonly allowed: Uint8Array; readonly blockedAt: number } => {
    const { start, mask, advance } = machine();
    let state = start(Int32Array.of());
    const allowed = new Uint8Array(tokenizer.vocabSize);
    let blockedAt = -1;
    tokenizer.encode(text).forEach((token, at) => {
      allowed.fill(1);
      mask(state, allowed);
      if (allowed[token] === 0 && blockedAt < 0) blockedAt = at;
      state = advance(state, token);
    });
    allowed.fill(1);
    mask(state, allowed);
    return { allowed, blockedAt };
  };

  it.each([
    "Both tables.\n```sql\nSELECT T1.name, COUNT(*) FROM customers AS T1 JOIN orders AS T2 ON T1.customer_id = T2.customer_id WHERE T2.status = 'öpen' GROUP BY T1.name\n```",
    '```sql\nWITH big AS (SELECT customer_id, SUM(amount) AS total FROM orders GROUP BY customer_id) SELECT total FROM big -- 100%\n```',
  ])('let every token of %s come, and then its end', (text) => {
    const { allowed, blockedAt } = allowedAfter(text);
    expect(blockedAt).toBe(-1);
    expect(allowed[stopToken]).toBe(1);
  });

  it.each([
    '',
    '```sql\nSELECT ',
    '```sql\nSELECT name FROM cust',
    "```sql\nSELECT 'a",
    '```sql\nSELECT name AS na',
    '```sql\nSELECT 1 FROM orders o WHERE o.',
    '```sql\nSELECT name -- x',
  ])('are, after %j, the tokens of which every byte may come', (text) => {
    const { bytes, starts } = (constraint.options as SchemaConstraintOptions).vocabulary;
    const { allowed } = allowedAfter(text);
    const before = machine();
    let state = before.start(Int32Array.of());
    for (const token of tokenizer.encode(text)) state = before.advance(state, token);
    const single = new Map<number, number>();
    for (let token = 0; token < tokenizer.vocabSize; token++)
      if (starts[token + 1]! - starts[token]! === 1) single.set(bytes[starts[token]!]!, token);
    const one = new Uint8Array(tokenizer.vocabSize);
    const byBytes = Uint8Array.from(allowed, (_, token) => {
      if (starts[token] === starts[token + 1]) return allowed[token]!;
      let at = state;
      for (let i = starts[token]!; i < starts[token + 1]!; i++) {
        one.fill(1);
        before.mask(at, one);
        const byte = single.get(bytes[i]!)!;
        if (one[byte] === 0) return 0;
        at = before.advance(at, byte);
      }
      return 1;
    });
    expect(byBytes).toEqual(allowed);
    expect(allowed[stopToken]).toBe(0);
  });
});

it('refuses a tokenizer that does not write bytes', () => {
  const words = { ...tokenizer, json: { ...tokenizer.json, decoder: { type: 'WordPiece' } } };
  expect(() => schemaConstraint(schema, words, [stopToken])).toThrowError(
    expect.objectContaining({ code: 'prompts/no-byte-level-tokenizer' }),
  );
});
