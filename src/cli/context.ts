/**
 * What every command gets: where to print results, whom to report progress to, and when to stop. It knows streams and
 * signals; it does not know any command.
 */
import { createColors } from 'picocolors';
import { fanOut, ignoreEvents, type Observe } from '../foundation/events.ts';
import { createTerminalSink } from './terminal/terminal-sink.ts';

/** The process as the commands see it, so that tests can stand in for it. */
export interface CliIo {
  /** Left out where nothing can be read. */
  readonly stdin?: NodeJS.ReadStream;
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Calls back on Ctrl-C and on termination; returns how to stop listening. */
  readonly onInterrupt: (listener: () => void) => () => void;
}

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly project?: string;
}

export interface CommandContext {
  readonly io: CliIo;
  readonly json: boolean;
  /** The folder that holds querent.json, or where the demonstration keeps its files. */
  readonly directory: string;
  readonly observe: Observe;
  readonly signal: AbortSignal;
  readonly colors: ReturnType<typeof createColors>;
  /** A result for a person, on standard output; silent with --json. */
  readonly print: (text: string) => void;
  /** The one JSON line of --json. */
  readonly printJson: (value: unknown) => void;
  /** Takes the progress off the screen, for example before a result is printed. */
  readonly endProgress: () => void;
}

export function wantsColor(io: CliIo, stream: { readonly isTTY?: boolean }): boolean {
  if (io.env.NO_COLOR !== undefined && io.env.NO_COLOR !== '') return false;
  return stream.isTTY === true && io.env.TERM !== 'dumb';
}

/** First interrupt: ask everything to stop. Second: give up waiting. */
export function interruptSignal(
  io: CliIo,
  giveUp: () => void,
  isQuiet = false,
): { signal: AbortSignal; dispose: () => void } {
  const controller = new AbortController();
  const dispose = io.onInterrupt(() => {
    if (controller.signal.aborted) giveUp();
    if (!isQuiet)
      io.stderr.write('\nstopping as soon as the present step is done; press Ctrl-C again to stop at once\n');
    controller.abort();
  });
  return { signal: controller.signal, dispose };
}

export interface ContextOptions {
  readonly io: CliIo;
  readonly options: CommonOptions;
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly extraObserve?: Observe;
}

export function createContext({
  io,
  options,
  directory,
  signal,
  extraObserve,
}: ContextOptions): CommandContext {
  const json = options.json === true;
  const sink = createTerminalSink({ stream: io.stderr, color: wantsColor(io, io.stderr) });
  const shown = options.quiet === true ? ignoreEvents : sink.observe;
  const endProgress = () => sink.close();
  return {
    io,
    json,
    directory,
    signal,
    observe: extraObserve === undefined ? shown : fanOut(shown, extraObserve),
    colors: createColors(wantsColor(io, io.stdout)),
    print: (text) => {
      endProgress();
      if (!json) io.stdout.write(`${text}\n`);
    },
    printJson: (value) => {
      endProgress();
      io.stdout.write(`${JSON.stringify(value)}\n`);
    },
    endProgress,
  };
}

/** A command's work; what it throws is reported, what it returns (if a number) is the exit code. */
export type CommandWork = (context: CommandContext) => Promise<number | undefined>;
export type RunCommand = (options: CommonOptions, work: CommandWork) => Promise<void>;
