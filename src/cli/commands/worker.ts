/** `querent worker start`: the Python worker on this machine, for training on its GPU. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { QuerentError } from '../../foundation/errors.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { exitCodes } from '../report-error.ts';
import { findWorkerPython, type RunningWorker, startWorker } from '../wiring/worker-process.ts';
import { wholeNumber } from './options.ts';

interface WorkerStartOptions extends CommonOptions {
  readonly model: string;
  readonly host: string;
  readonly port: number;
  readonly python?: string;
  readonly device?: string;
  readonly dtype?: string;
  readonly quantization?: string;
  readonly tokenBudget?: number;
  readonly sampleRows?: number;
  readonly maxLength?: number;
  readonly sampler?: string;
  readonly threads?: number;
  readonly checkpoints?: string;
}

export function addWorker(program: Command, run: RunCommand): void {
  const worker = program
    .command('worker')
    .description('Train on a GPU: a server of the Tinker API over PyTorch, used with --policy.');
  worker
    .command('start')
    .description('Start the worker here, and end it with Ctrl-C.')
    .requiredOption('--model <name>', 'base model: a Hugging Face name or a directory')
    .option(
      '--host <address>',
      'address to listen on; others than this machine need QUERENT_WORKER_TOKEN',
      '127.0.0.1',
    )
    .option('--port <number>', 'port to listen on; 0 takes a free one', wholeNumber, 8788)
    .option('--python <file>', 'the Python to run it with (default: the first that has torch and peft)')
    .option('--device <name>', 'auto, cuda, cuda:1, mps or cpu')
    .option('--dtype <name>', 'of the frozen base: auto, float32, bfloat16, float16')
    .option('--quantization <name>', 'of the frozen base, CUDA only: none, nf4, int8')
    .option(
      '--token-budget <number>',
      'tokens of one forward and backward pass; less needs less memory',
      wholeNumber,
    )
    .option('--sample-rows <number>', 'sequences sampled at once; less needs less memory', wholeNumber)
    .option('--max-length <number>', 'longest sequence in tokens', wholeNumber)
    .option('--sampler <name>', 'transformers or vllm')
    .option('--threads <number>', 'threads of one operation on a CPU', wholeNumber)
    .option('--checkpoints <folder>', 'where saved weights go (default: querent-worker)')
    .option('--json', 'one JSON line on standard output')
    .option('--quiet', 'nothing of what the worker writes')
    .addHelpText(
      'after',
      `
Examples:
  $ querent worker start --model Qwen/Qwen2.5-Coder-7B-Instruct --quantization nf4
  $ QUERENT_WORKER_TOKEN=… querent worker start --model models/coder --host 0.0.0.0

docs/remote-training.md says how to use it from another machine.`,
    )
    .action((options: WorkerStartOptions) => run(options, (context) => startAndWait(context, options)));
}

/** Options that go to the worker as they are. */
const passedOn = [
  ['device', '--device'],
  ['dtype', '--dtype'],
  ['quantization', '--quantization'],
  ['tokenBudget', '--token-budget'],
  ['sampleRows', '--sample-rows'],
  ['maxLength', '--max-length'],
  ['sampler', '--sampler'],
  ['threads', '--threads'],
  ['checkpoints', '--checkpoints'],
] as const;

async function startAndWait(context: CommandContext, options: WorkerStartOptions): Promise<number> {
  const { io, signal, print, printJson, json } = context;
  const args = passedOn.flatMap(([key, flag]) =>
    options[key] === undefined ? [] : [flag, String(options[key])],
  );
  const worker = await startWorker({
    python: findWorkerPython(options.python, io.env, io.workingDirectory),
    args: ['--model', options.model, ...args],
    host: options.host,
    port: options.port,
    token: io.env.QUERENT_WORKER_TOKEN,
    env: io.env,
    workingDirectory: io.workingDirectory,
    onLine: (line) => {
      if (options.quiet !== true) io.stderr.write(`${line}\n`);
    },
  });
  try {
    await waitUntilHealthy(worker);
    const { url, token, model, device } = worker;
    print(`${model} on ${device}\nurl:   ${url}\ntoken: ${token}`);
    print(`next:  QUERENT_WORKER_TOKEN=${token} querent train grpo --policy ${url}`);
    if (json) printJson({ url, token, model, device });
    const stopped = new Promise<'stopped'>((done) => {
      if (signal.aborted) done('stopped');
      signal.addEventListener('abort', () => done('stopped'), { once: true });
    });
    const how = await Promise.race([stopped, worker.ended.then(() => 'ended' as const)]);
    if (how === 'ended') throw workerEnded(worker);
  } finally {
    await worker.stop();
  }
  return exitCodes.ok;
}

async function waitUntilHealthy({ url, ended }: RunningWorker): Promise<void> {
  const gone = ended.then(() => true);
  for (;;) {
    const response = await fetch(`${url}/api/v1/healthz`).catch(() => undefined);
    if (response?.ok) return;
    const isGone = await Promise.race([gone, sleep(200).then(() => false)]);
    if (isGone) throw new QuerentError('worker/start-failed', 'the worker ended before it answered');
  }
}

function workerEnded({ process }: RunningWorker): QuerentError {
  const how = process.signalCode ?? `exit code ${process.exitCode}`;
  return new QuerentError('worker/ended', `the worker ended by itself (${how})`, {
    next: 'Start it again: a run that waits for it goes on. If memory ran out, lower --token-budget or quantise.',
  });
}
