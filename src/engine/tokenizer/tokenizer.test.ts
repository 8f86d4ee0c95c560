import { Tokenizer as GeneralTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from './tokenizer.ts';
import { trainWordTokenizer } from './train-word-tokenizer.ts';

const corpus = [
  'how many employees were reimbursed in 2023 ? SELECT COUNT(*) FROM employees WHERE amount >= <v0>',
  'list the departments of all employees . SELECT name FROM departments ORDER BY name',
  'reimbursement reimbursements payment payments management manager managers employee employer',
  'which managers employ travellers ? travelling traveller expenses expense __proto__ constructor Zürich',
];
const json = trainWordTokenizer({
  corpus,
  forcedWords: ['contracts', 'BETWEEN', '北京'],
  specialTokens: ['<v0>', '<v1>', '<v10>'],
  minCount: 1,
  pieceBudget: 40,
  characters: '’“”',
});
const tokenizer = loadTokenizer(json);
const pieces = (text: string) => [...tokenizer.encode(text)].map((id) => tokenizer.idToToken(id));

/** Texts that look like ours: known and unknown words, special tokens, odd spaces, any Unicode. */
const textArbitrary = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...corpus.join(' ').split(' ')) },
      {
        weight: 2,
        arbitrary: fc.constantFrom('<v0>', '<v1>', '<v10>', '<s>', '</s>', '<unk>', 'x<s>y', '##s', '#'),
      },
      { weight: 3, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 12 }) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
      { weight: 1, arbitrary: fc.constantFrom('  ', '\n', '\t ', ' ', '　') },
    ),
    { maxLength: 12 },
  )
  .chain((parts) => fc.constantFrom(' ', '').map((separator) => parts.join(separator)));

describe('word tokenizer', () => {
  it.each([
    ['how many employees ?', ['how', 'many', 'employees', '?']],
    ['<s> <v10> <v1>x', ['<s>', '<v10>', '<v1>', 'x']],
    ['2024', ['2', '##0', '##2', '##4']],
    ['北京', ['北京']],
    ['京北', ['京', '##北']],
    ['it’s', ['i', '##t', '##’', '##s']],
    ['東', ['<unk>']],
    [' \n', []],
    ['__proto__ toString', ['__proto__', ...'toString'].map((c, i) => (i > 1 ? `##${c}` : c))],
  ])('splits %j', (text, expected) => {
    expect(pieces(text)).toEqual(expected);
  });

  it('splits an unseen inflection at a piece, not into characters', () => {
    expect(pieces('travelled')[0]).toMatch(/^trave/);
    expect(pieces('travelled').length).toBeLessThan(5);
  });

  it('starts with the special tokens, holds forced and frequent words, and is deterministic', () => {
    expect([0, 1, 2, 3, 4, 5].map((id) => tokenizer.idToToken(id))).toEqual(
      ['<pad>', '<s>', '</s>', '<sql>', '<unk>', '<v0>'], // biome-ignore format: one row
    );
    expect(tokenizer.tokenToId('contracts')).toBeDefined();
    const again = trainWordTokenizer({ corpus: [...corpus].reverse(), minCount: 2 });
    expect(again).toEqual(trainWordTokenizer({ corpus, minCount: 2 }));
    expect(again.model.vocab.employees).toBeDefined();
    expect(again.model.vocab.reimbursed).toBeUndefined();
  });

  it('never meets an unknown printable ASCII or Latin-1 character', () => {
    const unknown = tokenizer.tokenToId('<unk>')!;
    for (let code = 0x21; code <= 0xff; code++) {
      if (code >= 0x7f && code <= 0xa0) continue;
      const c = String.fromCharCode(code);
      expect([...tokenizer.encode(`${c} a${c}`)], c).not.toContain(unknown);
    }
  });

  it('decodes what it encoded, for words of known characters', () => {
    const word = fc
      .string({
        unit: fc.integer({ min: 0x21, max: 0x7e }).map((c) => String.fromCharCode(c)),
        minLength: 1,
        maxLength: 15,
      })
      .filter((w) => !w.startsWith('##') && !/<(pad|s|\/s|sql|unk|v0|v1|v10)>/.test(w));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(word, fc.constantFrom('employees', '<v0>', 'Zürich')), { maxLength: 10 }),
        (words) => {
          const text = words.join(' ');
          expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('gives the ids and the text of @huggingface/tokenizers', () => {
    const general = new GeneralTokenizer(json, { clean_up_tokenization_spaces: false });
    // \s of JavaScript and White_Space of Unicode differ in these two; ours follows the Python library.
    const comparable = textArbitrary.filter((text) => !/[\x85\ufeff]/.test(text));
    fc.assert(
      fc.property(comparable, (text) => {
        const ids = [...tokenizer.encode(text)];
        expect(ids).toEqual(general.encode(text, { add_special_tokens: false }).ids);
        if (ids.length > 0) expect(tokenizer.decode(ids)).toBe(general.decode(ids));
      }),
      { numRuns: 3000 },
    );
  });

  it('survives JSON', () => {
    const again = loadTokenizer(JSON.parse(JSON.stringify(json)));
    expect(again.vocabSize).toBe(tokenizer.vocabSize);
    for (let id = 0; id < again.vocabSize; id++) expect(again.idToToken(id)).toBe(tokenizer.idToToken(id));
  });
});

describe('bad input', () => {
  it.each([
    [{ corpus: [], specialTokens: ['a b'] }, /special token "a b"/],
    [{ corpus: [], forcedWords: [''] }, /forced word ""/],
    [{ corpus: [], forcedWords: ['##x'] }, /begins with "##"/],
    [{ corpus: [], minCount: 0 }, /minCount is 0/],
    [{ corpus: [], pieceBudget: Number.NaN }, /pieceBudget is NaN/],
  ])('refuses %j', (options, message) => {
    expect(() => trainWordTokenizer(options)).toThrow(message);
  });

  it('says what is wrong with a tokenizer.json', () => {
    const base = trainWordTokenizer({ corpus: [] });
    const withVocab = (vocab: Record<string, number>) => ({ ...base, model: { ...base.model, vocab } });
    const { '<unk>': _, ...withoutUnknown } = base.model.vocab;
    expect(() => loadTokenizer(withVocab(withoutUnknown))).toThrow(/unknown token/);
    expect(() => loadTokenizer(withVocab({ ...base.model.vocab, extra: 0 }))).toThrow(/id 0 belongs to both/);
    expect(() => loadTokenizer(withVocab({ ...base.model.vocab, extra: 1e6 }))).toThrow(/has the id 1000000/);
    expect(() => loadTokenizer({})).toThrow(/cannot be used/);
    expect(() => loadTokenizer(null as never)).toThrow(/not a JSON object/);
  });
});

it('reads any other tokenizer.json through the general runtime', () => {
  const bpe = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      vocab: { a: 0, b: 1, ab: 2, Ġ: 3 },
      merges: [['a', 'b']],
      continuing_subword_prefix: null,
    },
  };
  const other = loadTokenizer(bpe);
  expect([...other.encode('ab ba')]).toEqual([2, 3, 1, 0]);
  expect(other.decode([2, 3, 1, 0])).toBe('ab ba');
  expect([other.vocabSize, other.tokenToId('ab'), other.idToToken(1)]).toEqual([4, 2, 'b']);
  expect(other.decode([])).toBe('');
});
