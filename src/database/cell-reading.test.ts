import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeText } from './cell-reading.ts';

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('text that is no UTF-8', () => {
  test.each<[what: string, hex: string, replaced: string, dropped: string]>([
    ['a stray byte', '61 ff 62', 'a\uFFFDb', 'ab'],
    ['a sequence cut short', '61 e2 82 41', 'a\uFFFDA', 'aA'],
    ['cut short at the end', '61 f0 9f 98', 'a\uFFFD', 'a'],
    ['a surrogate', '61 ed a0 80 62', 'a\uFFFD\uFFFD\uFFFDb', 'ab'],
    ['a real U+FFFD beside a stray byte', 'ef bf bd ff 62', '\uFFFD\uFFFDb', '\uFFFDb'],
    ['an overlong slash', 'c0 af', '\uFFFD\uFFFD', ''],
  ])('%s', (_, hex, replaced, dropped) => {
    expect(decodeText(bytes(hex), 'replace')).toBe(replaced);
    expect(decodeText(bytes(hex), 'drop')).toBe(dropped);
    expect(decodeText(bytes(hex), 'fail')).toBe(undefined);
  });

  test('a leading U+FEFF stays: it is part of the text', () => {
    for (const invalid of ['replace', 'drop', 'fail'] as const) {
      expect(decodeText(bytes('ef bb bf 61'), invalid)).toBe('\uFEFFa');
    }
  });

  test('valid text is the same in every way', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const encoded = new TextEncoder().encode(text);
        const expected = new TextDecoder('utf-8', { ignoreBOM: true }).decode(encoded);
        for (const invalid of ['replace', 'drop', 'fail'] as const)
          expect(decodeText(encoded, invalid)).toBe(expected);
      }),
    );
  });
});
