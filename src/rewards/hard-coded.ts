/**
 * Answers that were written down instead of asked for: `SELECT 2000` where 2,000 rows happen to be counted. Reads texts;
 * an answer that hides its constants better is found out on a neighbour of the database (`data/neighbours`).
 */
import { codeTokens, isKeyword, type SqlToken } from '../database/sql-text.ts';
import { identifiersOf } from '../schema/names-in-sql.ts';

interface Shape {
  readonly readsTables: boolean;
  /** What is listed in the outermost SELECT is nothing but constants; their texts. Undefined where it is not. */
  readonly constants: readonly string[] | undefined;
  readonly literals: ReadonlySet<string>;
}

const isLiteral = ({ kind }: SqlToken): boolean => kind === 'number' || kind === 'string' || kind === 'blob';

/** The tokens between the first SELECT and its FROM; undefined where there is more than one SELECT side by side. */
function selectList(tokens: readonly SqlToken[]): readonly SqlToken[] | undefined {
  const outermost = tokens.filter((token) => token.depth === 0);
  if (outermost.some((token) => isKeyword(token, 'UNION', 'INTERSECT', 'EXCEPT'))) return undefined;
  const select = outermost.find((token) => isKeyword(token, 'SELECT'));
  const from = outermost.find((token) => isKeyword(token, 'FROM'));
  if (select === undefined || from === undefined || from.start < select.start) return undefined;
  return tokens.filter(({ start }) => start > select.start && start < from.start);
}

/** Constants with signs, commas and aliases, and nothing else. */
function constantsOf(list: readonly SqlToken[] | undefined): readonly string[] | undefined {
  if (list === undefined) return undefined;
  const constants: string[] = [];
  for (const [at, token] of list.entries()) {
    const before = list[at - 1];
    const isAlias =
      before !== undefined && (isKeyword(before, 'AS') || before.text === ')' || isLiteral(before));
    if (isLiteral(token)) constants.push(token.value);
    else if (![',', '-', '+', '(', ')'].includes(token.text) && !isKeyword(token, 'AS', 'DISTINCT', 'ALL')) {
      if (!isAlias) return undefined;
    }
  }
  return constants.length > 0 ? constants : undefined;
}

function shapeOf(sql: string): Shape {
  const tokens = codeTokens(sql);
  const { tables, hasOwnColumns } = identifiersOf(sql);
  return {
    readsTables: tables.length > 0 || (hasOwnColumns && !tokens.some((token) => isKeyword(token, 'VALUES'))),
    constants: constantsOf(selectList(tokens)),
    literals: new Set(tokens.filter(isLiteral).map(({ value }) => value)),
  };
}

const CHARACTERS_MAX = 20_000;
/** The plain case, told without reading tokens: something that is no constant is listed first, from a table. */
const PLAINLY_ASKS =
  /^\s*select\s+(?:distinct\s+)?(?!(?:null|true|false|case|not|cast|current_\w+|distinct|all)\b)[a-z_]\w*[^'"]*?\bfrom\s+[a-z_]\w*(?=\s*(?:[;,)]|$)|\s+[a-z])/i;

/**
 * True if the prediction reads no table although the gold does, or lists only constants although the gold lists data and
 * does not name these constants. A condition that pins a column to a constant may be answered with the constant:
 * `SELECT 'x' … WHERE a = 'x'` for `SELECT a … WHERE a = 'x'`.
 */
export function isHardCoded(predicted: string, gold: string): boolean {
  if (predicted.length > CHARACTERS_MAX || gold.length > CHARACTERS_MAX) return false;
  if (PLAINLY_ASKS.test(predicted)) return false;
  const [its, golds] = [shapeOf(predicted), shapeOf(gold)];
  if (golds.readsTables && !its.readsTables) return true;
  if (its.constants === undefined || golds.constants !== undefined) return false;
  return its.constants.some((constant) => !golds.literals.has(constant));
}
