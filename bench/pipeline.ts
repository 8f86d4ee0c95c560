/**
 * What each step of the agent pipeline is worth: execution accuracy of plain greedy answers, with the vote over 16 candidates,
 * with the validator, with refinement – on the demonstration's sets, with the shipped model. And whether its confidence can be
 * believed: calibrated on the development questions, measured on the others. The drafts are written once, in batches, and are
 * the same for every line. Baseline of each line: plain greedy, without any choice among candidates.
 *
 *   npm run bench -- pipeline --set sets=dev,natural --set drafts=FILE --set save=FILE
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSchemaAnalyzer } from '../src/agents/analyze/schema-analyzer.ts';
import { type ConfidenceMap, fitConfidence } from '../src/agents/confidence/confidence.ts';
import { type Labelled, predictLogistic } from '../src/agents/confidence/logistic.ts';
import { createPipeline } from '../src/agents/create-pipeline.ts';
import { createPolicyGenerator } from '../src/agents/generate/query-generator.ts';
import type { PipelineAnswer, PipelineRequest } from '../src/agents/pipeline.ts';
import { createValidator } from '../src/agents/validate/validator.ts';
import { openWorkspace, shippedModelDirectory } from '../src/cli/project.ts';
import { loadSet, loadSynonyms } from '../src/cli/wiring/data.ts';
import { openDatabase } from '../src/cli/wiring/database.ts';
import { openModel } from '../src/cli/wiring/model.ts';
import { compactSettingsOf } from '../src/cli/wiring/pipeline.ts';
import type { Example } from '../src/data/example.ts';
import { synthesize } from '../src/data/synthesis/synthesize.ts';
import { createSandbox } from '../src/database/sandbox.ts';
import { calibrate, type Judged } from '../src/evaluation/calibration/calibration.ts';
import { proportion } from '../src/evaluation/statistics.ts';
import { ignoreEvents } from '../src/foundation/events.ts';
import { packageRoot } from '../src/foundation/files.ts';
import { createLexicon } from '../src/schema/lexicon.ts';
import { createValueIndex } from '../src/schema/link/value-index.ts';
import type { BenchOptions, Measurement } from './harness.ts';
import { recordGenerator } from './support/recorded-generator.ts';

const suite = 'pipeline';
const SAMPLES = 16;
const phrasingsSeed = 42;

type Options = NonNullable<PipelineRequest['options']>;

/** Each line adds to the one before it. */
const stages: readonly (readonly [name: string, options: Options])[] = [
  ['greedy', { candidates: 0, steps: { validate: false, evaluate: false, refine: false } }],
  ['+ vote', { onlyWhenDoubtful: false, steps: { validate: false, refine: false } }],
  ['+ validator', { onlyWhenDoubtful: false, steps: { refine: false } }],
  ['+ refinement', { onlyWhenDoubtful: false }],
  ['default: candidates only when in doubt', {}],
];

interface Answered {
  readonly isRight: boolean;
  readonly answer: PipelineAnswer;
}

const confidenceFactsOf = ({ steps }: PipelineAnswer) => {
  const payload = steps.find(({ step }) => step === 'confidence')?.payload;
  return { raw: Number(payload?.raw ?? 0), features: (payload?.features ?? []) as readonly number[] };
};

const labelledOf = (answered: readonly Answered[]): Labelled[] =>
  answered.flatMap(({ isRight, answer }) => {
    const { features } = confidenceFactsOf(answer);
    return features.length === 0 ? [] : [{ features, isRight }];
  });

function judgedBy(answered: readonly Answered[], map: ConfidenceMap | undefined): Judged[] {
  return answered.map(({ isRight, answer }) => {
    const { raw, features } = confidenceFactsOf(answer);
    const confidence = map === undefined || features.length === 0 ? raw : predictLogistic(map, features);
    return { confidence, isRight };
  });
}

/** Every question judged by a map that was fitted without its fold. */
function crossValidated(answered: readonly Answered[], folds: number): Judged[] {
  return Array.from({ length: folds }, (_, fold) => {
    const inFold = (at: number): boolean => at % folds === fold;
    const map = fitConfidence(labelledOf(answered.filter((__, at) => !inFold(at))), []);
    return judgedBy(
      answered.filter((__, at) => inFold(at)),
      map,
    );
  }).flat();
}

export async function* run({ quick, settings, log }: BenchOptions): AsyncGenerator<Measurement> {
  const workspace = await openWorkspace(settings.project ?? packageRoot());
  const database = await openDatabase(workspace, ignoreEvents);
  const { schema, path } = database;
  const synonyms = await loadSynonyms(workspace);
  const sandbox = createSandbox();
  const directory = settings.model ?? shippedModelDirectory();
  const { policy, format } = await openModel({ directory, database, observe: ignoreEvents });
  try {
    const phrasings = async (count: number): Promise<readonly Example[]> => {
      const { parts } = await synthesize({
        schema,
        synonyms,
        seed: phrasingsSeed,
        counts: { train: 0, rl: 0, phrasings: count, shapes: 0 },
        executeAll: (statements) => Promise.all(statements.map((sql) => sandbox.execute(path, sql))),
      });
      return parts.phrasings;
    };
    const names = (settings.sets ?? 'dev,natural,complex,phrasings').split(',');
    const sets = new Map<string, readonly Example[]>();
    for (const name of names) {
      const examples =
        name === 'phrasings' ? await phrasings(100) : await loadSet(workspace, name, packageRoot());
      sets.set(name, quick ? examples.slice(0, 10) : examples);
    }
    const questions = [...sets.values()].flat().map(({ question }) => question);
    log(`${questions.length} questions, ${SAMPLES} candidates each`);
    const generator = await recordGenerator(
      createPolicyGenerator({ name: directory, policy, format, ownsPolicy: false }),
      questions,
      SAMPLES,
      settings.drafts,
    );
    const lexicon = createLexicon(schema, synonyms);
    const compact = await compactSettingsOf(directory);
    const words = new Set(compact?.questionWords);
    const pipeline = createPipeline({
      schema,
      lexicon,
      analyzer: createSchemaAnalyzer({
        schema,
        lexicon,
        valueIndex: createValueIndex(schema, compact),
        isKnownWord: (key) => words.has(key),
      }),
      generator,
      validator: createValidator({ schema, execute: (sql) => sandbox.execute(path, sql) }),
      execute: (sql, limits) => sandbox.execute(path, sql, limits),
    });
    const answerAll = async (examples: readonly Example[], options: Options): Promise<Answered[]> => {
      const answers: PipelineAnswer[] = [];
      for (const { question } of examples) {
        const steps = { ...options.steps, execute: false, explain: false };
        answers.push(await pipeline.ask({ question, options: { ...options, plan: false, steps } }));
      }
      const pairs = examples.map(({ sql: gold }, at) => ({ gold, predicted: answers[at]!.sql }));
      const verdicts = await sandbox.judgeBatch(path, pairs);
      return answers.map((answer, at) => ({
        answer,
        isRight: answer.sql !== '' && verdicts[at]!.match === true,
      }));
    };

    const finals = new Map<string, readonly Answered[]>();
    for (const [set, examples] of sets) {
      let greedy = 0;
      for (const [stage, options] of stages) {
        const answered = await answerAll(examples, options);
        const right = answered.filter(({ isRight }) => isRight).length;
        const { share, interval } = proportion(right, examples.length);
        if (stage === 'greedy') greedy = share;
        if (stage === stages.at(-1)![0]) finals.set(set, answered);
        yield {
          suite,
          name: `${set}, ${stage}: EX`,
          value: share,
          unit: 'share',
          baseline: greedy,
          ratio: greedy === 0 ? null : share / greedy,
          baselineName: 'plain greedy',
          details: { questions: examples.length, interval, drafts: generator.cost },
        };
      }
    }
    yield* calibrationLines(finals, settings.save);
  } finally {
    await policy.close();
    await sandbox.close();
  }
}

/** Fitted on the development questions; the sets that it was not fitted on are what counts. */
function* calibrationLines(
  finals: ReadonlyMap<string, readonly Answered[]>,
  save: string | undefined,
): Generator<Measurement> {
  const [fittedOn, fitted] = [...finals][0]!;
  const map = fitConfidence(labelledOf(fitted), [fittedOn]);
  const others = [...finals].filter(([set]) => set !== fittedOn);
  const line = (name: string, answered: readonly Answered[], after: readonly Judged[]): Measurement => {
    const before = calibrate(judgedBy(answered, undefined));
    const calibrated = calibrate(after);
    return {
      suite,
      name: `${name}: calibration error (ECE)`,
      value: calibrated.ece,
      unit: 'share',
      baseline: before.ece,
      ratio: calibrated.ece === 0 ? null : before.ece / calibrated.ece,
      baselineName: 'probability of the statement',
      details: {
        questions: answered.length,
        aurc: { before: before.aurc, after: calibrated.aurc, best: calibrated.aurcBest },
        confidenceMean: calibrated.confidenceMean,
        accuracy: calibrated.accuracy,
      },
    };
  };
  const folds = 10;
  yield line(`${fittedOn}, ${folds} folds`, fitted, crossValidated(fitted, folds));
  for (const [set, answered] of others)
    yield line(`${set}, fitted on ${fittedOn}`, answered, judgedBy(answered, map));
  const rest = others.flatMap(([, answered]) => answered);
  const held = rest.length === 0 ? fitted : rest;
  yield line(`all but ${fittedOn}, fitted on ${fittedOn}`, held, judgedBy(held, map));
  if (save === undefined) return;
  const ece = {
    before: Number(calibrate(judgedBy(held, undefined)).ece.toFixed(4)),
    after: Number(calibrate(judgedBy(held, map)).ece.toFixed(4)),
  };
  writeFileSync(join(save), `${JSON.stringify({ ...map, ece }, null, 2)}\n`);
}
