/**
 * SQL as words separated by single spaces, the form in which the embedded model reads and writes it:
 * `SELECT COUNT ( * ) FROM PROJSTAFF WHERE PROJSTAFF.Project_Code = <v0>`. A qualified name is one word.
 */
import { codeTokens, type SqlToken } from '../../database/sql-text.ts';

export interface SqlWord {
  readonly text: string;
  readonly kind: 'literal' | 'name' | 'other';
}

function isNameToken(token: SqlToken | undefined): boolean {
  return token?.kind === 'identifier' || token?.kind === 'quoted-identifier';
}

/** Words of a statement; comments are dropped. */
export function sqlWords(sql: string): SqlWord[] {
  const tokens = codeTokens(sql);
  const words: SqlWord[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const last = tokens[i + 2];
    const isQualified =
      isNameToken(token) &&
      tokens[i + 1]?.text === '.' &&
      last !== undefined &&
      (isNameToken(last) || last.text === '*');
    if (isQualified) {
      words.push({ text: `${token.text}.${last.text}`, kind: 'name' });
      i += 2;
    } else if (token.kind === 'string' || token.kind === 'number')
      words.push({ text: token.text, kind: 'literal' });
    else
      words.push({
        text: token.kind === 'keyword' ? token.value : token.text,
        kind: isNameToken(token) ? 'name' : 'other',
      });
  }
  if (words.at(-1)?.text === ';') words.pop();
  return words;
}

/** Words are parted by single spaces: a literal with other white space in it (two spaces, a tab) cannot be written. */
export const canBeWritten = (text: string): boolean => !/\s\s|[^\S ]/.test(text);

const functionNames =
  /\b(COUNT|SUM|AVG|MIN|MAX|ROUND|ABS|COALESCE|IFNULL|NULLIF|strftime|julianday|date|length|lower|upper|substr|CAST|RANK|ROW_NUMBER|DENSE_RANK|NTILE|LAG|LEAD|FIRST_VALUE|LAST_VALUE|OVER|group_concat|instr|TOTAL|printf) \(/gi;

/** Words back to a statement in the usual spacing. Text inside quotes is left alone. */
export function joinSqlWords(text: string): string {
  return text
    .split(/('(?:[^']|'')*')/)
    .map((part, i) =>
      i % 2 === 1
        ? part
        : part.replace(functionNames, '$1(').replace(/\( /g, '(').replace(/ \)/g, ')').replace(/ ,/g, ','),
    )
    .join('');
}

/** Stands for the spaces inside a fused word; a statement that has it anyway is left unfused. */
export const seam = '~';

const phrases = [
  'SELECT DISTINCT',
  'COUNT ( * )',
  'COUNT ( DISTINCT',
  'COUNT ( CASE WHEN',
  'THEN 1 END )',
  'GROUP BY',
  'ORDER BY',
  'PARTITION BY',
  'IS NOT NULL',
  'IS NULL',
  'NOT EXISTS ( SELECT 1 FROM',
  'EXISTS ( SELECT 1 FROM',
  'IN ( SELECT',
  '( SELECT AVG (',
  '100.0 *',
  'julianday (',
  "strftime ( '%Y' ,",
  "strftime ( '%Y-%m' ,",
  'WITH RECURSIVE',
  'UNION ALL SELECT',
  'RANK ( ) OVER (',
  'ROW_NUMBER ( ) OVER (',
];

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

const fusible = new RegExp(
  `(?<=^| )(?:JOIN [^ ]+ ON [^ ]+ = [^ ]+|${phrases.map(escaped).join('|')})(?= |$)`,
  'g',
);

/** Word groups that always come together become one word each, a whole JOIN with its condition among them. */
export function fuseWords(text: string): string {
  return text.includes(seam) ? text : text.replace(fusible, (group) => group.replaceAll(' ', seam));
}

export function partWords(text: string): string {
  return text.replaceAll(seam, ' ');
}
