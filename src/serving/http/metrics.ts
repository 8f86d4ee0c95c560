/**
 * What a server counts, in the text format of Prometheus: its requests, and whatever else it names. Labels are words of ours:
 * clients cannot make new series.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface RequestMetrics {
  /** Of the names: `querent` makes `querent_requests_total` and `querent_request_seconds`. */
  readonly prefix: string;
  /** What says where a request went, such as `route`. */
  readonly label: string;
  /** What `querent_request_seconds` measures. */
  readonly help: string;
  /** Upper bounds of the buckets, in seconds. */
  readonly seconds: readonly number[];
}

export interface Meters {
  /** `where`: as the routes have it. Status 499: the client went away. */
  requestEnded(where: string, status: number, seconds: number): void;
  counter<Label extends string>(name: string, help: string, labels: readonly Label[]): Counter<Label>;
  histogram<Label extends string>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly Label[],
  ): Histogram<Label>;
  /** `read` is called whenever the metrics are read. */
  watch(name: string, help: string, read: () => number): void;
  /** As `watch`, for a figure that only grows. */
  watchTotal(name: string, help: string, read: () => number): void;
  text(): Promise<string>;
  readonly contentType: string;
}

/** With the figures of the process itself. */
export function createMeters(requests: RequestMetrics): Meters {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register });
  const counter: Meters['counter'] = (name, help, labelNames) =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  const histogram: Meters['histogram'] = (name, help, buckets, labelNames = []) =>
    new Histogram({ name, help, buckets: [...buckets], labelNames: [...labelNames], registers });
  const { prefix, label } = requests;
  const count = counter(`${prefix}_requests_total`, 'Requests answered; status 499: the client went away', [
    label,
    'status',
  ]);
  const times = histogram(`${prefix}_request_seconds`, requests.help, requests.seconds, [label]);
  return {
    requestEnded: (where, status, seconds) => {
      count.inc({ [label]: where, status });
      times.observe({ [label]: where }, seconds);
    },
    counter,
    histogram,
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
    watchTotal: (name, help, read) => {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    },
    text: () => register.metrics(),
    contentType: register.contentType,
  };
}
