/** What the server counts, in the text format of Prometheus. Labels are words of ours: clients cannot make new series. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type AnswerOutcome = 'answered' | 'abstained' | 'failed' | 'withdrawn';

export interface ApiMetrics {
  requestEnded(route: string, status: number, seconds: number): void;
  answered(outcome: AnswerOutcome, seconds: number): void;
  sampled(prompts: number): void;
  /** Read whenever the metrics are. */
  watch(name: string, help: string, read: () => number): void;
  text(): Promise<string>;
  readonly contentType: string;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.4, 0.75, 1.5, 3, 10, 30, 60];

export function createApiMetrics(): ApiMetrics {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register });
  const requests = new Counter({
    name: 'querent_http_requests_total',
    help: 'Requests answered; status 499: the client went away',
    labelNames: ['route', 'status'] as const,
    registers,
  });
  const seconds = new Histogram({
    name: 'querent_http_request_seconds',
    help: 'From the head of a request to the head of its answer',
    labelNames: ['route'] as const,
    buckets: SECONDS,
    registers,
  });
  const answers = new Histogram({
    name: 'querent_answer_seconds',
    help: 'From a question to its answer; withdrawn: the client went away',
    labelNames: ['outcome'] as const,
    buckets: SECONDS,
    registers,
  });
  const batches = new Histogram({
    name: 'querent_sampling_prompts',
    help: 'Prompts that shared one call of the model',
    buckets: [1, 2, 4, 8, 16, 32, 64],
    registers,
  });
  return {
    requestEnded: (route, status, its) => {
      requests.inc({ route, status });
      seconds.observe({ route }, its);
    },
    answered: (outcome, its) => answers.observe({ outcome }, its),
    sampled: (prompts) => batches.observe(prompts),
    watch: (name, help, read) => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    },
    text: () => register.metrics(),
    contentType: register.contentType,
  };
}
