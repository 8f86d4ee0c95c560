import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codeTokens, isBlankSql, normalizeTokens, quoteName, tokenizeSql } from './sql-text.ts';

const shapes = (sql: string) => tokenizeSql(sql).map(({ kind, value }) => `${kind}:${value}`);

describe('tokens', () => {
  test.each([
    ["SELECT 'it''s'", ['keyword:SELECT', "string:it's"]],
    [
      'select "a ""b""" , [c d], `e`',
      [
        'keyword:SELECT',
        'quoted-identifier:a "b"',
        'punctuation:,',
        'quoted-identifier:c d',
        'punctuation:,',
        'quoted-identifier:e',
      ],
    ],
    ['1 .5 1e3 0xFF 1_000', ['number:1', 'number:.5', 'number:1e3', 'number:0xFF', 'number:1_000']],
    ["x'0a' X'ff'", ['blob:0a', 'blob:ff']],
    ['a--c\nb/*d*/e', ['identifier:a', 'comment:c', 'identifier:b', 'comment:d', 'identifier:e']],
    ['? ?1 :a @b $c', ['parameter:?', 'parameter:?1', 'parameter::a', 'parameter:@b', 'parameter:$c']],
    [
      'a<>b||c->>d::int',
      [
        'identifier:a',
        'punctuation:<>',
        'identifier:b',
        'punctuation:||',
        'identifier:c',
        'punctuation:->>',
        'identifier:d',
        'punctuation:::',
        'identifier:int',
      ],
    ],
    ['größe_1', ['identifier:größe_1']],
    ["'open", ['string:open']],
    ['/* open', ['comment:open']],
  ])('%s', (sql, expected) => {
    expect(shapes(sql)).toEqual(expected);
  });

  test('depth is that of the surrounding parentheses', () => {
    expect(
      tokenizeSql('a (b (c) d) e')
        .map(({ text, depth }) => `${text}${depth}`)
        .join(' '),
    ).toBe('a0 (0 b1 (1 c2 )1 d1 )0 e0');
  });

  test('an unterminated token is marked', () => {
    expect(tokenizeSql("SELECT 'x").map(({ isTerminated }) => isTerminated)).toEqual([true, false]);
  });
});

describe('properties', () => {
  const pieces = fc.array(
    fc.constantFrom(
      'SELECT',
      ' ',
      '\n',
      "'",
      '"',
      '`',
      '[',
      ']',
      '--',
      '/*',
      '*/',
      '(',
      ')',
      ';',
      ',',
      '.',
      '1',
      'é',
      '\0',
      '😀',
      'x',
      '?',
      '$',
      '||',
    ),
    { maxLength: 30 },
  );
  test('any text at all: tokens lie in order, do not overlap, and only white space is between them', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          pieces.map((parts) => parts.join('')),
        ),
        (sql) => {
          let at = 0;
          for (const token of tokenizeSql(sql)) {
            expect(sql.slice(at, token.start).trim()).toBe('');
            expect(token.end).toBeGreaterThan(token.start);
            expect(token.text).toBe(sql.slice(token.start, token.end));
            at = token.end;
          }
          expect(sql.slice(at).trim()).toBe('');
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a quoted name is one token with that name', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (name) => {
        const [token, ...rest] = codeTokens(quoteName(name));
        expect(token!.value).toBe(name);
        expect(rest).toEqual([]);
      }),
    );
  });
});

test('comments and semicolons are blank, anything else is not', () => {
  expect(isBlankSql(' ; -- x\n /* y */ ;')).toBe(true);
  expect(isBlankSql('; SELECT')).toBe(false);
});

test('spacing, comments and the case of words do not change the normal form; strings keep theirs', () => {
  const normal = (sql: string) => normalizeTokens(codeTokens(sql));
  expect(normal("select  Count( * )/* n */ FROM T where a='X'")).toBe(
    normal("SELECT count(*) from t WHERE a = 'X'"),
  );
  expect(normal("a = 'X'")).not.toBe(normal("a = 'x'"));
});
