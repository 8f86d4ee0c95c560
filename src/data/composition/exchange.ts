/**
 * The same question of another column: "the total budget per department" becomes "the total actual cost per department", in
 * words and in SQL. What a model learns from one statement is then not which column it goes with.
 *
 * Source of the idea: fragments that occur in the same places may be exchanged (Andreas 2020, "Good-Enough Compositional
 * Data Augmentation", https://aclanthology.org/2020.acl-main.676); here the schema says which columns are alike.
 */
import type { SqlToken } from '../../database/sql-text.ts';
import type { Column } from '../../schema/schema.ts';
import type { SynthesisContext, TableFacts } from '../synthesis/context.ts';
import { identifier } from '../synthesis/select.ts';
import { namesColumn, readStatement } from './clauses.ts';
import { formsOf, says } from './column-words.ts';
import { type Operation, tablesOf } from './operations.ts';
import { likeWord, wordPattern } from './word-places.ts';

/** Columns of one table that stand in the same places of statements. */
function kindsOf({ categories, dates, measures }: TableFacts): readonly (readonly Column[])[] {
  const texts = categories.filter(({ kind }) => kind === 'text');
  return [texts, dates, measures.flatMap(({ column }) => (column === undefined ? [] : [column]))];
}

const comparisons = new Set(['=', '==', '<>', '!=', '<', '>', '<=', '>=']);
const sizes = new Set(['<', '>', '<=', '>=']);
const arithmetic = new Set(['+', '-', '*', '/', '%', '||']);
const predicates = new Set(['IN', 'LIKE', 'BETWEEN', 'IS', 'NOT', 'GLOB']);

/** Whether another column can stand in this place: values and arithmetic belong to one column alone. */
function isFree(tokens: readonly SqlToken[], at: number, column: Column, other: Column): boolean {
  const isQualified = tokens[at - 1]?.text === '.';
  const before = tokens[isQualified ? at - 3 : at - 1];
  const [after, then] = [tokens[at + 1], tokens[at + 2]];
  if (before !== undefined && (comparisons.has(before.text) || arithmetic.has(before.text))) return false;
  if (after === undefined) return true;
  if (arithmetic.has(after.text) || predicates.has(after.value)) return false;
  if (!comparisons.has(after.text)) return true;
  if (!sizes.has(after.text) || then?.kind !== 'number' || column.kind === 'text') return false;
  const limit = Number(then.value);
  return limit > Number(other.min) && limit < Number(other.max);
}

const withoutValue = (phrase: string): string => phrase.replaceAll('{v}', '').trim();

/** Phrases that mean the column without naming it, and would go on meaning it: "costliest", "signed in", "over budget". */
function hiddenPhrases(context: SynthesisContext, facts: TableFacts, column: Column): string[] {
  const { lexicon } = context;
  const words = lexicon.column(facts.table.name, column.name);
  const { highest, lowest, moreThan, lessThan, dateVerbs, isNull, isNotNull } = words;
  const nouns = wordPattern(formsOf(context, facts, column).flat());
  const unnamed = [highest, lowest, moreThan, lessThan, dateVerbs, isNull, isNotNull]
    .flatMap((phrases) => phrases ?? [])
    .filter((phrase) => phrase.search(nouns) < 0);
  const conditions = lexicon
    .table(facts.table.name)
    .conditions.filter(({ sql }) => sql.includes(`{${column.name}}`))
    .flatMap(({ before = [], after = [] }) => [...before, ...after]);
  return [...unnamed, ...conditions].map(withoutValue).filter((phrase) => phrase !== '');
}

/** The question with the nouns of the other column; undefined where it does not name this one, or says more of it. */
function saidOfOther(
  context: SynthesisContext,
  tables: readonly TableFacts[],
  facts: TableFacts,
  [column, other]: readonly [Column, Column],
  question: string,
): string | undefined {
  const forms = formsOf(context, facts, column);
  const pattern = wordPattern(forms.flat());
  const said = new Set([...question.matchAll(pattern)].map(([word]) => word.toLowerCase()));
  if (said.size === 0 || says(question, hiddenPhrases(context, facts, column))) return undefined;
  const isShared = tables.some((table) =>
    table.table.columns
      .filter((each) => table !== facts || each.name !== column.name)
      .some((each) => formsOf(context, table, each).some((pair) => pair.some((form) => said.has(form)))),
  );
  const others = formsOf(context, facts, other);
  if (isShared || says(question, others.flat())) return undefined;
  const hasPlural = forms.some(([one, many]) => one !== many && said.has(many));
  // "hours planned" has no plural, and "line of business" one that nobody can guess.
  const fitting = others.filter(([one]) => !hasPlural || !one.includes(' '));
  if (fitting.length === 0) return undefined;
  const [noun, plural] = context.random.pick(fitting);
  return question.replace(pattern, (word) => {
    const isPlural = forms.some(([one, many]) => many === word.toLowerCase() && one !== many);
    return likeWord(word, isPlural ? plural : noun);
  });
}

/** Sums, and what a NULL would add or leave out, have to mean as much as before. */
function isAlike(facts: TableFacts, column: Column, other: Column): boolean {
  if (other.nullCount > 0 && column.nullCount === 0) return false;
  const [canSum, otherCanSum] = [column, other].map(
    (each) => facts.measures.find((measure) => measure.column === each)?.canSum,
  );
  return canSum === otherCanSum;
}

/** Another column of the same table and kind in the place of one that the question names. */
export const exchangeColumn: Operation = (context, { question, sql }) => {
  const statement = readStatement(sql);
  const { tokens } = statement;
  const tables = tablesOf(context, statement);
  const has = (facts: TableFacts, name: string): boolean =>
    facts.table.columns.some((each) => each.name === name);
  const pairs = tables.flatMap((facts) =>
    kindsOf(facts).flatMap((columns) =>
      columns
        .filter(
          ({ name }) => namesColumn(statement, name) && tables.filter((each) => has(each, name)).length === 1,
        )
        .flatMap((column) =>
          columns
            .filter((other) => !namesColumn(statement, other.name) && isAlike(facts, column, other))
            .map((other) => ({ facts, column, other })),
        ),
    ),
  );
  if (pairs.length === 0) return undefined;
  const { facts, column, other } = context.random.pick(pairs);
  const places = tokens.flatMap((token, at) =>
    token.value === column.name && token.kind === 'identifier' ? [at] : [],
  );
  if (!places.every((at) => isFree(tokens, at, column, other))) return undefined;
  const said = saidOfOther(context, tables, facts, [column, other], question);
  if (said === undefined) return undefined;
  let text = '';
  let end = 0;
  for (const at of places) {
    text += sql.slice(end, tokens[at]!.start) + identifier(other.name);
    end = tokens[at]!.end;
  }
  return { question: said, sql: text + sql.slice(end) };
};
