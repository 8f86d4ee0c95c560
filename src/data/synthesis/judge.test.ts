import { describe, expect, it } from 'vitest';
import { tieProbe } from './judge.ts';

describe('tieProbe', () => {
  it('asks for the sort key of one row more', () => {
    expect(tieProbe('SELECT a FROM t ORDER BY b DESC LIMIT 3')).toEqual({
      sql: 'SELECT b FROM t ORDER BY b DESC LIMIT 4',
      cuts: [3],
    });
    expect(tieProbe('SELECT a FROM t ORDER BY b DESC LIMIT 1 OFFSET 2')).toEqual({
      sql: 'SELECT b FROM t ORDER BY b DESC LIMIT 4',
      cuts: [2, 3],
    });
    expect(tieProbe('SELECT a FROM t ORDER BY b')).toBeUndefined();
  });
});
