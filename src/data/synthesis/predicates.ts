/**
 * A condition in the forms that sentences ask for: said of many ("are active", "have no client"), said of one ("has no
 * client"), or right after the noun ("that are active"). It knows the shapes that filters and synonyms use, not English.
 */
import type { Filter } from './filter.ts';

const without = /^(?:without|lacking|missing|with no) (?:(?:an?|any) (?=\S))?/;
/** A relative clause about the noun itself: "that went over budget", not "that Ann Lee works on" or "that we signed". */
const ownClause = /^(?:that|who|which) (?!we |nobody |\p{Lu})(\S.*)$/u;
const otherClause = /^(?:that|who|which|whose|where|for which|for whom|we|nobody) /;

/** What may follow a plural noun as its predicate. */
export function predicateOf(filter: Filter): string {
  const { before, head } = filter;
  const after = filter.apart ?? filter.after;
  if (after === undefined) return `are ${before ?? head![1]}`;
  const clause = ownClause.exec(after);
  if (clause !== null) return clause[1]!;
  if (without.test(after)) return after.replace(without, 'have no ');
  if (/^(?:with|having) /.test(after)) return after.replace(/^\S+/, 'have');
  return otherClause.test(after) || after.startsWith('as ') ? `are ones ${after}` : `are ${after}`;
}

/** What may follow a plural noun as a modifier. */
export function modifierOf(filter: Filter): string {
  const { before, head, after, apart } = filter;
  return after ?? apart ?? `that are ${before ?? head![1]}`;
}

/** "whose vendor is in Berlin", "whose vendor has no rating"; undefined where the condition has no such form. */
export function whoseClause(owner: string, after: string): string | undefined {
  const whose = /^whose (.*)$/.exec(after);
  if (whose !== null) return `whose ${owner}'s ${whose[1]}`;
  const predicate = predicateOf({ sql: '', uses: [], after });
  const auxiliary = /^(are|were|have)(?= )/.exec(predicate)?.[1];
  if (auxiliary === undefined || predicate.startsWith('are ones ')) return undefined;
  const singular = { are: 'is', were: 'was', have: 'has' }[auxiliary]!;
  return `whose ${owner} ${singular}${predicate.slice(auxiliary.length)}`;
}
