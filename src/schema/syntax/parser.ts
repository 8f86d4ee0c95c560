/**
 * The parser of SQL as a service that hostile text cannot break. It knows how to load it and what it must not be given; it
 * knows nothing of what a tree means. The tree is read, never turned back into text that runs.
 *
 * The parser (sqlparser-rs in WebAssembly) writes its tree out by recursion: an operator chain of some 500 links overruns
 * its stack, and the instance answers nothing after that. So texts beyond a number of tokens are not given to it; published
 * queries stay far below.
 */
import { init, parse } from '@guanmingchiu/sqlparser-ts';
import { codeTokens, type SqlToken } from '../../database/sql-text.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Chains take two tokens a link at least; 400 links are safe at any nesting that the parser allows (50). */
export const PARSER_TOKENS_MAX = 600;
const CHARACTERS_MAX = 40_000;

let ready: Promise<unknown> | undefined;
let isBroken = false;

/** Loads the parser; once a process. */
export function loadParser(): Promise<unknown> {
  ready ??= init();
  return ready;
}

/**
 * One tree a statement; undefined where the parser does not know the syntax or the text is too long for it, which does not
 * mean that the text is wrong. Needs `loadParser()` first. `tokens`: of the text, where they are known already.
 */
export function parseSql(sql: string, tokens?: readonly SqlToken[]): Json[] | undefined {
  if (isBroken || sql.length > CHARACTERS_MAX) return undefined;
  if ((tokens ?? codeTokens(sql)).length > PARSER_TOKENS_MAX) return undefined;
  try {
    return parse(sql, 'sqlite') as unknown as Json[];
  } catch {
    // An instance that overran its stack also fails at what is certainly right.
    isBroken = !answers();
    return undefined;
  }
}

function answers(): boolean {
  try {
    return parse('SELECT 1', 'sqlite').length === 1;
  } catch {
    return false;
  }
}

export const isObject = (node: Json | undefined): node is JsonObject =>
  typeof node === 'object' && node !== null && !Array.isArray(node);
