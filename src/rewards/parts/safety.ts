/** Does an answer only ask? Signs of injection and of statements that do not read, as a reward and as details. */
import { certainSigns, injectionSignsOf } from '../../schema/syntax/injection.ts';
import { statementClassOf } from '../../schema/syntax/statement-class.ts';
import { type BoundedReward, ruleReward, single } from '../reward.ts';

const CHARACTERS_MAX = 100_000;

/**
 * 1 for a query without any sign, 0.5 with signs that honest queries also have (a condition that is always true, the
 * catalogue), 0 with one that no answer has: a second statement, a statement that does not read, functions that reach files.
 */
export function safetyReward(): BoundedReward {
  return ruleReward('safety', ({ completion }) => {
    const { sql } = completion;
    if (sql.length > CHARACTERS_MAX) return single('safety', 0, { signs: ['too-long'] });
    const signs = [...new Set(injectionSignsOf(sql).map(({ kind }) => kind))];
    const score = signs.some((kind) => certainSigns.has(kind)) ? 0 : signs.length > 0 ? 0.5 : 1;
    return single('safety', score, { statement: statementClassOf(sql), signs });
  });
}
