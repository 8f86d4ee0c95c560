/**
 * A generator that wrote its drafts beforehand, in batches, so that the steps behind it can be measured over and over. What it
 * was not asked before (another try after an empty result) it passes on. Keeps its drafts in a file where one is named.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Draft, GeneratorAsk, QueryGenerator } from '../../src/agents/generate/query-generator.ts';

interface Record {
  greedy: Draft;
  drawn: readonly Draft[];
}

export interface RecordedGenerator extends QueryGenerator {
  /** Milliseconds a question when its drafts were written: greedy alone, and the others. */
  readonly cost: { greedyMs: number; drawMs: number };
}

export async function recordGenerator(
  generator: QueryGenerator,
  questions: readonly string[],
  samples: number,
  path: string | undefined,
): Promise<RecordedGenerator> {
  const kept: Map<string, Record> =
    path !== undefined && existsSync(path)
      ? new Map(JSON.parse(readFileSync(path, 'utf8')) as [string, Record][])
      : new Map();
  const asks = questions
    .filter((question) => !kept.has(question))
    .map((question): GeneratorAsk => ({ question, context: {} }));
  const cost = { greedyMs: 0, drawMs: 0 };
  if (asks.length > 0) {
    let startedAt = performance.now();
    const greedy = await generator.greedy(asks);
    cost.greedyMs = (performance.now() - startedAt) / asks.length;
    startedAt = performance.now();
    const drawn = await generator.draw(asks, { samples, temperatures: [1], seed: 0 });
    cost.drawMs = (performance.now() - startedAt) / asks.length;
    asks.forEach(({ question }, at) => {
      kept.set(question, { greedy: greedy[at]!, drawn: drawn[at]! });
    });
    if (path !== undefined) writeFileSync(path, JSON.stringify([...kept]));
  }
  // What a later turn draws is written once as well.
  const later = new Map<string, readonly Draft[]>();
  return {
    ...generator,
    cost,
    greedy: async (wanted) => wanted.map(({ question }) => kept.get(question)!.greedy),
    draw: async (wanted, drawing) => {
      if (drawing.seed === 0 && drawing.temperatures.length === 1)
        return wanted.map(({ question }) => kept.get(question)!.drawn.slice(0, drawing.samples));
      const key = JSON.stringify([wanted, drawing]);
      const known = later.get(key);
      if (known !== undefined) return [known];
      const [drafts = []] = await generator.draw(wanted, drawing);
      later.set(key, drafts);
      return [drafts];
    },
  };
}
