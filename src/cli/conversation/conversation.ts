/**
 * A conversation in a terminal: lines with history and arrow keys, one answer after the other. Ctrl-C withdraws the running
 * question, or empties the line; Ctrl-D leaves. Knows the terminal; what lines mean is told by `commands.ts`.
 */
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { CommandContext } from '../context.ts';
import { describeError } from '../report-error.ts';
import { answerLine, LEAVE, type Talk, talkCommands } from './commands.ts';
import { editText } from './editor.ts';
import { HISTORY_LINES_MAX, openHistory } from './history-file.ts';

export type ConversationOptions = Pick<Talk, 'workbench' | 'options' | 'rowsShownMax' | 'explain'> & {
  readonly stdin: NodeJS.ReadStream;
};

/** What takes shorter is not announced. */
const TELL_AFTER_MS = 400;

export async function converse(context: CommandContext, options: ConversationOptions): Promise<void> {
  const { io, colors, signal } = context;
  const { workbench, stdin } = options;
  const { stdout } = io;
  const { schema, workspace } = workbench;
  const history = openHistory(join(workspace.directory, '.querent', 'history'));
  const terminal = createInterface({
    input: stdin,
    output: stdout,
    terminal: true,
    prompt: colors.cyan('querent> '),
    history: history.lines,
    historySize: HISTORY_LINES_MAX,
    removeHistoryDuplicates: true,
    completer: (line: string) =>
      complete(
        line,
        schema.tables.map(({ name }) => name),
      ),
  });
  const status = createStatus(stdout, colors);
  const talk: Talk = {
    ...options,
    colors,
    last: undefined,
    width: () => stdout.columns ?? 100,
    tell: status.tell,
    edit: (sql) => outside(terminal, stdin, () => editText(sql, io.env)),
  };
  const lines = createLines(terminal);
  let running: AbortController | undefined;
  terminal.on('SIGINT', () => {
    if (running !== undefined) running.abort();
    else emptyLine(terminal, stdout);
  });
  const leave = (): void => terminal.close();
  signal.addEventListener('abort', leave, { once: true });

  stdout.write(
    `${schema.databaseId}: ${schema.tables.length} tables. Ask in your own words; \\help lists more, \\q leaves.\n`,
  );
  for (;;) {
    terminal.prompt();
    const line = await lines.next();
    if (line === undefined || signal.aborted) break;
    if (line.trim() === '') continue;
    history.add(line);
    running = new AbortController();
    const text = await withdrawable(running.signal, answerLine(talk, line, running.signal)).catch(
      (thrown: unknown) => describeError(thrown, { color: colors.isColorSupported, debug: false }).text,
    );
    running = undefined;
    status.clear();
    if (text === LEAVE) break;
    stdout.write(`${text}\n`);
  }
  signal.removeEventListener('abort', leave);
  terminal.close();
}

/** Lines in the order in which they were typed or pasted; undefined once there will be none. */
function createLines(terminal: Interface): { next(): Promise<string | undefined> } {
  const waiting: string[] = [];
  let isClosed = false;
  let wake: (() => void) | undefined;
  terminal.on('line', (line) => {
    waiting.push(line);
    wake?.();
  });
  terminal.on('close', () => {
    isClosed = true;
    wake?.();
  });
  return {
    next: async () => {
      while (waiting.length === 0 && !isClosed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return waiting.shift();
    },
  };
}

/** Who pressed Ctrl-C is not kept waiting for a statement to reach its limit. */
function withdrawable<T>(signal: AbortSignal, work: Promise<T>): Promise<T | string> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => resolve('withdrawn'), { once: true });
    work.then(resolve, reject);
  });
}

function emptyLine(terminal: Interface, stdout: NodeJS.WritableStream): void {
  terminal.write(null, { ctrl: true, name: 'e' });
  terminal.write(null, { ctrl: true, name: 'u' });
  stdout.write('\n');
  terminal.prompt();
}

/** The terminal belongs to another program for a while. */
async function outside<T>(terminal: Interface, stdin: NodeJS.ReadStream, work: () => Promise<T>): Promise<T> {
  terminal.pause();
  stdin.setRawMode(false);
  try {
    return await work();
  } finally {
    stdin.setRawMode(true);
    terminal.resume();
  }
}

/** The step that is being done, on a line of its own that goes away. */
function createStatus(stdout: NodeJS.WritableStream, colors: CommandContext['colors']) {
  let doing = '';
  let timer: NodeJS.Timeout | undefined;
  let isShown = false;
  const show = (): void => {
    isShown = true;
    stdout.write(`\r\u001b[2K${colors.dim(`${doing} …`)}`);
  };
  return {
    tell: (step: string): void => {
      doing = step;
      if (isShown) show();
      else timer ??= setTimeout(show, TELL_AFTER_MS);
    },
    clear: (): void => {
      clearTimeout(timer);
      timer = undefined;
      if (isShown) stdout.write('\r\u001b[2K');
      isShown = false;
    },
  };
}

/** Commands after a backslash, tables after `\d `. */
export function complete(line: string, tables: readonly string[]): [string[], string] {
  if (/^\\\S*$/.test(line)) {
    const names = talkCommands.map(({ name }) => `\\${name}`);
    return [names.filter((name) => name.startsWith(line)), line];
  }
  const word = /\S*$/.exec(line)![0].toLowerCase();
  if (!line.startsWith('\\') || word === '') return [/^\\d\s+$/.test(line) ? [...tables] : [], ''];
  return [tables.filter((name) => name.toLowerCase().startsWith(word)), line.slice(-word.length)];
}
