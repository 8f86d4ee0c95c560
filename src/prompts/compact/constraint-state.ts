/** What `compact-constraint.ts` remembers of a statement that is being written: its tables, columns and comparisons so far. */

export interface Frame {
  readonly depth: number;
  /** Tables of the FROM clause so far. */
  readonly tables: string[];
  /** Bare and qualified columns named before the FROM clause was known. */
  readonly bare: Set<string>;
  readonly needed: Set<string>;
  /** Reads something whose columns are not known here: a subquery, a CTE, an alias. */
  isOpen: boolean;
  expectsTable: boolean;
  hasFrom: boolean;
  /** Between FROM and the clause after it: a comma brings another table. */
  inFrom: boolean;
}

export interface State {
  readonly kinds: ReadonlyMap<number, string>;
  /** Names in front of each placeholder: the columns that hold its value. */
  readonly columnNames: ReadonlyMap<number, readonly string[]>;
  /** The column that is being compared, once the operator is there. */
  compared: string | undefined;
  lastColumn: string | undefined;
  isCounting: boolean;
  isRange: boolean;
  frames: Frame[];
  depth: number;
  usesCte: boolean;
  lastPlaceholder: number | undefined;
  isFirst: boolean;
}

/** States that allow the same words have the same key. */
export function stateKey(state: State): string {
  const frames = state.frames.map((frame) =>
    [
      frame.depth,
      frame.tables,
      [...frame.bare],
      [...frame.needed],
      frame.isOpen,
      frame.expectsTable,
      frame.hasFrom,
      frame.inFrom,
    ].join(';'),
  );
  const kind = state.lastPlaceholder === undefined ? '' : (state.kinds.get(state.lastPlaceholder) ?? 'text');
  return `${state.isFirst}|${state.depth}|${state.usesCte}|${kind}|${frames.join('|')}`;
}

export const emptyState = {
  compared: undefined,
  lastColumn: undefined,
  isCounting: false,
  isRange: false,
  depth: 0,
  usesCte: false,
  lastPlaceholder: undefined,
  isFirst: true,
};

const comparisons = new Set(['=', '<>', '!=', '<', '>', '<=', '>=', 'LIKE', 'BETWEEN', 'IN']);
/** Words that may stand inside a comparison without ending it. */
const insideComparison = new Set(['(', ',', 'NOT', '-', '+', '*', '/']);
/** Stands for "a number" where no column is compared. */
export const numberOnly = '#';

/** Follows what is being compared with what, so that values of the wrong kind can be left out. */
export function trackComparison(state: State, word: string): void {
  if (word === 'COUNT') state.isCounting = true;
  if (comparisons.has(word)) {
    const figure = state.isCounting ? numberOnly : state.lastColumn;
    state.compared = word === 'LIKE' ? undefined : figure;
    state.isCounting = false;
    state.isRange = word === 'BETWEEN';
  } else if (word === 'LIMIT') state.compared = numberOnly;
  else if (word === 'AND' && state.isRange) state.isRange = false;
  else if (!insideComparison.has(word) && !/^['0-9]/.test(word)) {
    state.compared = undefined;
    if (word !== ')' && word !== 'COUNT') {
      state.lastColumn = undefined;
      if (word !== 'DISTINCT') state.isCounting = false;
    }
  }
}

export function copyOf(state: State): State {
  const frames = state.frames.map((frame) => ({
    ...frame,
    tables: [...frame.tables],
    bare: new Set(frame.bare),
    needed: new Set(frame.needed),
  }));
  return { ...state, frames };
}
