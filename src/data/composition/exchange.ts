/**
 * The same question of another column: "the total budget per department" becomes "the total actual cost per department", in
 * words and in SQL. What a model learns from one statement is then not which column it goes with. And the same question
 * of the same column by another of its nouns.
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
import { likeWord, said, wordPattern } from './word-places.ts';

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

type Forms = ReturnType<typeof formsOf>;

/** Nouns of the other columns of the tables. */
function nounsOfOthers(
  context: SynthesisContext,
  tables: readonly TableFacts[],
  facts: TableFacts,
  column: Column,
): ReadonlySet<string> {
  return new Set(
    tables.flatMap((table) =>
      table.table.columns
        .filter((each) => table !== facts || each.name !== column.name)
        .flatMap((each) => formsOf(context, table, each).flat()),
    ),
  );
}

/**
 * The question with another noun in the place of the column's; undefined where it does not name the column, or where its nouns
 * could be another column's. `others`: the nouns to choose from, without those that it has.
 */
function saidOtherwise(
  context: SynthesisContext,
  tables: readonly TableFacts[],
  facts: TableFacts,
  column: Column,
  others: Forms,
  question: string,
): string | undefined {
  const forms = formsOf(context, facts, column);
  const pattern = wordPattern(forms.flat());
  const named = new Set([...question.matchAll(pattern)].map(([word]) => word.toLowerCase()));
  if (named.size === 0) return undefined;
  const foreign = nounsOfOthers(context, tables, facts, column);
  const isShared = [...named].some((form) => foreign.has(form));
  const choice = others.filter((pair) => !pair.some((form) => named.has(form)));
  if (isShared || says(question, choice.flat())) return undefined;
  const hasPlural = forms.some(([one, many]) => one !== many && named.has(many));
  // "hours planned" has no plural, and "line of business" one that nobody can guess.
  const fitting = choice.filter(([one]) => !hasPlural || !one.includes(' '));
  if (fitting.length === 0) return undefined;
  const [noun, plural] = context.random.pick(fitting);
  const places = [...question.matchAll(pattern)].map(({ 0: word, index }) => {
    const isPlural = forms.some(([one, many]) => many === word.toLowerCase() && one !== many);
    return { at: index, length: word.length, to: likeWord(word, isPlural ? plural : noun) };
  });
  return places.reduceRight(said, question);
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
  if (says(question, hiddenPhrases(context, facts, column))) return undefined;
  const asked = saidOtherwise(context, tables, facts, column, formsOf(context, facts, other), question);
  if (asked === undefined) return undefined;
  let text = '';
  let end = 0;
  for (const at of places) {
    text += sql.slice(end, tokens[at]!.start) + identifier(other.name);
    end = tokens[at]!.end;
  }
  return { question: asked, sql: text + sql.slice(end) };
};

/** The same question with another of the column's nouns: the statement stays. */
export const renameColumn: Operation = (context, { question, sql }) => {
  const statement = readStatement(sql);
  const tables = tablesOf(context, statement);
  const columns = tables.flatMap((facts) =>
    facts.table.columns
      .filter(({ name }) => namesColumn(statement, name))
      .map((column) => ({ facts, column, forms: formsOf(context, facts, column) })),
  );
  const choices = columns.filter(({ forms }) => forms.length > 1 && says(question, forms.flat()));
  if (choices.length === 0) return undefined;
  const { facts, column, forms } = context.random.pick(choices);
  const foreign = nounsOfOthers(context, tables, facts, column);
  const own = forms.filter((pair) => !pair.some((form) => foreign.has(form)));
  const renamed = saidOtherwise(context, tables, facts, column, own, question);
  return renamed === undefined ? undefined : { question: renamed, sql };
};
