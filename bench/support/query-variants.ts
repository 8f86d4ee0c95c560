/**
 * Variants of a gold query for measuring comparisons: some that mean the same, some that mean something else (or nearly
 * always do), and its own answer written out. Text surgery over Spider's plain style of SQL; what does not fit is left out.
 */
import type { Execution, SqlValue } from '../../src/database/execution.ts';

export interface Variant {
  readonly kind: string;
  readonly sql: string;
}

const clean = (sql: string): string => sql.trim().replace(/;\s*$/, '');

/** Mean the same, whatever the data. */
export function equivalentsOf(goldSql: string): Variant[] {
  const gold = clean(goldSql);
  const variants: Variant[] = [{ kind: 'common-table', sql: `WITH q AS (${gold}) SELECT * FROM q` }];
  if (!/order\s+by/i.test(gold)) variants.push({ kind: 'subquery', sql: `SELECT * FROM (${gold})` });
  const join = /\bFROM\s+(\w+)\s+AS\s+(\w+)\s+JOIN\s+(\w+)\s+AS\s+(\w+)\s+ON\b/i.exec(gold);
  // The columns of `SELECT *` would swap as well.
  if (join !== null && !/select\s+(?:distinct\s+)?\*/i.test(gold)) {
    const [text, first, firstAlias, second, secondAlias] = join;
    variants.push({
      kind: 'swapped-join',
      sql: gold.replace(text, `FROM ${second} AS ${secondAlias} JOIN ${first} AS ${firstAlias} ON`),
    });
  }
  if (/count\s*\(\s*\*\s*\)/i.test(gold)) {
    variants.push({ kind: 'count-1', sql: gold.replace(/count\s*\(\s*\*\s*\)/gi, 'count(1)') });
  }
  return variants;
}

const CONSTANT = `('[^']*'|"[^"]*"|[\\d.]+)`;
const CONDITION = `[\\w.]+\\s*(?:=|>|<|>=|<=|!=)\\s*${CONSTANT}`;
const HAVING = /HAVING\s+count\s*\(\s*\*\s*\)\s*(>=|>|<=|<|=)\s*(\d+)/i;

/** One change of meaning each: search and replacement, once. */
const mutations: readonly (readonly [kind: string, search: RegExp, replacement: string])[] = [
  ['drop-and', new RegExp(`\\s+AND\\s+${CONDITION}`, 'i'), ' '],
  ['drop-where', new RegExp(`\\s+WHERE\\s+${CONDITION}(?=\\s*$|\\s+(?:GROUP|ORDER|LIMIT))`, 'i'), ' '],
  ['above-from', /([^<>])>(\s*\d)/, '$1>=$2'],
  ['below-to', /<(\s*\d)/, '<=$1'],
  ['not-equal', /([^<>!])=(\s*(?:'|"|\d))/, '$1!=$2'],
  ['ascending', /\bDESC\b/i, 'ASC'],
  ['descending', /\bASC\b/i, 'DESC'],
  ['minimum', /\bmax\s*\(/i, 'min('],
  ['maximum', /\bavg\s*\(/i, 'max('],
  ['first-two', /LIMIT\s+1\s*$/i, 'LIMIT 2'],
  ['or', /\bAND\b/i, 'OR'],
  ['union', /\bINTERSECT\b/i, 'UNION'],
  ['no-except', /\bEXCEPT\b[\s\S]*$/i, ''],
  ['count-all', /count\s*\(\s*DISTINCT/i, 'count('],
  ['no-distinct', /^SELECT\s+DISTINCT/i, 'SELECT'],
  ['no-having', HAVING, ''],
  ['in', /\bNOT IN\b/i, 'IN'],
  ['starts-with', /(LIKE\s+['"])%/i, '$1'],
];

/** Mean something else, but for a few that happen to be equivalent. */
export function mutantsOf(goldSql: string): Variant[] {
  const gold = clean(goldSql);
  const mutants = mutations.flatMap(([kind, search, replacement]): Variant[] => {
    const isRange = (kind === 'or' || kind === 'drop-and') && /\bbetween\b/i.test(gold);
    const sql = isRange ? gold : gold.replace(search, replacement);
    return sql === gold ? [] : [{ kind, sql }];
  });
  const having = HAVING.exec(gold);
  if (having === null) return mutants;
  const sql = gold.replace(having[0], `HAVING count(*) ${having[1]} ${Number(having[2]) + 1}`);
  return [...mutants, { kind: 'having', sql }];
}

function literal(value: SqlValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  return value instanceof Uint8Array ? `x'${Buffer.from(value).toString('hex')}'` : String(value);
}

const ROWS_MAX = 60;

/** The answer itself; undefined where it is too long or there is none. */
export function answerOf(execution: Execution): string | undefined {
  if (execution.outcome !== 'rows' || execution.rows.length > ROWS_MAX) return undefined;
  if (execution.rows.length === 0) return `SELECT ${execution.columns.map(() => 'NULL').join(', ')} WHERE 0`;
  return `VALUES ${execution.rows.map((row) => `(${row.map(literal).join(', ')})`).join(', ')}`;
}
