/** The command line run inside the test: what it printed, and its exit code. */
import { Writable } from 'node:stream';
import type { CliIo } from '../../src/cli/context.ts';
import { runCli } from '../../src/cli/program.ts';

export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The last line of standard output, parsed. */
  json<T>(): T;
}

export interface CliTestOptions {
  readonly workingDirectory: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Handed the function that does what Ctrl-C does. */
  readonly onStart?: (interrupt: () => void) => void;
}

export async function runQuerent(args: readonly string[], options: CliTestOptions): Promise<CliRun> {
  const texts = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        texts[name] += chunk.toString();
        done();
      },
    });
  const io: CliIo = {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    env: options.env ?? {},
    workingDirectory: options.workingDirectory,
    onInterrupt: (listener) => {
      options.onStart?.(listener);
      return () => {};
    },
  };
  const exitCode = await runCli(args, io, () => {
    throw new Error('gave up waiting');
  });
  return {
    exitCode,
    ...texts,
    json: <T>() => JSON.parse(texts.stdout.trimEnd().split('\n').at(-1)!) as T,
  };
}
