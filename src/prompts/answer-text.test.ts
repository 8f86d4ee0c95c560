import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formsOf, readAnswer, withoutStopMarks } from './answer-text.ts';

describe('readAnswer', () => {
  it.each([
    ['SELECT 1', 'SELECT 1', true],
    ['  with c as (select 1) select * from c;\n', 'with c as (select 1) select * from c;', true],
    ['```sql\nSELECT 1\n```', 'SELECT 1', true],
    ['```SQLite\nSELECT 1\n```', 'SELECT 1', true],
    ['```\nSELECT 1\n```', 'SELECT 1', true],
    ['First ```sql\nSELECT 1\n``` no, better:\n```sql\nSELECT 2\n```', 'SELECT 2', true],
    ['<think>Maybe ```sql SELECT 1``` ?</think><answer>```sql\nSELECT 2\n```</answer>', 'SELECT 2', true],
    ['<answer>SELECT 3</answer>', 'SELECT 3', true],
    ['<think>a</think><solution>SELECT 4</solution>', 'SELECT 4', true],
    ['Try <sql>SELECT 5</sql>', 'SELECT 5', true],
    ['The query is:\nSELECT a\nFROM t;\nIt counts all.', 'SELECT a\nFROM t', true],
    ['With these tables one could ask:\nSELECT a FROM t\n\nDone.', 'SELECT a FROM t', true],
    ['SELECT 1<|im_end|>\n', 'SELECT 1', true],
    ['```sql\nSELECT 1\n```</s><|endoftext|>', 'SELECT 1', true],
    ['I do not know.', '', true],
    ['', '', true],
    // Cut off: an opened block or tag has no end.
    ['```sql\nSELECT a, COUNT(', 'SELECT a, COUNT(', false],
    ['<answer>```sql\nSELECT 1\n```', 'SELECT 1', false],
    ['<answer>```sql\nSELECT 1</answer>', 'SELECT 1', false],
    ['<think>perhaps SELECT 1 FROM t', '', false],
    ['```sql\nSELECT 1\n``` or ```sql\nSELECT', 'SELECT', false],
  ])('%j: %j, complete %s', (text, sql, isComplete) => {
    expect(readAnswer(text)).toMatchObject({ sql, isComplete });
  });

  it.each([
    ['<think> because </think><answer>SELECT 1</answer>', 'because'],
    ['Two tables are joined.\n```sql\nSELECT 1\n```', 'Two tables are joined.'],
    ['SELECT 1', undefined],
  ])('%j: reasoning %j', (text, reasoning) => {
    expect(readAnswer(text).reasoning).toBe(reasoning);
  });

  it('never fails, and stays linear on what is made to hold it up', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            '<think>',
            '</think>',
            '```',
            'sql',
            '<answer>',
            'SELECT',
            '\n',
            ' ',
            '(',
            '</s>',
            'x',
          ),
        ),
        (parts) => {
          const { sql } = readAnswer(parts.join(''));
          expect(parts.join('')).toContain(sql);
        },
      ),
    );
    for (const piece of ['<|im_end|>', '( ', '```', '<think>', '\n \n', 'with a ', '</observation>']) {
      const text = `${piece.repeat(100_000)}x`;
      expect(readAnswer(text).isComplete).toBeTypeOf('boolean');
      expect(formsOf(text).has('skyrl')).toBe(false);
    }
    expect(withoutStopMarks('</s>'.repeat(100_000))).toBe('');
  });
});

describe('formsOf', () => {
  it.each([
    ['<think>a</think>\n<answer>```sql\nSELECT 1\n```</answer>', ['any', 'sql-r1']],
    ['<answer>```sql\nSELECT 1\n```</answer><think>a</think>', ['any']],
    ['<think>a</think><answer>SELECT 1</answer>', ['any']],
    ['<think>a</think><think>b</think><answer>```sql\nSELECT 1\n```</answer>', ['any']],
    ['<think>a</think><solution>SELECT 1</solution><|im_end|>', ['any', 'skyrl']],
    ['<solution>SELECT 1</solution>', ['any']],
    ['<think>a</think><solution><sql>SELECT 1</sql></solution>', ['any']],
    [
      '<think>a</think><sql>S</sql><observation>1</observation><think>b</think><solution>SELECT 1</solution>',
      ['any', 'skyrl'],
    ],
    ['<think>a</think><sql>S</sql><observation>1</observation>so<solution>SELECT 1</solution>', ['any']],
    ['nothing', []],
  ])('%j: %j', (text, forms) => {
    expect([...formsOf(text)]).toEqual(forms);
  });
});
