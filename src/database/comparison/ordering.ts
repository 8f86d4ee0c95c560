/**
 * Which row order a query asks for. Reads the outermost ORDER BY from the text and finds its keys among the output
 * columns: rows with equal keys are ties and may come in any order. Where a key is not among the output columns, ties
 * cannot be told apart from order, and the order is taken as exact.
 */
import { codeTokens, isKeyword, isName, normalizeTokens, type SqlToken, splitAtCommas } from '../sql-text.ts';

export type Ordering =
  | { readonly kind: 'unordered' }
  /** Positions of output columns. */
  | { readonly kind: 'keys'; readonly columns: readonly number[] }
  | { readonly kind: 'exact' };

const UNORDERED: Ordering = { kind: 'unordered' };
const EXACT: Ordering = { kind: 'exact' };
const ITEM_ENDS = [
  'FROM',
  'WHERE',
  'GROUP',
  'HAVING',
  'WINDOW',
  'UNION',
  'INTERSECT',
  'EXCEPT',
  'ORDER',
  'LIMIT',
];

/** The terms of the ORDER BY that stands outside all parentheses; undefined if there is none. */
export function orderTerms(tokens: readonly SqlToken[]): SqlToken[][] | undefined {
  const order = tokens.findLastIndex(
    (token, at) => token.depth === 0 && isKeyword(token, 'ORDER') && isKeyword(tokens[at + 1], 'BY'),
  );
  if (order < 0) return undefined;
  const rest = tokens.slice(order + 2);
  const end = rest.findIndex(
    (token) => token.depth === 0 && (isKeyword(token, 'LIMIT', 'OFFSET', 'FETCH') || token.text === ';'),
  );
  return splitAtCommas(end < 0 ? rest : rest.slice(0, end));
}

export function hasOutermostOrderBy(sql: string): boolean {
  return orderTerms(codeTokens(sql)) !== undefined;
}

/** Without AS and the output name. */
function withoutAlias(item: readonly SqlToken[]): readonly SqlToken[] {
  const last = item.at(-1);
  const before = item.at(-2);
  if (last === undefined || before === undefined || !(isName(last) || last.kind === 'string')) return item;
  if (isKeyword(before, 'AS')) return item.slice(0, -2);
  const endsValue =
    isName(before) || before.kind === 'number' || before.kind === 'string' || before.text === ')';
  return endsValue || isKeyword(before, 'END', 'NULL') ? item.slice(0, -1) : item;
}

function selectItems(tokens: readonly SqlToken[]): (readonly SqlToken[])[] {
  const select = tokens.findIndex((token) => token.depth === 0 && isKeyword(token, 'SELECT'));
  if (select < 0) return [];
  const start = isKeyword(tokens[select + 1], 'DISTINCT', 'ALL') ? select + 2 : select + 1;
  const rest = tokens.slice(start);
  const end = rest.findIndex((token) => token.depth === 0 && isKeyword(token, ...ITEM_ENDS));
  return splitAtCommas(end < 0 ? rest : rest.slice(0, end)).map(withoutAlias);
}

function withoutDirection(term: readonly SqlToken[]): readonly SqlToken[] {
  let end = term.length;
  for (;;) {
    const last = term[end - 1];
    const before = term[end - 2];
    if (isKeyword(last, 'ASC', 'DESC')) end -= 1;
    else if (isKeyword(before, 'NULLS', 'COLLATE')) end -= 2;
    else return term.slice(0, end);
  }
}

/** `t.c` and `c` are the same column wherever both are allowed: were there another `c`, the bare name would be ambiguous. */
function isSameExpression(a: readonly SqlToken[], b: readonly SqlToken[]): boolean {
  if (normalizeTokens(a) === normalizeTokens(b)) return true;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  const isQualified = long.length === 3 && long[1]!.text === '.' && isName(long[0]) && isName(long[2]);
  return (
    isQualified &&
    short.length === 1 &&
    isName(short[0]) &&
    normalizeTokens(short) === normalizeTokens(long.slice(2))
  );
}

function uniqueIndex<T>(items: readonly T[], matches: (item: T) => boolean): number {
  const first = items.findIndex(matches);
  return first >= 0 && items.findLastIndex(matches) === first ? first : -1;
}

interface Output {
  readonly columns: readonly string[];
  readonly items: readonly (readonly SqlToken[])[];
  readonly isCompound: boolean;
}

function positionOf(rawTerm: readonly SqlToken[], output: Output): number {
  const term = withoutDirection(rawTerm);
  const [first] = term;
  const hasName = (name: string) =>
    uniqueIndex(output.columns, (column) => column.toLowerCase() === name.toLowerCase());
  if (term.length === 1 && first!.kind === 'number') return Number(first!.text) - 1;
  if (term.length === 1 && isName(first)) {
    const named = hasName(first!.value);
    if (named >= 0) return named;
  }
  const isStar = output.items.some((item) => item.at(-1)?.text === '*' && item.length !== 2);
  const isBareStar = output.items.length === 1 && output.items[0]!.length === 1 && isStar;
  if (isBareStar && term.length === 3 && term[1]!.text === '.') return hasName(term[2]!.value);
  if (isStar || output.isCompound) return -1;
  return output.items.findIndex((item) => isSameExpression(item, term));
}

/** `columns` are the names of the output columns, as the database gave them. */
export function orderingOf(sql: string, columns: readonly string[]): Ordering {
  const tokens = codeTokens(sql);
  const terms = orderTerms(tokens);
  if (terms === undefined) return UNORDERED;
  const isCompound = tokens.some(
    (token) => token.depth === 0 && isKeyword(token, 'UNION', 'INTERSECT', 'EXCEPT'),
  );
  const output: Output = { columns, items: selectItems(tokens), isCompound };
  const positions = terms.map((term) => positionOf(term, output));
  const areKnown = positions.every((position) => position >= 0 && position < columns.length);
  return areKnown ? { kind: 'keys', columns: positions } : EXACT;
}
