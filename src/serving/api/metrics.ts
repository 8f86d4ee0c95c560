/** What `querent serve` counts: requests, answers by their end, the batches of the model. */
import { createMeters, type Meters } from '../http/metrics.ts';

export type AnswerOutcome = 'answered' | 'abstained' | 'failed' | 'withdrawn';

export interface ApiMetrics extends Pick<Meters, 'requestEnded' | 'watch' | 'text' | 'contentType'> {
  answered(outcome: AnswerOutcome, seconds: number): void;
  sampled(prompts: number): void;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.4, 0.75, 1.5, 3, 10, 30, 60];

export function createApiMetrics(): ApiMetrics {
  const { requestEnded, histogram, watch, text, contentType } = createMeters({
    prefix: 'querent_http',
    label: 'route',
    help: 'From the head of a request to the head of its answer',
    seconds: SECONDS,
  });
  const answers = histogram(
    'querent_answer_seconds',
    'From a question to its answer; withdrawn: the client went away',
    SECONDS,
    ['outcome'],
  );
  const batches = histogram(
    'querent_sampling_prompts',
    'Prompts that shared one call of the model',
    [1, 2, 4, 8, 16, 32, 64],
  );
  return {
    requestEnded,
    watch,
    text,
    contentType,
    answered: (outcome, seconds) => answers.observe({ outcome }, seconds),
    sampled: (prompts) => batches.observe(prompts),
  };
}
