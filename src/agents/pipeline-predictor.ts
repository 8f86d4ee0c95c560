/** The pipeline as a `Predictor`: what evaluation asks like any other. Knows questions and statements, no rows. */
import type { Pipeline, PipelineRequest } from './pipeline.ts';
import type { Predictor } from './predictor.ts';

/** Neither rows nor words are needed to judge a statement. */
const withoutShow = { execute: false, explain: false } as const;

export function createPipelinePredictor(
  pipeline: Pipeline,
  options: PipelineRequest['options'] = {},
): Predictor {
  return {
    name: pipeline.name,
    predict: async (questions) => {
      const predictions = [];
      for (const question of questions) {
        const answer = await pipeline.ask({
          question,
          options: { ...options, plan: false, steps: { ...options.steps, ...withoutShow } },
        });
        predictions.push({
          sql: answer.sql,
          ...(answer.reasoning === undefined ? {} : { reasoning: answer.reasoning }),
          confidence: answer.confidence,
          latencyMs: answer.latencyMs,
        });
      }
      return predictions;
    },
    close: () => pipeline.close(),
  };
}
