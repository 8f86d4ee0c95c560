/**
 * A SELECT statement as data, and its text. Columns are written as marks (`col`) that are resolved when the statement is
 * rendered: bare while one table is in the FROM clause, qualified as soon as there are two (the house style of gold SQL).
 */

export interface Join {
  readonly table: string;
  /** Marks of both sides. */
  readonly left: string;
  readonly right: string;
  readonly isLeft?: boolean;
}

export interface Select {
  readonly distinct?: boolean;
  readonly columns: readonly string[];
  readonly from: string;
  readonly joins?: readonly Join[];
  readonly where?: readonly string[];
  readonly groupBy?: readonly string[];
  readonly having?: readonly string[];
  readonly orderBy?: readonly string[];
  readonly limit?: string | number;
}

/** An identifier, quoted only where SQLite needs it. */
export function identifier(name: string): string {
  const plain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !reserved.has(name.toLowerCase());
  return plain ? name : `"${name.replaceAll('"', '""')}"`;
}

const reserved = new Set(
  'add all alter and as between by case check column commit create cross default delete desc distinct drop else end except exists foreign from group having in index insert intersect into is join left limit not null on or order primary references select set table then to transaction union unique update using values when where'.split(
    ' ',
  ),
);

/** The mark of a column. */
export function col(table: string, column: string): string {
  return `⟦${table}|${column}⟧`;
}

/** A column with its table's name whatever the FROM clause says: for correlated subqueries. */
export function qualified(table: string, column: string): string {
  return `${identifier(table)}.${identifier(column)}`;
}

const markPattern = /⟦([^|⟧]*)\|([^⟧]*)⟧/g;

/** Resolve the marks of a text; `alias` replaces the table's name. */
export function resolveMarks(text: string, style: 'bare' | 'qualified', alias?: string): string {
  return text.replace(markPattern, (_, table: string, column: string) => {
    if (style === 'bare') return identifier(column);
    return alias === undefined ? qualified(table, column) : `${alias}.${identifier(column)}`;
  });
}

/** FROM starts at the table of the first answer column, as people write it: the join that brings it in is turned round. */
function turned(select: Select): Select {
  const first = /⟦([^|⟧]*)\|/.exec(select.columns[0] ?? '')?.[1];
  const joins = select.joins ?? [];
  const at = joins.findIndex(
    (join) => join.table === first && join.isLeft !== true && join.left.startsWith(`⟦${select.from}|`),
  );
  if (first === undefined || first === select.from || at < 0) return select;
  const join = joins[at]!;
  const back: Join = { table: select.from, left: join.right, right: join.left };
  return { ...select, from: first, joins: [back, ...joins.filter((_, i) => i !== at)] };
}

export function renderSelect(given: Select): string {
  const select = turned(given);
  const joins = select.joins ?? [];
  const parts = [
    `SELECT ${select.distinct ? 'DISTINCT ' : ''}${select.columns.join(', ')}`,
    `FROM ${identifier(select.from)}`,
    ...joins.map(
      (join) =>
        `${join.isLeft ? 'LEFT JOIN' : 'JOIN'} ${identifier(join.table)} ON ${join.left} = ${join.right}`,
    ),
  ];
  if (select.where !== undefined && select.where.length > 0)
    parts.push(`WHERE ${select.where.join(' AND ')}`);
  if (select.groupBy !== undefined && select.groupBy.length > 0)
    parts.push(`GROUP BY ${select.groupBy.join(', ')}`);
  if (select.having !== undefined && select.having.length > 0)
    parts.push(`HAVING ${select.having.join(' AND ')}`);
  if (select.orderBy !== undefined && select.orderBy.length > 0)
    parts.push(`ORDER BY ${select.orderBy.join(', ')}`);
  if (select.limit !== undefined) parts.push(`LIMIT ${select.limit}`);
  return resolveMarks(parts.join(' '), joins.length > 0 ? 'qualified' : 'bare');
}

/** A text literal. */
export function textLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
