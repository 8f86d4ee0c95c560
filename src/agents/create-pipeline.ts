/**
 * The orchestrator: a question through the steps, one after the other, to an answer with its reasons. Each step is a part of
 * its own, usable and tested alone; what it needs is handed in. Knows the order of the steps and which can be left out; knows
 * no file, no model format and no terminal.
 */
import type { Execution, ExecutionLimits } from '../database/execution.ts';
import { parseConfig } from '../foundation/config.ts';
import { QuerentError } from '../foundation/errors.ts';
import type { PromptContext } from '../prompts/prompt-format.ts';
import type { Lexicon } from '../schema/lexicon.ts';
import type { Schema } from '../schema/schema.ts';
import { loadParser } from '../schema/syntax/parser.ts';
import type { SchemaAnalysis, SchemaAnalyzer } from './analyze/schema-analyzer.ts';
import { failureOf, rowsOf } from './cells.ts';
import { clarify } from './confidence/clarification.ts';
import {
  type Confidence,
  type ConfidenceMap,
  confidenceOf,
  nothingToTrust,
} from './confidence/confidence.ts';
import { checkQuestion, closedError } from './errors.ts';
import type { Advisor } from './explain/advice.ts';
import { planOf } from './explain/plan.ts';
import { explainQuery } from './explain/query-words.ts';
import type { DraftCache } from './generate/draft-cache.ts';
import type { ExampleMemory } from './generate/example-memory.ts';
import type { Draft, GeneratorAsk, GreedyWatch, QueryGenerator } from './generate/query-generator.ts';
import {
  type AskOptions,
  type Pipeline,
  type PipelineAnswer,
  type PipelineOptions,
  type PipelineRequest,
  pipelineOptionsSchema,
} from './pipeline.ts';
import { columnUses } from './reading/column-use.ts';
import { type Refined, refine } from './refine/refinement.ts';
import {
  doubtOf,
  evaluateCandidates,
  type Judged,
  type Scored,
  toPipelineCandidate,
} from './score/reward-evaluator.ts';
import { createStepRunner, type StepRunner } from './steps.ts';
import type { Validator } from './validate/validator.ts';

export interface PipelineParts {
  readonly schema: Schema;
  readonly analyzer: SchemaAnalyzer;
  readonly generator: QueryGenerator;
  readonly validator: Validator;
  /** Runs a statement in the sandbox. */
  readonly execute: (sql: string, limits?: Partial<ExecutionLimits>) => Promise<Execution>;
  readonly lexicon?: Lexicon;
  readonly memory?: ExampleMemory;
  readonly cache?: DraftCache;
  /** What was learnt of this model's confidence; left out: the probability of the statement. */
  readonly confidence?: ConfidenceMap;
  readonly advisor?: Advisor;
  /** Whatever was opened for the pipeline and is closed with it, beside the generator. */
  readonly close?: () => Promise<void>;
}

/** A greedy statement at least so probable, against which nothing speaks, is not compared with others. */
const CONFIDENT_FROM = 0.3;
/** Of candidates that are compared; the answer itself is not run longer. */
const CANDIDATE_LIMITS: Partial<ExecutionLimits> = { timeoutMs: 2_000 };
const CANDIDATES_SHOWN_MAX = 8;
/** Of another try: hotter than the first draws, or the same would come again. */
const REFINE_TEMPERATURES = [1, 1.2];
const REFINE_SAMPLES = 16;

interface Turn {
  readonly question: string;
  readonly options: PipelineOptions;
  readonly steps: StepRunner;
  readonly signal: AbortSignal | undefined;
  readonly runs: (step: keyof PipelineOptions['steps']) => boolean;
}

interface Generated {
  readonly drafts: readonly Draft[];
  readonly isFromCache: boolean;
}

export function createPipeline(parts: PipelineParts): Pipeline {
  const { schema, analyzer, generator, validator, execute, memory, cache } = parts;
  let isClosed = false;

  const analyze = ({ question, options, runs }: Turn): SchemaAnalysis =>
    analyzer.analyze(question, {
      tablesMax: runs('analyze') ? options.tablesMax : schema.tables.length,
      schemaTokensMax: Math.min(options.schemaTokensMax, generator.schemaTokensMax),
    });

  const askOf = ({ question, options }: Turn, analysis: SchemaAnalysis): GeneratorAsk => {
    const { correction } = options;
    const context: PromptContext = {
      schemaText: analysis.schemaText.text,
      examples: memory?.alike(question, generator.readsContext ? options.examples : 0) ?? [],
      ...(correction === undefined ? {} : { correction }),
    };
    return { question, context };
  };

  /** Rejected statements are never given again. */
  const usable = (drafts: readonly Draft[], { options }: Turn): readonly Draft[] =>
    drafts.filter(({ sql }) => sql === '' || sql !== options.correction?.sql);

  const drawSeed = ({ options }: Turn): number => (options.correction === undefined ? 0 : 1);

  /** Whether the greedy statement can stand without others to compare it with. */
  const isSettled = async (draft: Draft, turn: Turn): Promise<boolean> => {
    if (draft.logprob !== undefined && Math.exp(draft.logprob) < CONFIDENT_FROM) return false;
    const [judged] = await judge([draft], turn);
    return judged !== undefined && doubtOf(judged) === 0;
  };

  const watchOf = ({ steps, signal }: Turn, number: number): GreedyWatch => ({
    ...(steps.isWatched
      ? { onText: (text: string) => steps.observe({ type: 'token', text, turn: number }) }
      : {}),
    ...(signal === undefined ? {} : { signal }),
  });

  const generate = async (turn: Turn, ask: GeneratorAsk): Promise<Generated> => {
    const { question, options, runs } = turn;
    const { candidates, temperatures, onlyWhenDoubtful } = options;
    const drawn = runs('evaluate') ? candidates : 0;
    const key = {
      model: generator.name,
      schemaHash: schema.hash,
      question,
      options: [drawn, temperatures, onlyWhenDoubtful, ask.context],
    };
    // What a person accepted counts more than what was written before it.
    const accepted = options.correction === undefined ? memory?.accepted(question) : undefined;
    if (accepted !== undefined)
      return {
        drafts: [{ sql: accepted.sql, logprob: 0, doubt: 0, temperature: 0, tokens: 0 }],
        isFromCache: true,
      };
    const known = options.cache ? cache?.get(key) : undefined;
    if (known !== undefined) return { drafts: known, isFromCache: true };
    const { signal } = turn;
    const greedy = await generator.greedy([ask], watchOf(turn, 0));
    const drafts = [...usable(greedy, turn)];
    const first = drafts[0];
    const isEnough = onlyWhenDoubtful && first !== undefined && (await isSettled(first, turn));
    if (drawn > 0 && !isEnough) {
      const drawing = { samples: drawn, temperatures, seed: drawSeed(turn) };
      const [group = []] = await generator.draw([ask], drawing, signal);
      drafts.push(...usable(group, turn));
    }
    cache?.set(key, drafts);
    return { drafts, isFromCache: false };
  };

  /** Equal statements are looked at once. */
  const judge = async (drafts: readonly Draft[], { runs }: Turn): Promise<readonly Judged[]> => {
    const looked = new Map<string, Promise<Omit<Judged, 'draft'>>>();
    const look = async (sql: string): Promise<Omit<Judged, 'draft'>> => {
      if (sql === '') return { validation: undefined, execution: undefined };
      const validation = runs('validate') ? await validator.validate(sql) : undefined;
      if (validation?.isValid === false) return { validation, execution: undefined };
      return { validation, execution: await execute(sql, CANDIDATE_LIMITS) };
    };
    return Promise.all(
      drafts.map(async (draft) => {
        const found = looked.get(draft.sql) ?? look(draft.sql);
        looked.set(draft.sql, found);
        return { draft, ...(await found) };
      }),
    );
  };

  const refineTurn = (
    turn: Turn,
    ask: GeneratorAsk,
    judged: readonly Judged[],
    scored: readonly Scored[],
  ): Promise<Refined> => {
    let all = judged;
    return refine(scored, turn.options.refineTurns, {
      rewrite: async (failed, number) => {
        if (generator.readsContext) {
          const correction = failed.sql === '' ? {} : { correction: failed };
          const again = { ...ask, context: { ...ask.context, ...correction } };
          return generator.greedy([again], watchOf(turn, number));
        }
        const drawing = { samples: REFINE_SAMPLES, temperatures: REFINE_TEMPERATURES, seed: 100 + number };
        return usable((await generator.draw([ask], drawing, turn.signal))[0] ?? [], turn);
      },
      judge: async (drafts) => {
        all = [...all, ...(await judge(drafts, turn))];
        return evaluateCandidates(all);
      },
    });
  };

  const explain = async (turn: Turn, sql: string, best: Scored | undefined) => {
    const { options } = turn;
    const words = explainQuery(sql, { schema, lexicon: parts.lexicon });
    const plan =
      best?.validation?.plan ??
      (options.plan ? planOf(await execute(`EXPLAIN QUERY PLAN ${sql}`)) : undefined);
    const advice = options.advice ? await parts.advisor?.advise(sql) : undefined;
    return { words, plan: options.plan ? plan : undefined, advice };
  };

  const answer = async (turn: Turn, startedAt: number): Promise<PipelineAnswer> => {
    const { question, options, steps, runs } = turn;
    const analysis = await steps.run(
      'analyze',
      () => analyze(turn),
      ({ tables, schemaText }) => ({ tables, schemaTokens: schemaText.tokens }),
    );
    const ask = askOf(turn, analysis);
    const { drafts, isFromCache } = await steps.run(
      'generate',
      () => generate(turn, ask),
      (made) => ({ candidates: made.drafts.length, isFromCache: made.isFromCache }),
    );
    const judged = await steps.run(
      'validate',
      () => judge(drafts, turn),
      (made) => ({
        valid: made.filter(({ validation, draft }) => draft.sql !== '' && validation?.isValid !== false)
          .length,
      }),
    );
    let ranked = await steps.run(
      'evaluate',
      () => {
        const scored = evaluateCandidates(judged);
        // Without the evaluator the first stays the answer, whatever is said against it.
        return runs('evaluate')
          ? scored
          : [...scored].sort(
              (a, b) => Number(b.draft.sql === drafts[0]?.sql) - Number(a.draft.sql === drafts[0]?.sql),
            );
      },
      (made) => ({ agreement: made[0]?.agreement ?? 0, feedback: made[0]?.feedback ?? [] }),
    );
    if (runs('refine') && options.refineTurns > 0) {
      const refined = await steps.run(
        'refine',
        () => refineTurn(turn, ask, judged, ranked),
        (made) => ({ turns: made.turns, isChanged: made.isChanged }),
      );
      ranked = refined.candidates;
    }
    const best = ranked[0];
    const isUsable = best !== undefined && (best.score > Number.NEGATIVE_INFINITY || !runs('evaluate'));
    const sql = isUsable ? best.draft.sql : '';
    const shown = ranked
      .slice(0, CANDIDATES_SHOWN_MAX)
      .map((scored, at) => toPipelineCandidate(scored, at === 0 && sql !== ''));
    for (const candidate of shown) steps.observe({ type: 'candidate', candidate });

    const confidence = await steps.run(
      'confidence',
      () => sure(turn, best, analysis),
      ({ value, raw, reason, features }) => ({ value, raw, reason, features }),
    );
    const isHeldBack = runs('confidence') && confidence.value < options.confidenceMin;
    const clarification = isHeldBack || sql === '' ? clarify(analysis.ambiguous) : undefined;
    const isRun = sql !== '' && !isHeldBack && runs('execute');
    const execution = isRun
      ? await steps.run(
          'execute',
          () => runBest(sql, best, options),
          (made) => ({ outcome: made.outcome }),
        )
      : undefined;
    const result = execution?.outcome === 'rows' ? rowsOf(execution, options.rowsMax) : undefined;
    if (result !== undefined) steps.observe({ type: 'rows', ...result });
    const explained =
      sql === '' || !runs('explain')
        ? undefined
        : await steps.run(
            'explain',
            () => explain(turn, sql, best),
            ({ words }) => ({ words }),
          );
    const used = sql === '' ? undefined : columnUses(sql, schema);
    return {
      question,
      sql,
      ...(best?.draft.reasoning === undefined ? {} : { reasoning: best.draft.reasoning }),
      confidence: confidence.value,
      confidenceReason: confidence.reason,
      abstained: isHeldBack || sql === '',
      ...(clarification === undefined ? {} : { clarification }),
      tables: used?.tables ?? [],
      columns: [...(used?.columns.keys() ?? [])],
      explanation: explained?.words ?? '',
      ...(result === undefined ? {} : { result }),
      ...(execution === undefined || execution.outcome === 'rows' ? {} : { failure: failureOf(execution) }),
      ...(explained?.plan === undefined ? {} : { plan: explained.plan }),
      ...(explained?.advice === undefined ? {} : { advice: explained.advice }),
      warnings: best?.validation?.issues ?? [],
      candidates: shown,
      isFromCache,
      latencyMs: performance.now() - startedAt,
      steps: steps.reports,
    };
  };

  const sure = ({ runs }: Turn, best: Scored | undefined, { ambiguous }: SchemaAnalysis): Confidence => {
    if (best === undefined) return nothingToTrust('no statement was written');
    const unknownWords = ambiguous.filter(({ reason }) => reason === 'unknown-word').length;
    return confidenceOf({ best, unknownWords }, runs('confidence') ? parts.confidence : undefined);
  };

  /** What was run to compare candidates is not run again, unless it was cut short. */
  const runBest = async (
    sql: string,
    best: Scored | undefined,
    { rowsMax }: PipelineOptions,
  ): Promise<Execution> => {
    const known = best?.draft.sql === sql ? best.execution : undefined;
    const isEnough = known?.outcome === 'rows' && (!known.truncated || known.rows.length >= rowsMax);
    return isEnough ? known : execute(sql, { maxRows: rowsMax });
  };

  return {
    name: generator.name,
    ask: async (request: PipelineRequest, askOptions: AskOptions = {}) => {
      if (isClosed) throw closedError();
      const startedAt = performance.now();
      const question = checkQuestion(request.question);
      const options = parseOptions(request.options ?? {});
      await loadParser();
      const steps = createStepRunner(askOptions);
      const { signal } = askOptions;
      const turn: Turn = { question, options, steps, signal, runs: (step) => options.steps[step] !== false };
      const made = await answer(turn, startedAt);
      askOptions.observe?.({ type: 'answer', answer: made });
      return made;
    },
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      await generator.close();
      await parts.close?.();
    },
  };
}

function parseOptions(given: unknown): PipelineOptions {
  try {
    return parseConfig(pipelineOptionsSchema, given, 'the options of the question') as PipelineOptions;
  } catch (thrown) {
    if (!(thrown instanceof QuerentError)) throw thrown;
    throw new QuerentError('agents/bad-options', thrown.message, {
      next: thrown.next ?? 'Correct the option.',
      details: thrown.details,
      cause: thrown,
    });
  }
}
