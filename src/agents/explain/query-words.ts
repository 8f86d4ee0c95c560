/**
 * A statement in plain words, from its syntax tree – not from the model, so it says what will run and nothing else. Names of
 * tables and columns are said with the lexicon's words. A statement that the parser does not know is said to be so.
 */
import type { Lexicon } from '../../schema/lexicon.ts';
import type { Schema } from '../../schema/schema.ts';
import { pluralOf, singularOf, wordsOfIdentifier } from '../../schema/words.ts';
import {
  type ReadBody,
  type ReadOutput,
  type ReadQuery,
  type ReadSelect,
  type ReadTable,
  readQuery,
  selectsOf,
} from '../reading/read-query.ts';
import { expressionWords, type Speaker } from './expression-words.ts';

const listed = (parts: readonly string[]): string =>
  parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;

class QueryTeller {
  readonly #schema: Schema;
  readonly #lexicon: Lexicon | undefined;

  constructor(schema: Schema, lexicon: Lexicon | undefined) {
    this.#schema = schema;
    this.#lexicon = lexicon;
  }

  #table(name: string): string {
    const table = this.#schema.tables.find(
      (candidate) => candidate.name.toLowerCase() === name.toLowerCase(),
    );
    if (table === undefined) return name;
    const noun = this.#lexicon?.table(table.name).nouns[0]?.[1];
    return noun ?? pluralOf(singularOf(wordsOfIdentifier(table.name).join(' ')));
  }

  /** What the names of one SELECT mean; `isPlain`: one table, so its name need not be said with every column. */
  #speaker(select: ReadSelect | undefined): Speaker {
    const tables = select?.tables ?? [];
    const owner = (qualifier: string | undefined, column: string): ReadTable | undefined =>
      tables.find((table) => {
        if (qualifier !== undefined) return table.alias.toLowerCase() === qualifier.toLowerCase();
        return this.#hasColumn(table, column);
      });
    return {
      column: (qualifier, name) => {
        const table = owner(qualifier, name);
        const words = this.#column(table?.name, name);
        const isShared =
          tables.length > 1 && tables.filter((other) => this.#hasColumn(other, name)).length > 1;
        return isShared && table?.name !== undefined ? `${words} of the ${this.#table(table.name)}` : words;
      },
      query: (query) => `(${this.query(query)})`,
    };
  }

  #hasColumn({ name }: ReadTable, column: string): boolean {
    const table = this.#schema.tables.find(
      (candidate) => candidate.name.toLowerCase() === name?.toLowerCase(),
    );
    return table?.columns.some((candidate) => candidate.name.toLowerCase() === column.toLowerCase()) === true;
  }

  #column(table: string | undefined, column: string): string {
    const owner = this.#schema.tables.find(({ name }) => name.toLowerCase() === table?.toLowerCase());
    const known = owner?.columns.find(({ name }) => name.toLowerCase() === column.toLowerCase());
    if (owner === undefined || known === undefined) return wordsOfIdentifier(column).join(' ');
    const nouns = this.#lexicon?.column(owner.name, known.name).nouns;
    return nouns?.[0] ?? wordsOfIdentifier(known.name).join(' ');
  }

  query(query: ReadQuery): string {
    const common = query.commonTables.map(
      ({ name, query: inner }) => `First “${name}”: ${this.query(inner)}. Then: `,
    );
    const [first] = selectsOf(query.body);
    const speaker = this.#speaker(first);
    return `${common.join('')}${this.#body(query.body)}${this.#order(query, first, speaker)}`;
  }

  #body(body: ReadBody): string {
    switch (body.kind) {
      case 'select':
        return this.#select(body);
      case 'query':
        return this.query(body.query);
      case 'values':
        return 'fixed values';
      default: {
        const word = { union: 'together with', intersect: 'but only what is also in', except: 'without' }[
          body.kind
        ];
        return `${this.#body(body.left)}, ${word} ${this.#body(body.right)}`;
      }
    }
  }

  #select(select: ReadSelect): string {
    const speaker = this.#speaker(select);
    const shown = listed(select.outputs.map((output) => this.#output(output, speaker)));
    const parts = [`${select.isDistinct ? 'the different ' : ''}${shown}`];
    if (select.tables.length > 0) parts.push(` of ${this.#from(select.tables)}`);
    if (select.where.length > 0)
      parts.push(` where ${select.where.map((part) => expressionWords(part, speaker)).join(' and ')}`);
    if (select.groupBy.length > 0)
      parts.push(`, for each ${listed(select.groupBy.map((part) => this.#grouped(part, select, speaker)))}`);
    if (select.having.length > 0)
      parts.push(
        `, keeping groups where ${select.having.map((part) => expressionWords(part, speaker)).join(' and ')}`,
      );
    return parts.join('');
  }

  #output({ kind, expression, table }: ReadOutput, speaker: Speaker): string {
    if (kind === 'all') return 'everything';
    if (kind === 'all-of-table') return `everything of ${table}`;
    return expressionWords(expression!, speaker);
  }

  #from(tables: readonly ReadTable[]): string {
    const name = (table: ReadTable): string =>
      table.query === undefined ? this.#table(table.name ?? '') : `(${this.query(table.query)})`;
    const [first, ...others] = tables;
    const words: Readonly<Record<ReadTable['join'], string>> = {
      first: '',
      inner: ' with their ',
      left: ' with their ',
      right: ' beside all ',
      full: ' beside all ',
      cross: ' combined with all ',
      comma: ' and ',
    };
    return `${name(first!)}${others.map((table) => `${words[table.join]}${name(table)}${table.join === 'left' ? ' (if any)' : ''}`).join('')}`;
  }

  /** GROUP BY 1 and GROUP BY an alias mean an output column. */
  #grouped(part: ReadQuery['orderBy'][number]['expression'], select: ReadSelect, speaker: Speaker): string {
    const words = expressionWords(part, speaker);
    const output = /^\d+$/.test(words)
      ? select.outputs[Number(words) - 1]
      : select.outputs.find(
          ({ alias }) => alias !== undefined && wordsOfIdentifier(alias).join(' ') === words,
        );
    return output?.expression === undefined ? words : expressionWords(output.expression, speaker);
  }

  #order({ orderBy, limit, offset }: ReadQuery, select: ReadSelect | undefined, speaker: Speaker): string {
    const sorted = orderBy.map(({ expression, isDescending }) => {
      const words =
        select === undefined
          ? expressionWords(expression, speaker)
          : this.#grouped(expression, select, speaker);
      return `${words}${isDescending ? ', highest first' : ''}`;
    });
    const order = sorted.length === 0 ? '' : `, sorted by ${sorted.join(', then by ')}`;
    const first = limit === undefined ? '' : `, only the first ${expressionWords(limit, speaker)}`;
    return `${order}${first}${offset === undefined ? '' : ` after ${expressionWords(offset, speaker)}`}`;
  }
}

export interface ExplainQueryOptions {
  readonly schema: Schema;
  readonly lexicon?: Lexicon | undefined;
}

/** Needs `loadParser()` first. */
export function explainQuery(sql: string, { schema, lexicon }: ExplainQueryOptions): string {
  const read = readQuery(sql);
  if (read === undefined) return 'This statement is written in a way that cannot be put into words here.';
  return `Shows ${new QueryTeller(schema, lexicon).query(read)}.`;
}
