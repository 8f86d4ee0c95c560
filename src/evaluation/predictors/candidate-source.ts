/**
 * `CandidateSource`: questions to one or more candidates each – a checkpoint, an endpoint, a command, a file. It is told
 * what may be seen of an example and never the gold query.
 */

import type { Prediction, Predictor } from '../../agents/predictor.ts';
import { type Example, tagValue } from '../../data/example.ts';
import { QuerentError } from '../../foundation/errors.ts';

/** What a predictor sees of an example. */
export interface Ask {
  readonly id: string;
  readonly question: string;
  readonly databaseId: string;
  readonly evidence?: string;
  /** The one table that is asked, where the set says so (WikiSQL). */
  readonly table?: string;
}

export interface Sampling {
  /** Candidates a question. */
  readonly samples: number;
  /** 0 = greedy. */
  readonly temperature: number;
}

export const greedy: Sampling = { samples: 1, temperature: 0 };

export interface CandidateSource {
  readonly name: string;
  /** One list a question, in order; as many candidates as asked for, without SQL where nothing was written. */
  propose(asks: readonly Ask[], sampling: Sampling): Promise<readonly (readonly Prediction[])[]>;
  close(): Promise<void>;
}

export function askOf(example: Example): Ask {
  const { id, question, databaseId, evidence } = example;
  const table = tagValue(example, 'table');
  return {
    id,
    question,
    databaseId,
    ...(evidence === undefined ? {} : { evidence }),
    ...(table === undefined ? {} : { table }),
  };
}

/** A predictor as a source; closing the source does not close it. */
export function sourceOf(predictor: Predictor): CandidateSource {
  return {
    name: predictor.name,
    propose: async (asks, sampling) => {
      const questions = asks.map(({ question }) => question);
      if (sampling.samples === 1 && sampling.temperature === 0)
        return (await predictor.predict(questions)).map((prediction) => [prediction]);
      if (predictor.sample !== undefined) return predictor.sample(questions, sampling);
      throw new QuerentError('evaluation/cannot-sample', `${predictor.name} gives one answer a question`, {
        next: 'Evaluate it without --samples.',
      });
    },
    close: async () => {},
  };
}
