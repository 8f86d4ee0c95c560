/** `querent serve`: questions over HTTP, and the web page, until it is told to stop. */
import { isIP } from 'node:net';
import type { Command } from 'commander';
import type { BaseFormat } from '../../engine/model/base-tensor.ts';
import { QuerentError } from '../../foundation/errors.ts';
import { createApiMetrics } from '../../serving/api/metrics.ts';
import { type ApiLimits, defaultLimits } from '../../serving/api/parts.ts';
import { logWords } from '../../serving/api/served-model.ts';
import { createApiServer } from '../../serving/api/server.ts';
import { codeVersion } from '../../training/code-version.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { exitCodes } from '../report-error.ts';
import { createJsonLog, type JsonLog } from '../terminal/json-log.ts';
import { openServing, type Serving } from '../wiring/serve.ts';
import { baseWeightsOption, collect, portNumber, positiveInteger, wholeNumber } from './options.ts';

interface ServeOptions extends CommonOptions {
  readonly port: number;
  readonly host: string;
  readonly model?: string;
  readonly baseWeights: BaseFormat;
  readonly rules?: string;
  readonly store?: string;
  readonly requireKey?: boolean;
  readonly force?: boolean;
  readonly cors: readonly string[];
  readonly allowHost: readonly string[];
  readonly timeout: number;
  readonly concurrency: number;
  readonly waiting: number;
}

export function addServe(program: Command, run: RunCommand): void {
  program
    .command('serve')
    .description('Answer questions over HTTP, with a web page: JSON, event streams, batches, history.')
    .option('--port <number>', 'port to listen on; 0 takes a free one', portNumber, 8000)
    .option('--host <address>', 'address to listen on; others than loopback need an API key', '127.0.0.1')
    .option(
      '--model <directory>',
      "a model, a finished run or a GGUF file (default: the project's newest, or the shipped one)",
    )
    .addOption(baseWeightsOption())
    .option('--rules <file>', 'business rules (default: rules.yaml of the project)')
    .option('--store <file>', 'history, feedback and API keys (default: .querent/serve.sqlite)')
    .option('--require-key', 'ask for API keys also where none has been made yet')
    .option('--force', 'listen beyond loopback without any API key')
    .option(
      '--cors <origin>',
      'another page that may ask, such as https://intranet.example (repeatable)',
      collect,
      [],
    )
    .option('--allow-host <name>', 'another name that the server is asked under (repeatable)', collect, [])
    .option('--timeout <ms>', 'of one question', positiveInteger, defaultLimits.timeoutMs)
    .option('--concurrency <count>', 'questions worked on at once', positiveInteger, defaultLimits.runningMax)
    .option(
      '--waiting <count>',
      'questions that may wait; more are sent away',
      wholeNumber,
      defaultLimits.waitingMax,
    )
    .option('--project <directory>', 'folder of querent.json; without one, the ERP demonstration is used')
    .option('--quiet', 'no line for each request')
    .addHelpText(
      'after',
      `
Examples:
  $ querent serve                                       the page at http://127.0.0.1:8000, the API at /docs
  $ querent serve --project shop --port 9000            your own database
  $ querent keys create intranet && querent serve --host 0.0.0.0`,
    )
    .action((options: ServeOptions) =>
      // Standard error is the log here, one JSON object a line: no words of progress between them.
      run({ ...options, quiet: true }, (context) => serve(context, options)),
    );
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

function refuseOpenDoor({ host, force, requireKey }: ServeOptions, { store }: Serving): void {
  if (isLoopback(host) || force === true || requireKey === true || store.keys.hasKeys) return;
  throw new QuerentError(
    'serve/no-key',
    `${host} can be reached from other machines, and there is no API key: anybody could ask`,
    { next: 'Make one with `querent keys create NAME`, or say --force if something else keeps the door.' },
  );
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Beyond loopback the names are not known, unless they are given. */
function hostsOf({ host, allowHost }: ServeOptions): ReadonlySet<string> | undefined {
  if (!isLoopback(host) && allowHost.length === 0) return undefined;
  const names = ['localhost', '127.0.0.1', '[::1]', bracketed(host), ...allowHost];
  return new Set(names.map((name) => name.toLowerCase()));
}

function limitsOf({ timeout, concurrency, waiting }: ServeOptions): ApiLimits {
  return { ...defaultLimits, timeoutMs: timeout, runningMax: concurrency, waitingMax: waiting };
}

async function serve(context: CommandContext, options: ServeOptions): Promise<number> {
  const log = createJsonLog(context.io.stderr);
  const metrics = createApiMetrics();
  const serving = await openServing({
    directory: context.directory,
    workingDirectory: context.io.workingDirectory,
    model: options.model,
    baseWeights: options.baseWeights,
    rules: options.rules,
    store: options.store,
    metrics,
    observe: (event) => {
      if (event.type === 'warning') log.write({ event: 'warning', code: event.code, message: event.message });
    },
    onModelFailure: (thrown) => log.write({ event: 'model-missing', error: logWords(thrown) }),
    onSchemaFailure: (thrown) => log.write({ event: 'schema-stale', error: logWords(thrown) }),
  });
  try {
    refuseOpenDoor(options, serving);
    await listenUntilStopped(context, options, { serving, metrics, log });
  } finally {
    await serving.close();
    log.close();
  }
  return exitCodes.ok;
}

interface Listening {
  readonly serving: Serving;
  readonly metrics: ReturnType<typeof createApiMetrics>;
  readonly log: JsonLog;
}

async function listenUntilStopped(
  { io, signal }: CommandContext,
  options: ServeOptions,
  { serving, metrics, log }: Listening,
): Promise<void> {
  const server = createApiServer({
    ...serving,
    version: await codeVersion(),
    metrics,
    limits: limitsOf(options),
    access: {
      isKeyRequired: options.requireKey === true || (!isLoopback(options.host) && options.force !== true),
      hosts: hostsOf(options),
      corsOrigins: options.cors,
    },
    log: (event) => {
      if (options.quiet !== true || event.event !== 'request') log.write(event);
    },
  });
  const port = await server.listen(options.host, options.port);
  try {
    const url = `http://${bracketed(options.host)}:${port}`;
    io.stdout.write(`listening on ${url}\n`);
    log.write({ event: 'listening', url, docs: `${url}/docs`, database: serving.databaseName });
    const startedAt = performance.now();
    void serving.model.settled.then(() => {
      const elapsedMs = Math.round(performance.now() - startedAt);
      if (serving.model.state === 'ready') log.write({ event: 'model-ready', elapsedMs });
    });
    if (!signal.aborted) await new Promise((done) => signal.addEventListener('abort', done, { once: true }));
    log.write({ event: 'stopping' });
  } finally {
    const { finished } = await server.stop();
    log.write({ event: 'stopped', finished });
  }
}
