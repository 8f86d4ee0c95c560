import { expect, test } from 'vitest';
import { parseDdlComments } from './ddl-comments.ts';

const parsed = (ddl: string) => {
  const { table, columns } = parseDdlComments(ddl);
  return { table, ...Object.fromEntries(columns) };
};

test.each([
  [
    'behind the column, with and without a comma',
    'CREATE TABLE t ( -- the table\n  a INT, -- first\n  b INT -- last\n)',
    { table: 'the table', a: 'first', b: 'last' },
  ],
  [
    'on a line of its own, for the column below',
    'CREATE TABLE t (\n  -- about a\n  -- and more\n  a INT,\n  /* about b */\n  b INT)',
    { table: undefined, a: 'about a and more', b: 'about b' },
  ],
  [
    'inside a definition with commas in parentheses',
    'CREATE TABLE t (a NUMERIC(8,2) /* money */, b TEXT CHECK (b IN (1, 2)) /* kind */)',
    { table: undefined, a: 'money', b: 'kind' },
  ],
  [
    'in front of the columns, as a banner',
    'CREATE TABLE t /* *** people *** */ (a INT)',
    { table: 'people' },
  ],
  [
    'quoted names; a comment behind a constraint is nobody’s column',
    'CREATE TABLE [my t] (\n [my col] INT, -- mine\n "B" INT, -- yours\n PRIMARY KEY ([my col]) -- pk\n)',
    { table: 'pk', 'my col': 'mine', b: 'yours' },
  ],
  [
    'dashes in strings are no comments',
    "CREATE TABLE t (a TEXT DEFAULT '-- no', b INT)",
    { table: undefined },
  ],
  ['no comments at all', 'CREATE TABLE t (a, b)', { table: undefined }],
])('%s', (_, ddl, expected) => {
  expect(parsed(ddl)).toEqual(expected);
});
