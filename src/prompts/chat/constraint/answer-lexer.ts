/**
 * An answer byte by byte: free text, a ```sql block, free text again. Inside the block a lexer of SQL that lets only such bytes
 * come as lead to a name of the schema, a word of the language, or a name that the statement declares. From every state that it
 * reaches there is a way to the end of the block.
 */
import { createSchemaNames, foldCase, type SchemaNameList, type SchemaNames } from './schema-names.ts';
import { type Context, contextKey, startContext } from './sql-context.ts';
import { operators } from './sql-language.ts';
import { afterName, afterStatement, createWordsReader, type WordsAt, type WordsReader } from './sql-names.ts';
import { afterNumber, afterOperator, afterString } from './sql-signs.ts';

type Mode =
  /** Outside of the block; `text` is how much of "```sql" is there. */
  | 'text'
  /** Behind "```sql", up to the first white space. */
  | 'info'
  /** Between two tokens of SQL. */
  | 'base'
  | 'word'
  /** A word and white space: a parenthesis or a dot may still tell what it is. */
  | 'held'
  | 'number'
  | 'operator'
  | 'string'
  /** Behind a quote that ends a string unless another one follows. */
  | 'string-end'
  /** In a quoted name; `quote` is what it began with. */
  | 'quoted'
  | 'quoted-end'
  /** One or two backticks where a name or the end of the block may come. */
  | 'ticks'
  | 'line-comment'
  | 'block-comment';

export interface LexerState {
  readonly mode: Mode;
  readonly text: string;
  readonly quote: string;
  readonly context: Context;
  /** Whether a block has ended: only then may the answer. */
  readonly isAnswered: boolean;
}

/** Which set of bytes a state takes in any number; see `ByteRun`. */
export type RunName = 'text' | 'word' | 'string' | 'double-quoted' | 'line-comment' | 'block-comment';

const tick = '`'.charCodeAt(0);
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isWordStart = (byte: number): boolean =>
  (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f || byte >= 0x80;
const isWordByte = (byte: number): boolean => isWordStart(byte) || isDigit(byte);
const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d && byte !== 0x0b);

const without = (...stops: readonly string[]) => {
  const codes = new Set(stops.map((stop) => stop.charCodeAt(0)));
  return (byte: number): boolean => !codes.has(byte);
};
export const runBytes: Readonly<Record<RunName, (byte: number) => boolean>> = {
  text: without('`'),
  word: isWordByte,
  string: without("'", '`', '\0'),
  'double-quoted': without('"', '`', '\0'),
  'line-comment': without('\n', '`', '\0'),
  'block-comment': without('*', '`', '\0'),
};

const opening = '```sql';
const infoWord = 'ite';
const number = /^(?:0\.?|0\.0|\.|\.0|(?:0\.?|0\.0|\.0)e[+-]?0?)$/;
const wholeNumber = /^(?:0\.?|0\.0|\.0)(?:e[+-]?0)?$/;
const closing: Readonly<Record<string, string>> = { '"': '"', '`': '`', '[': ']' };
/** Names are compared, strings are not: of those only the backticks at the end are kept. */
const ticksOf = (text: string): string => /`*$/.exec(text)![0];

export interface AnswerLexer {
  readonly start: LexerState;
  /** Inside an empty block. */
  readonly startOfBlock: LexerState;
  step(state: LexerState, byte: number): LexerState | undefined;
  runOf(state: LexerState): RunName | undefined;
}

export const lexerKey = ({ mode, text, quote, context, isAnswered }: LexerState): string =>
  mode === 'text'
    ? `text ${text} ${isAnswered}`
    : `${mode} ${text} ${quote} ${isAnswered} ${contextKey(context)}`;

export function createAnswerLexer(list: SchemaNameList): AnswerLexer {
  const schema = createSchemaNames(list);
  const wordsAt = createWordsReader(schema);
  const start: LexerState = { mode: 'text', text: '', quote: '', context: startContext, isAnswered: false };
  const lexer = new Lexer(schema, wordsAt);
  return {
    start,
    startOfBlock: { ...start, mode: 'base' },
    step: (state, byte) => lexer.step(state, byte),
    runOf: (state) => lexer.runOf(state),
  };
}

interface Meanings {
  readonly plain: Context | undefined;
  readonly qualifies: Context | undefined;
  readonly called: Context | undefined;
}

class Lexer {
  readonly #schema: SchemaNames;
  readonly #wordsAt: WordsReader;
  readonly #meaningsOf = new WeakMap<LexerState, Meanings>();
  readonly #operatorsOf = new WeakMap<Context, readonly string[]>();
  /** Quotes that names may stand in. */
  readonly #quotes: string;

  constructor(schema: SchemaNames, wordsAt: WordsReader) {
    this.#schema = schema;
    this.#wordsAt = wordsAt;
    this.#quotes = schema.dialect === 'sqlite' ? '"`[' : schema.dialect === 'mysql' ? '"`' : '"';
  }

  runOf(state: LexerState): RunName | undefined {
    switch (state.mode) {
      case 'text':
        return state.text === '' ? 'text' : undefined;
      case 'word':
        return this.#wordsAt(state.context).isFree ? 'word' : undefined;
      case 'string':
      case 'line-comment':
      case 'block-comment':
        return ticksOf(state.text) === '' && !state.text.endsWith('*') ? state.mode : undefined;
      case 'quoted': {
        const isRun = state.quote === '"' && this.#isFreeQuoted(state.context) && ticksOf(state.text) === '';
        return isRun ? 'double-quoted' : undefined;
      }
      default:
        return undefined;
    }
  }

  step(state: LexerState, byte: number): LexerState | undefined {
    if (byte === 0 && state.mode !== 'text') return undefined;
    switch (state.mode) {
      case 'text':
        return this.#text(state, byte);
      case 'info':
        if (isSpace(byte)) return this.#base(state, state.context);
        return infoWord.startsWith(state.text + String.fromCharCode(byte | 0x20))
          ? { ...state, text: state.text + String.fromCharCode(byte | 0x20) }
          : undefined;
      case 'base':
        return this.#between(state, byte);
      case 'word':
        return this.#word(state, byte);
      case 'held':
        return isSpace(byte) ? state : this.#endWord(state, byte);
      case 'number':
        return this.#number(state, byte);
      case 'operator':
        return this.#operator(state, byte);
      case 'string':
      case 'string-end':
        return this.#string(state, byte);
      case 'quoted':
        return this.#quoted(state, byte);
      case 'quoted-end':
        return this.#endQuoted(state, byte);
      case 'ticks':
        return this.#ticks(state, byte);
      case 'line-comment':
      case 'block-comment':
        return this.#comment(state, byte);
      default:
        return state.mode satisfies never;
    }
  }

  #base(state: LexerState, context: Context | undefined): LexerState | undefined {
    if (context === undefined) return undefined;
    return { mode: 'base', text: '', quote: '', context, isAnswered: state.isAnswered };
  }

  /** To SQL's next byte, once the token before it is complete. */
  #goOn(state: LexerState, context: Context | undefined, byte: number): LexerState | undefined {
    const base = this.#base(state, context);
    return base === undefined ? undefined : this.#between(base, byte);
  }

  #text(state: LexerState, byte: number): LexerState {
    const text = state.text + String.fromCharCode(byte).toLowerCase();
    if (text === opening) return { ...state, mode: 'info', text: '', context: startContext };
    if (opening.startsWith(text)) return { ...state, text };
    if (byte !== tick) return state.text === '' ? state : { ...state, text: '' };
    return { ...state, text: state.text === '```' ? '```' : '`' };
  }

  #between(state: LexerState, byte: number): LexerState | undefined {
    const { context } = state;
    if (isSpace(byte)) return state;
    const sign = String.fromCharCode(byte);
    if (isWordStart(byte)) return this.#word({ ...state, mode: 'word' }, byte);
    if (isDigit(byte) || (sign === '.' && context.expect === 'operand'))
      return afterNumber(context) === undefined
        ? undefined
        : this.#number({ ...state, mode: 'number' }, byte);
    if (sign === "'") {
      const mayCome = context.expect === 'alias' || afterString(context, '') !== undefined;
      return mayCome ? { ...state, mode: 'string' } : undefined;
    }
    if (byte === tick) {
      const mayCome = this.#mayQuote(context, '`') || this.#mayEnd(context);
      return mayCome ? { ...state, mode: 'ticks', text: '`' } : undefined;
    }
    if (closing[sign] !== undefined)
      return this.#mayQuote(context, sign) ? { ...state, mode: 'quoted', quote: sign } : undefined;
    return this.#operator({ ...state, mode: 'operator' }, byte);
  }

  #leadsOn({ sets, isFree }: WordsAt, text: string): boolean {
    return isFree || sets.some(({ prefixes }) => prefixes.has(text));
  }

  #word(state: LexerState, byte: number): LexerState | undefined {
    if (!isWordByte(byte)) return this.#endWord(state, byte);
    const text = state.text + foldCase(String.fromCharCode(byte));
    return this.#leadsOn(this.#wordsAt(state.context), text) ? { ...state, text } : undefined;
  }

  /** What the word of a state is, by what follows; many bytes ask for it. */
  #meanings(state: LexerState): Meanings {
    let found = this.#meaningsOf.get(state);
    if (found === undefined) {
      const as = (next: '.' | '(' | ''): Context | undefined =>
        afterName(state.context, this.#schema, { text: state.text, quote: '', next });
      found = { plain: as(''), qualifies: as('.'), called: as('(') };
      this.#meaningsOf.set(state, found);
    }
    return found;
  }

  #endWord(state: LexerState, byte: number): LexerState | undefined {
    const { plain, qualifies, called } = this.#meanings(state);
    if (byte === 0x2e) return this.#base(state, qualifies);
    if (!isSpace(byte)) return this.#goOn(state, byte === 0x28 ? called : plain, byte);
    // Only as long as it matters, so that fewer states differ: a keyword is the same in front of a parenthesis.
    const isSame = plain !== undefined && called !== undefined && contextKey(plain) === contextKey(called);
    const isKnown = qualifies === undefined && (called === undefined || isSame);
    return isKnown ? this.#base(state, plain) : { ...state, mode: 'held' };
  }

  #number(state: LexerState, byte: number): LexerState | undefined {
    const sign = isDigit(byte) ? '0' : String.fromCharCode(byte).toLowerCase();
    const longer = sign === '0' && state.text.endsWith('0') ? state.text : state.text + sign;
    if (number.test(longer)) return { ...state, text: longer };
    if (!wholeNumber.test(state.text) || isWordByte(byte) || sign === '.') return undefined;
    return this.#goOn(state, afterNumber(state.context), byte);
  }

  #operatorsAt(context: Context): readonly string[] {
    let fitting = this.#operatorsOf.get(context);
    if (fitting === undefined) {
      fitting = operators.filter((sign) => afterOperator(context, this.#schema, sign) !== undefined);
      this.#operatorsOf.set(context, fitting);
    }
    return fitting;
  }

  #operator(state: LexerState, byte: number): LexerState | undefined {
    const { context } = state;
    const text = state.text + String.fromCharCode(byte);
    if (text === '--' || text === '/*')
      return { ...state, mode: text === '--' ? 'line-comment' : 'block-comment', text: '' };
    const fitting = this.#operatorsAt(context).filter((sign) => sign.startsWith(text));
    if (fitting.length > 1 || (fitting.length === 1 && fitting[0] !== text)) return { ...state, text };
    // The first byte of a comment may come anywhere.
    if (text === '-' || text === '/') return { ...state, text };
    if (fitting.length === 1) return this.#base(state, afterOperator(context, this.#schema, text));
    if (state.text === '' || !operators.includes(state.text)) return undefined;
    return this.#goOn(state, afterOperator(context, this.#schema, state.text), byte);
  }

  #string(state: LexerState, byte: number): LexerState | undefined {
    const isName = state.context.expect === 'alias';
    if (state.mode === 'string-end' && byte !== 0x27) {
      return this.#goOn(state, afterString(state.context, foldCase(state.text)), byte);
    }
    if (state.mode === 'string' && byte === 0x27) {
      if (isName && state.text === '') return undefined;
      return { ...state, mode: 'string-end', text: isName ? state.text : '' };
    }
    const text = state.text + String.fromCharCode(byte);
    // Three backticks would end the block for whoever reads the answer.
    if (text.endsWith('```')) return undefined;
    return { ...state, mode: 'string', text: isName ? text : ticksOf(text) };
  }

  #isFreeQuoted(context: Context): boolean {
    const { isFree, allowsText } = this.#wordsAt(context);
    return allowsText || (isFree && context.expect !== 'operand' && context.expect !== 'column-of');
  }

  #quotedLeadsOn(context: Context, text: string, quote: string): boolean {
    const close = closing[quote]!;
    const leads = (name: string): boolean =>
      name.startsWith(text) && !name.includes(close) && !name.includes('```') && name !== '';
    return this.#wordsAt(context).quoted.some((names) => [...names].some(leads));
  }

  #mayQuote(context: Context, quote: string): boolean {
    if (!this.#quotes.includes(quote)) return false;
    return (quote === '"' && this.#isFreeQuoted(context)) || this.#quotedLeadsOn(context, '', quote);
  }

  #quoted(state: LexerState, byte: number): LexerState | undefined {
    const { context, quote } = state;
    const sign = String.fromCharCode(byte);
    if (sign === closing[quote]) {
      const name = { text: state.text, quote };
      const fits = (['', '.'] as const).some(
        (next) => afterName(context, this.#schema, { ...name, next }) !== undefined,
      );
      const isEmpty = state.text === '' && !this.#wordsAt(context).allowsText;
      return fits && !isEmpty ? { ...state, mode: 'quoted-end' } : undefined;
    }
    const text = state.text + foldCase(sign);
    if (text.endsWith('```')) return undefined;
    const isFree = quote === '"' && this.#isFreeQuoted(context);
    return isFree || this.#quotedLeadsOn(context, text, quote) ? { ...state, text } : undefined;
  }

  #endQuoted(state: LexerState, byte: number): LexerState | undefined {
    const { context, text, quote } = state;
    // The same quote again would be a part of the name.
    if (String.fromCharCode(byte) === closing[quote]) return undefined;
    const next = byte === 0x2e ? '.' : '';
    const after = afterName(context, this.#schema, { text, quote, next });
    return next === '.' ? this.#base(state, after) : this.#goOn(state, after, byte);
  }

  #mayEnd = (context: Context): boolean => afterStatement(context, this.#schema) !== undefined;

  #ticks(state: LexerState, byte: number): LexerState | undefined {
    if (byte === tick) {
      if (!this.#mayEnd(state.context)) return undefined;
      if (state.text === '`') return { ...state, text: '``' };
      return { mode: 'text', text: '```', quote: '', context: startContext, isAnswered: true };
    }
    if (state.text !== '`' || !this.#mayQuote(state.context, '`')) return undefined;
    return this.#quoted({ ...state, mode: 'quoted', quote: '`', text: '' }, byte);
  }

  #comment(state: LexerState, byte: number): LexerState | undefined {
    const isLine = state.mode === 'line-comment';
    if (isLine ? byte === 0x0a : byte === 0x2f && state.text === '*') return this.#base(state, state.context);
    if (byte === 0x2a && !isLine) return { ...state, text: '*' };
    if (byte !== tick) return state.text === '' ? state : { ...state, text: '' };
    return state.text === '``' ? undefined : { ...state, text: `${ticksOf(state.text)}\`` };
  }
}
