import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../database/sandbox.ts';
import { createValueIndex } from '../schema/link/value-index.ts';
import { createShop, draft, type Script, type ShopDatabase, scripted } from './agents.fixture.ts';
import { createSchemaAnalyzer } from './analyze/schema-analyzer.ts';
import { createPipeline, type PipelineParts } from './create-pipeline.ts';
import { createDraftCache } from './generate/draft-cache.ts';
import { createExampleMemory } from './generate/example-memory.ts';
import type { PipelineEvent } from './pipeline.ts';
import { createPipelinePredictor } from './pipeline-predictor.ts';
import { createValidator } from './validate/validator.ts';

let shop: ShopDatabase;
let sandbox: Sandbox;
beforeAll(async () => {
  shop = await createShop();
  sandbox = createSandbox({ workers: 1 });
});
afterAll(async () => {
  await sandbox.close();
  shop.remove();
});

function open(script: Script, more: Partial<PipelineParts> = {}) {
  const { schema, path } = shop;
  const generator = scripted(script);
  const pipeline = createPipeline({
    schema,
    generator,
    analyzer: createSchemaAnalyzer({ schema, valueIndex: createValueIndex(schema) }),
    validator: createValidator({ schema, execute: (sql) => sandbox.execute(path, sql) }),
    execute: (sql, limits) => sandbox.execute(path, sql, limits),
    ...more,
  });
  return { pipeline, generator };
}

const count = 'SELECT COUNT(*) FROM orders';
const right = "SELECT full_name FROM customers WHERE city = 'Lisbon'";
const empty = "SELECT full_name FROM customers WHERE city = 'Lisboa'";

describe('the pipeline', () => {
  it('answers with rows, words, names and steps in their order, all of it JSON', async () => {
    const events: PipelineEvent[] = [];
    const { pipeline } = open({ greedy: () => draft(right, 0.9, 0) });
    const answer = await pipeline.ask(
      { question: 'who lives in Lisbon?' },
      { observe: (event) => events.push(event) },
    );
    expect(answer).toMatchObject({
      sql: right,
      tables: ['customers'],
      columns: ['customers.full_name', 'customers.city'],
      explanation: 'Shows full name of customers where city is “Lisbon”.',
      abstained: false,
      isFromCache: false,
    });
    expect(answer.result?.rows).toEqual([['Ada Byron']]);
    expect(answer.confidence).toBeCloseTo(0.9);
    expect(answer.plan?.[0]).toMatchObject({ operation: 'scan', table: 'customers' });
    expect(answer.steps.map(({ step }) => step)).toEqual([
      'analyze',
      'generate',
      'validate',
      'evaluate',
      'refine',
      'confidence',
      'execute',
      'explain',
    ]);
    expect(events.at(-1)).toEqual({ type: 'answer', answer });
    expect(JSON.parse(JSON.stringify(events))).toEqual(events);
  });

  it('takes what most of the probability agrees on where the first statement is doubtful', async () => {
    const others = [
      draft(right, 0.2),
      draft("SELECT c.full_name FROM customers c WHERE c.city = 'Lisbon'", 0.15),
    ];
    const { pipeline } = open({ greedy: () => draft(empty, 0.25, 0), drawn: () => others });
    const answer = await pipeline.ask({ question: 'who lives in Lisbon?' });
    expect(answer.sql).toBe(right);
    expect(answer.candidates.filter(({ isChosen }) => isChosen)).toHaveLength(1);
    const greedy = await pipeline.ask({
      question: 'who lives in Lisbon?',
      options: { steps: { evaluate: false, refine: false } },
    });
    expect(greedy.sql).toBe(empty);
  });

  it('never gives a statement that writes, or that names what is not there', async () => {
    const bad = ['DROP TABLE orders', 'SELECT nonsense FROM orders', `${count}; DELETE FROM orders`];
    for (const sql of bad) {
      const { pipeline } = open({ greedy: () => draft(sql, 0.99, 0), drawn: () => [draft(sql, 0.99)] });
      const answer = await pipeline.ask({ question: 'drop everything' });
      expect(answer).toMatchObject({ sql: '', abstained: true, confidence: 0 });
      expect(answer.result).toBeUndefined();
    }
    const { pipeline } = open({ greedy: () => draft(count, 0.9, 0) });
    expect((await pipeline.ask({ question: 'how many orders' })).result?.rows).toEqual([[5000]]);
  });

  it('shows a failed statement to a model that reads corrections, and keeps what is better', async () => {
    const { pipeline, generator } = open({
      readsContext: true,
      greedy: ({ context }) => draft(context.correction === undefined ? empty : right, 0.5, 0),
    });
    const answer = await pipeline.ask({ question: 'who lives in Lisbon?', options: { candidates: 0 } });
    expect(answer.sql).toBe(right);
    expect(generator.asked.at(-1)?.context.correction).toMatchObject({ sql: empty });
  });

  it('keeps the first answer where refinement finds nothing better', async () => {
    const { pipeline, generator } = open({
      greedy: () => draft(empty, 0.5, 0),
      drawn: () => [draft('SELECT zzz FROM orders', 0.9)],
    });
    const answer = await pipeline.ask({ question: 'who lives in Lisboa?', options: { refineTurns: 3 } });
    expect(answer.sql).toBe(empty);
    expect(generator.draws.length).toBeGreaterThan(1);
  });

  it('does not give a statement again that was called wrong', async () => {
    const { pipeline } = open({
      greedy: () => draft(empty, 0.9, 0),
      drawn: () => [draft(empty, 0.9), draft(right, 0.1)],
    });
    const correction = { sql: empty, message: 'the city is called Lisbon' };
    expect((await pipeline.ask({ question: 'who lives there?', options: { correction } })).sql).toBe(right);
  });

  it('asks back below the threshold, and names the words', async () => {
    const { pipeline } = open({ greedy: () => draft(right, 0.4, 0) });
    const answer = await pipeline.ask({ question: 'zorbles from Lisbon', options: { confidenceMin: 0.8 } });
    expect(answer.abstained).toBe(true);
    expect(answer.result).toBeUndefined();
    expect(answer.clarification?.question).toContain('“zorbles”');
  });

  it('remembers: drafts in the cache, and what a user accepted', async () => {
    const memory = createExampleMemory();
    const { pipeline, generator } = open(
      { greedy: () => draft(count, 0.9, 0) },
      { cache: createDraftCache(10), memory },
    );
    const question = 'How many orders?';
    expect((await pipeline.ask({ question })).isFromCache).toBe(false);
    expect(await pipeline.ask({ question })).toMatchObject({ isFromCache: true, sql: count });
    expect(generator.asked).toHaveLength(1);
    memory.add({ question: 'who is in lisbon', sql: right, isAccepted: true });
    expect(await pipeline.ask({ question: 'Who is in Lisbon?' })).toMatchObject({
      sql: right,
      isFromCache: true,
    });
  });

  it('stops when the question is withdrawn, and says so', async () => {
    const controller = new AbortController();
    const { pipeline } = open({
      greedy: () => {
        controller.abort();
        return draft(count, 0.9, 0);
      },
    });
    const asked = pipeline.ask({ question: 'how many orders' }, { signal: controller.signal });
    await expect(asked).rejects.toMatchObject({ code: 'agents/aborted' });
  });

  it.each([
    ['', {}, 'agents/empty-question'],
    [' ?! ', {}, 'agents/empty-question'],
    ['a'.repeat(100_000), {}, 'agents/question-too-long'],
    ['how many', { candidates: -1 }, 'agents/bad-options'],
    ['how many', { nonsense: 1 }, 'agents/bad-options'],
  ])('refuses %.10j with %j', async (question, options, code) => {
    const { pipeline } = open({ greedy: () => draft(count, 0.9, 0) });
    await expect(pipeline.ask({ question, options: options as object })).rejects.toMatchObject({ code });
  });

  it('is a predictor, and answers nothing once it is closed', async () => {
    const { pipeline } = open({ greedy: () => draft(count, 0.9, 0) });
    const predictor = createPipelinePredictor(pipeline);
    expect(await predictor.predict(['how many orders'])).toMatchObject([{ sql: count }]);
    await predictor.close();
    await expect(pipeline.ask({ question: 'how many' })).rejects.toMatchObject({ code: 'agents/closed' });
  });
});
