/** A byte-level BPE tokenizer of Qwen's kind, trained on a few texts: a `tokenizer.json` as a language model carries it. */

/** GPT-2's printable stand-ins for bytes (https://github.com/openai/gpt-2/blob/master/src/encoder.py). */
function byteLetters(): string[] {
  const letters: string[] = [];
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const isPrintable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
    letters.push(String.fromCodePoint(isPrintable ? byte : next++));
  }
  return letters;
}

const pattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

function mostFrequentPair(words: readonly string[][]): string | undefined {
  const counts = new Map<string, number>();
  for (const word of words) {
    for (let i = 1; i < word.length; i++) {
      const pair = `${word[i - 1]} ${word[i]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + 1);
    }
  }
  const [best] = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return best !== undefined && best[1] > 1 ? best[0] : undefined;
}

function mergePair(word: readonly string[], pair: string): string[] {
  const merged: string[] = [];
  for (const symbol of word) {
    if (merged.length > 0 && `${merged.at(-1)} ${symbol}` === pair) merged.push(merged.pop()! + symbol);
    else merged.push(symbol);
  }
  return merged;
}

export const qwenSpecialTokens = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'] as const;

export function trainBytePairs(corpus: readonly string[], mergeCount: number): Record<string, unknown> {
  const letters = byteLetters();
  const pieces = corpus.flatMap((text) => [...text.matchAll(/\s?[\p{L}\p{N}]+|[^\p{L}\p{N}]/gu)]);
  let words = pieces.map(([text]) => [...Buffer.from(text, 'utf8')].map((byte) => letters[byte]!));
  const merges: string[] = [];
  while (merges.length < mergeCount) {
    const pair = mostFrequentPair(words);
    if (pair === undefined) break;
    merges.push(pair);
    words = words.map((word) => mergePair(word, pair));
  }
  const tokens = [...letters, ...merges.map((pair) => pair.replace(' ', ''))];
  const vocab = Object.fromEntries([...new Set(tokens)].map((token, id) => [token, id]));
  const first = Object.keys(vocab).length;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: qwenSpecialTokens.map((content, i) => ({
      id: first + i,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      vocab,
      merges,
    },
  };
}
