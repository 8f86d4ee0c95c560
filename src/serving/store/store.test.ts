import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PipelineAnswer } from '../../agents/pipeline.ts';
import { openStoreDatabase } from './database.ts';
import { openStore, type Store } from './store.ts';

let folder: string;
let path: string;
const opened: Store[] = [];
const open = (answersMax?: number): Store => {
  const store = openStore(path, answersMax);
  opened.push(store);
  return store;
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'querent-store-'));
  path = join(folder, 'new', 'serve.sqlite');
});
afterEach(() => {
  for (const store of opened.splice(0)) store.close();
  rmSync(folder, { recursive: true, force: true });
});

const answer = (question: string, sql = 'SELECT 1'): PipelineAnswer => ({
  question,
  sql,
  confidence: 0.5,
  confidenceReason: '',
  abstained: false,
  tables: [],
  columns: [],
  explanation: '',
  warnings: [],
  candidates: [],
  isFromCache: false,
  latencyMs: 12.5,
  steps: [],
});

describe('history', () => {
  it('gives back what was added, newest first, in pages', () => {
    const { history } = open();
    const ids = ['a', 'b', 'c', 'd', 'e'].map((question) => history.add('', 'erp', answer(question)));
    const seen: string[] = [];
    let before: string | undefined;
    for (let pages = 0; pages < 5; pages++) {
      const { items, next } = history.page('', { limit: 2, ...(before === undefined ? {} : { before }) });
      seen.push(...items.map(({ id }) => id));
      if (next === null) break;
      before = next;
    }
    expect([...seen].sort()).toEqual([...ids].sort());
    expect(seen).toEqual([...seen].sort().reverse());
    expect(history.get('', ids[0]!)?.answer).toEqual(answer('a'));
  });

  it('shows nobody what another key asked', () => {
    const { history } = open();
    const id = history.add('alice', 'erp', answer('secret'));
    expect(history.page('bob', { limit: 10 }).items).toEqual([]);
    expect(history.get('bob', id)).toBeUndefined();
    expect(history.remove('bob', id)).toBe(false);
    expect(history.get('alice', id)?.question).toBe('secret');
  });

  it.each([
    ['50%', ['50% of it']],
    ['_', ['under_score']],
    ['\\', ['back\\slash']],
    ["'; DROP TABLE answers; --", []],
    ['OF', ['50% of it']],
  ])('searches for %j as it is written', (search, found) => {
    const { history } = open();
    for (const question of ['50% of it', 'under_score', 'back\\slash', 'none'])
      history.add('', 'erp', answer(question));
    expect(history.page('', { limit: 10, search }).items.map(({ question }) => question)).toEqual(found);
  });

  it('keeps one verdict an answer, and forgets it with the answer', () => {
    const { history } = open();
    const id = history.add('', 'erp', answer('q', 'SELECT 2'));
    const wrong = { verdict: 'wrong', correctedSql: 'SELECT 3', comment: 'three' } as const;
    history.setFeedback(id, { verdict: 'right', correctedSql: null, comment: null, exampleSql: 'SELECT 2' });
    history.setFeedback(id, { ...wrong, exampleSql: 'SELECT 3' });
    expect(history.get('', id)?.feedback).toEqual(wrong);
    expect(history.accepted('erp')).toMatchObject([{ question: 'q', sql: 'SELECT 3', isCorrection: true }]);
    expect(history.accepted('other')).toEqual([]);
    expect(history.remove('', id)).toBe(true);
    expect(history.accepted('erp')).toEqual([]);
  });

  it('forgets the oldest beyond its limit', () => {
    const { history } = open(10);
    for (let n = 0; n < 501; n++) history.add('', 'erp', answer(`q${n}`));
    const { items } = history.page('', { limit: 200 });
    expect(items).toHaveLength(10);
  });
});

describe('keys', () => {
  it('are checked, are nowhere in the file, and end when revoked', () => {
    const { keys } = open();
    expect(keys.hasKeys).toBe(false);
    const { key, id } = keys.create('page', 60);
    expect(keys.check(key)).toMatchObject({ id, name: 'page', requestsPerMinute: 60 });
    expect(keys.hasKeys).toBe(true);
    const secret = key.split('_').slice(2).join('_');
    for (const store of opened.splice(0)) store.close();
    expect(readFileSync(path).includes(secret)).toBe(false);
    const again = open().keys;
    again.revoke(id);
    expect(again.check(key)).toBeUndefined();
    expect(again.hasKeys).toBe(false);
    expect(again.list()).toMatchObject([{ id, revokedAt: expect.any(String) }]);
    expect(() => again.revoke('nobody')).toThrow(/no key with the id/);
  });

  it.each([
    '',
    'qk_',
    'qk_000000000000_',
    `qk_000000000000_${'A'.repeat(43)}`,
    "' OR 1=1 --",
    'x'.repeat(100_000),
  ])('refuse %.20j', (presented) => {
    const { keys } = open();
    const { key } = keys.create('page', 60);
    expect(keys.check(presented)).toBeUndefined();
    expect(keys.check(`${key.slice(0, -1)}${key.endsWith('A') ? 'E' : 'A'}`)).toBeUndefined();
  });
});

describe('the file', () => {
  it('is shared by two servers that write at once: nothing is lost', async () => {
    const ours = open();
    const script = `
      import { openStore } from ${JSON.stringify(new URL('./store.ts', import.meta.url).href)};
      const store = openStore(process.argv[2]);
      const answer = ${JSON.stringify(answer('theirs'))};
      for (let n = 0; n < 200; n++) store.history.add('', 'erp', answer);
      store.close();`;
    const file = join(folder, 'writer.mts');
    writeFileSync(file, script);
    const writer = promisify(execFile)(process.execPath, [
      '--import',
      import.meta.resolve('tsx'),
      file,
      path,
    ]);
    let written = 0;
    for (let isDone = false; !isDone; ) {
      isDone = await Promise.race([
        writer.then(() => true),
        new Promise<boolean>((r) => setTimeout(r, 5, false)),
      ]);
      ours.history.add('', 'erp', answer('ours'));
      written += 1;
    }
    const count = (search: string): number => {
      let total = 0;
      for (let before: string | undefined = 'g'; before !== undefined; ) {
        const { items, next } = ours.history.page('', { limit: 200, search, before });
        total += items.length;
        before = next ?? undefined;
      }
      return total;
    };
    expect(count('theirs')).toBe(200);
    expect(count('ours')).toBe(written);
  });

  it('of a newer version is refused by its number, and what is no database by its name', () => {
    const database = openStoreDatabase(path);
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(() => open()).toThrow(/has version 99, this program knows versions up to/);
    const other = join(folder, 'text.sqlite');
    writeFileSync(other, 'this is a text and no database, long enough to be looked at'.repeat(10));
    expect(() => openStore(other)).toThrow(expect.objectContaining({ code: 'store/cannot-open' }));
  });
});
