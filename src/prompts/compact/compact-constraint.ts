/**
 * Keeps the embedded model inside the schema while it writes: only words that SQL here is made of, only placeholders that
 * the question has, and only columns of tables that the statement reads (or can still come to read). Where a statement
 * uses aliases or a CTE, names are checked against the vocabulary alone. Runs inside the engine's worker.
 * It is a filter, not a grammar: whether the statement parses is for the database to say.
 */
import type { TokenConstraint } from '../../engine/policy.ts';
import {
  copyOf,
  emptyState,
  type Frame,
  numberOnly,
  type State,
  stateKey,
  trackComparison,
} from './constraint-state.ts';
import { partWords } from './sql-words.ts';

/** For `ConstraintSpec`: the engine's worker imports this module by its URL. */
export const constraintModuleUrl = import.meta.url;

export interface CompactConstraintOptions {
  /** Word of each token that a completion may hold; other tokens are never allowed. */
  readonly words: readonly (readonly [token: number, word: string])[];
  readonly placeholders: readonly (readonly [token: number, word: string])[];
  readonly stopToken: number;
  /** Table -> its columns, as written in SQL. */
  readonly tables: readonly (readonly [table: string, columns: readonly string[]])[];
  /** Facet words by kind of value, told from the type word in front of the placeholder. */
  readonly facetsByKind: Readonly<Record<string, readonly string[]>>;
  readonly typeWords: readonly (readonly [token: number, kind: string, name: string])[];
  /** Whether a SELECT may do without FROM: every table is then in reach. */
  readonly impliedFrom: boolean;
  /** What may be compared with a column, by its bare name. */
  readonly columnClasses: readonly (readonly [column: string, columnClass: ColumnClass])[];
}

/** Dates are compared with dates and their parts, figures with figures, text with values of the same column. */
export type ColumnClass = 'text' | 'number' | 'date';

function plain(name: string): string {
  return /^".*"$/.test(name) ? name.slice(1, -1) : name;
}

/** A constraint lives as long as its model; a state takes some kilobytes. */
const statesKeptMax = 4_000;

type Column = 'bare-column' | 'qualified-column' | 'alias-column';
type Role = 'word' | 'table' | Column | 'facet' | 'unknown-name' | 'group';

interface WordInfo {
  readonly word: string;
  readonly role: Role;
  /** The words of a fused group. */
  readonly parts?: readonly WordInfo[];
  readonly table: string;
  readonly column: string;
}

/** What each word is in this schema. Of alias-qualified names (`a.Budget`) only the column is known. */
function describeWords(options: CompactConstraintOptions): Map<number, WordInfo> {
  const columnsOf = new Map(options.tables.map(([table, columns]) => [table, new Set(columns)]));
  const allColumns = new Set(options.tables.flatMap(([, columns]) => columns));
  const describe = (word: string): WordInfo => {
    const base: WordInfo = { word, role: 'word', table: '', column: '' };
    const parts = partWords(word).split(' ');
    if (parts.length > 1) return { ...base, role: 'group', parts: parts.map(describe) };
    const dot = word.indexOf('.');
    const [left, right] =
      dot > 0 ? [plain(word.slice(0, dot)), plain(word.slice(dot + 1))] : [plain(word), ''];
    if (/^:[a-z_]+$/.test(word)) return { ...base, role: 'facet' };
    if (dot > 0 && columnsOf.has(left)) {
      const known = right === '*' || columnsOf.get(left)!.has(right);
      return { word, role: known ? 'qualified-column' : 'unknown-name', table: left, column: right };
    }
    if (dot > 0 && allColumns.has(right)) return { ...base, role: 'alias-column', column: right };
    if (columnsOf.has(left)) return { ...base, role: 'table', table: left };
    return allColumns.has(left) ? { ...base, role: 'bare-column', column: left } : base;
  };
  return new Map(options.words.map(([token, word]) => [token, describe(word)]));
}

/** Clauses that may come only when every table that was named is in the FROM clause. */
const closesFrom = new Set([
  'WHERE',
  'GROUP',
  'ORDER',
  'LIMIT',
  'UNION',
  'INTERSECT',
  'EXCEPT',
  'HAVING',
  ')',
]);

export function createCompactConstraint(options: CompactConstraintOptions): TokenConstraint {
  const infos = describeWords(options);
  const columnsOf = new Map(options.tables.map(([table, columns]) => [table, new Set(columns)]));
  const placeholderTokens = new Set(options.placeholders.map(([token]) => token));
  const kindOfToken = new Map(options.typeWords.map(([token, kind]) => [token, kind]));
  const typeNames = new Map(options.typeWords.map(([token, , name]) => [token, name]));

  const top = (state: State): Frame | undefined => state.frames.at(-1);
  const inScope = (state: State, table: string): boolean =>
    state.frames.some((frame) => frame.tables.includes(table));
  const isOpen = (state: State): boolean =>
    options.impliedFrom || state.usesCte || state.frames.some((frame) => frame.isOpen);
  const covers = (table: string, bare: ReadonlySet<string>): boolean =>
    [...bare].every((column) => columnsOf.get(table)!.has(column));

  const allowsBare = (state: State, column: string): boolean => {
    const frame = top(state);
    if (frame === undefined || isOpen(state)) return true;
    if (!frame.hasFrom) {
      const wanted = new Set([...frame.bare, column]);
      return [...columnsOf.keys()].some((table) => covers(table, wanted)) && frame.needed.size === 0;
    }
    return state.frames.some((outer) => outer.tables.some((table) => columnsOf.get(table)!.has(column)));
  };
  const allowsQualified = (state: State, table: string): boolean => {
    const frame = top(state);
    if (frame === undefined || isOpen(state) || !frame.hasFrom) return true;
    return inScope(state, table);
  };
  const allowsTable = (state: State, table: string): boolean => {
    const frame = top(state);
    if (frame === undefined || !frame.expectsTable) return false;
    return isOpen(state) || (covers(table, frame.bare) && !frame.tables.includes(table));
  };
  const isComplete = (state: State): boolean => {
    const frame = top(state);
    if (frame === undefined || isOpen(state)) return true;
    return [...frame.needed].every((table) => inScope(state, table));
  };

  const allows = (state: State, info: WordInfo): boolean => {
    switch (info.role) {
      case 'group': {
        if (!allows(state, info.parts![0]!)) return false;
        const ahead = copyOf(state);
        return info.parts!.every((part) => {
          const fits = allows(ahead, part);
          step(ahead, part);
          ahead.isFirst = false;
          return fits;
        });
      }
      case 'facet': {
        if (state.lastPlaceholder === undefined) return false;
        const kind = state.kinds.get(state.lastPlaceholder) ?? 'text';
        return options.facetsByKind[kind]?.includes(info.word) ?? false;
      }
      case 'table':
        return allowsTable(state, info.table);
      case 'bare-column':
        return !(top(state)?.expectsTable ?? false) && allowsBare(state, info.column);
      case 'qualified-column':
        return allowsQualified(state, info.table);
      case 'unknown-name':
        return false;
      case 'alias-column':
        return !state.isFirst && !(top(state)?.expectsTable ?? false);
      case 'word': {
        if (state.isFirst) return info.word === 'SELECT' || info.word === 'WITH';
        const frame = top(state);
        if (frame === undefined) return true;
        if (closesFrom.has(info.word) && frame.hasFrom && !isComplete(state) && state.depth === frame.depth)
          return false;
        if (info.word === 'JOIN' && frame.bare.size > 0 && !isOpen(state)) return false;
        return true;
      }
      default:
        return info.role satisfies never;
    }
  };

  const classOf = new Map<string, ColumnClass>([...options.columnClasses, [numberOnly, 'number']]);
  const fitsComparison = (state: State, placeholder: number): boolean => {
    const columnClass = state.compared === undefined ? undefined : classOf.get(state.compared);
    if (columnClass === undefined) return true;
    const kind = state.kinds.get(placeholder)!;
    if (columnClass === 'number') return kind === 'number' || kind === 'year';
    if (columnClass === 'date') return kind !== 'text';
    const names = state.columnNames.get(placeholder)!;
    return kind === 'text' && (names.length === 0 || names.includes(state.compared!.toLowerCase()));
  };
  const memory = new Map<string, Uint8Array>();
  /** 1 for each word that may come, but for placeholders. */
  const allowedWords = (state: State, vocabSize: number): Uint8Array => {
    const key = stateKey(state);
    const known = memory.get(key);
    if (known !== undefined) return known;
    const allowed_V = new Uint8Array(vocabSize);
    let isDeadEnd = true;
    for (const [token, info] of infos) {
      if (!allows(state, info)) continue;
      allowed_V[token] = 1;
      isDeadEnd = false;
    }
    const mayStop =
      !state.isFirst &&
      state.depth === 0 &&
      isComplete(state) &&
      (options.impliedFrom || (top(state)?.hasFrom ?? true));
    if (mayStop || isDeadEnd) allowed_V[options.stopToken] = 1;
    if (memory.size >= statesKeptMax) memory.clear();
    memory.set(key, allowed_V);
    return allowed_V;
  };

  return {
    start: (promptTokens): State => {
      const kinds = new Map<number, string>();
      const columnNames = new Map<number, readonly string[]>();
      promptTokens.forEach((token, i) => {
        if (!placeholderTokens.has(token)) return;
        kinds.set(token, kindOfToken.get(promptTokens[i - 1] ?? -1) ?? 'text');
        const names: string[] = [];
        for (let j = i - 1; typeNames.has(promptTokens[j] ?? -1); j--)
          names.push(typeNames.get(promptTokens[j]!)!);
        columnNames.set(
          token,
          names.filter((name) => name !== 'text'),
        );
      });
      return { ...emptyState, kinds, columnNames, frames: [] };
    },
    mask: (state, allowed_V) => {
      const current = state as State;
      allowed_V.set(allowedWords(current, allowed_V.length));
      if (current.isFirst || (top(current)?.expectsTable ?? false)) return;
      for (const token of current.kinds.keys()) if (fitsComparison(current, token)) allowed_V[token] = 1;
    },
    advance: (state, token) => {
      const current = state as State;
      current.isFirst = false;
      current.lastPlaceholder = placeholderTokens.has(token) ? token : undefined;
      const info = infos.get(token);
      if (info !== undefined) step(current, info);
      return current;
    },
  };

  function step(state: State, info: WordInfo): void {
    for (const part of info.parts ?? []) step(state, part);
    const frame = top(state);
    if (info.role === 'bare-column' || info.role === 'qualified-column' || info.role === 'alias-column') {
      state.lastColumn = info.column;
      state.compared = undefined;
    } else if (info.role === 'word') trackComparison(state, info.word);
    if (info.role === 'table' && frame !== undefined) {
      if (frame.expectsTable) frame.tables.push(info.table);
      frame.expectsTable = false;
    } else if (info.role === 'bare-column' && frame !== undefined && !frame.hasFrom)
      frame.bare.add(info.column);
    else if (info.role === 'qualified-column' && frame !== undefined && !frame.hasFrom)
      frame.needed.add(info.table);
    else if (info.role === 'word') stepWord(state, info.word);
  }

  function stepWord(state: State, word: string): void {
    const frame = top(state);
    switch (word) {
      case '(':
        if (frame?.expectsTable) {
          frame.isOpen = true;
          frame.expectsTable = false;
        }
        state.depth += 1;
        return;
      case ')':
        state.depth = Math.max(0, state.depth - 1);
        while (state.frames.length > 0 && top(state)!.depth > state.depth) {
          state.frames.pop();
          state.lastColumn = undefined;
        }
        return;
      case 'SELECT':
        if (frame !== undefined && frame.depth === state.depth) state.frames.pop();
        state.frames.push({
          depth: state.depth,
          tables: [],
          bare: new Set(),
          needed: new Set(),
          isOpen: false,
          expectsTable: false,
          hasFrom: false,
          inFrom: false,
        });
        return;
      case 'FROM':
      case 'JOIN':
        if (frame !== undefined) {
          frame.hasFrom = true;
          frame.inFrom = true;
          frame.expectsTable = true;
        }
        return;
      case ',':
        if (frame?.inFrom && frame.depth === state.depth) frame.expectsTable = true;
        return;
      case 'WHERE':
      case 'GROUP':
      case 'ORDER':
        if (frame !== undefined && frame.depth === state.depth) frame.inFrom = false;
        return;
      case 'WITH':
        state.usesCte = true;
        return;
      case 'AS':
        if (frame?.hasFrom) frame.isOpen = true;
        return;
      default:
        // A name that is no table of the schema: a CTE.
        if (frame?.expectsTable) {
          frame.isOpen = true;
          frame.expectsTable = false;
        }
    }
  }
}
