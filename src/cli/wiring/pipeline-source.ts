/** The whole pipeline as what answers an evaluation: opened for each set and database, closed together. */
import { createPipelinePredictor } from '../../agents/pipeline-predictor.ts';
import type { BaseFormat } from '../../engine/model/base-tensor.ts';
import { sourceOf } from '../../evaluation/predictors/candidate-source.ts';
import type { Observe } from '../../foundation/events.ts';
import type { Synonyms } from '../../schema/lexicon.ts';
import type { SourceKeeper } from './candidate-sources.ts';
import { openTools } from './database-tools.ts';
import { type OpenedPipeline, openPipeline } from './pipeline.ts';

export interface PipelineChoice {
  readonly directory: string;
  readonly baseWeights: BaseFormat;
  readonly synonyms: () => Promise<Synonyms>;
  readonly observe: Observe;
}

export function keepPipeline({ directory, baseWeights, synonyms, observe }: PipelineChoice): SourceKeeper {
  const opened = new Map<string, Promise<OpenedPipeline>>();
  return {
    sourceFor: async ({ name }, database, sandbox) => {
      // The sandbox is the set's, and a pipeline keeps the one it was opened with.
      const key = `${name}\0${database.path}`;
      const known = opened.get(key);
      const open = async (): Promise<OpenedPipeline> =>
        openPipeline({
          directory,
          baseWeights,
          tools: await openTools({ database, synonyms: await synonyms(), sandbox }),
          observe,
        });
      const pipeline = known ?? open();
      opened.set(key, pipeline);
      return sourceOf(createPipelinePredictor((await pipeline).pipeline));
    },
    close: async () => {
      const outcomes = await Promise.allSettled(opened.values());
      for (const outcome of outcomes) if (outcome.status === 'fulfilled') await outcome.value.close();
    },
  };
}
