/**
 * Any program as a predictor: one JSON line a question on its standard input, one line an answer on its standard output,
 * in the same order – SQL, or an object with `sql`; an empty line is no answer. It is started once and asked many times.
 * Knows processes and lines; does not know what the program does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Prediction } from '../../agents/predictor.ts';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import type { Ask, CandidateSource } from './candidate-source.ts';

export interface CommandPredictorOptions {
  /** As a shell reads it. */
  readonly command: string;
  readonly workingDirectory: string;
  readonly schemaTextOf: (ask: Ask) => Promise<string>;
  readonly databasePathOf: (ask: Ask) => Promise<string>;
  /** For one answer. */
  readonly timeoutMs: number;
}

const answerSchema = z.object({
  sql: z.string(),
  reasoning: z.string().optional(),
  confidence: z.number().min(0).max(1).optional(),
});

interface Waiting {
  readonly startedAt: number;
  readonly resolve: (prediction: Prediction) => void;
  readonly reject: (error: QuerentError) => void;
}

const STDERR_KEPT = 2_000;
const EXIT_MS_MAX = 5_000;
const ENDING_MS = 500;

export function predictionOfLine(line: string, latencyMs: number): Prediction {
  const text = line.trim();
  if (!text.startsWith('{')) return { sql: text.replace(/;$/, ''), latencyMs };
  const { sql, reasoning, confidence } = answerSchema.parse(JSON.parse(text));
  return {
    sql: sql.trim(),
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(confidence === undefined ? {} : { confidence }),
    latencyMs,
  };
}

/** The program and what it started: the shell is the leader of their group. */
function kill(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

function startProgram({ command, workingDirectory, timeoutMs }: CommandPredictorOptions) {
  const child = spawn(command, { shell: true, cwd: workingDirectory, detached: true });
  const waiting: Waiting[] = [];
  let complaints = '';
  let timer: NodeJS.Timeout | undefined;
  let failure: QuerentError | undefined;

  const fail = (what: string): void => {
    const said = complaints.trim() === '' ? '' : `; it said: ${complaints.trim().slice(-500)}`;
    failure ??= new QuerentError('predictor/command-failed', `\`${command}\` ${what}${said}`, {
      next: 'It must print one line for each line it reads, at once. What was answered is kept: --resume goes on.',
    });
    clearTimeout(timer);
    kill(child);
    for (const { reject } of waiting.splice(0)) reject(failure);
  };
  const watch = (): void => {
    clearTimeout(timer);
    if (waiting.length > 0)
      timer = setTimeout(() => fail(`gave no answer within ${timeoutMs} ms`), timeoutMs);
  };

  child.stderr.on('data', (chunk: Buffer) => {
    complaints = `${complaints}${chunk.toString()}`.slice(-STDERR_KEPT);
  });
  let end: string | undefined;
  // A program that is just ending cannot be written to either; how it ended says more.
  child.stdin.on('error', (error) => {
    setTimeout(() => fail(end ?? `cannot be written to: ${error.message}`), ENDING_MS);
  });
  child.on('error', (error) => fail(`cannot be started: ${error.message}`));
  const hasEnded = new Promise<void>((resolve) => {
    child.on('close', (code, signal) => {
      end = `ended (${signal ?? `exit code ${code}`}) with ${waiting.length} questions open`;
      if (waiting.length > 0) fail(end);
      resolve();
    });
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const first = waiting.shift();
    if (first === undefined) return fail(`printed a line that nobody asked for: ${line.slice(0, 100)}`);
    try {
      first.resolve(predictionOfLine(line, performance.now() - first.startedAt));
    } catch (thrown) {
      waiting.unshift(first);
      return fail(
        `printed a line that is no answer (${messageOf(thrown).slice(0, 200)}): ${line.slice(0, 100)}`,
      );
    }
    watch();
  });

  return {
    ask: (line: object): Promise<Prediction> =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure);
        waiting.push({ startedAt: performance.now(), resolve, reject });
        if (waiting.length === 1) watch();
        child.stdin.write(`${JSON.stringify(line)}\n`);
      }),
    close: async (): Promise<void> => {
      child.stdin.end();
      const patience = setTimeout(() => kill(child), EXIT_MS_MAX);
      await hasEnded;
      clearTimeout(patience);
    },
  };
}

export function createCommandPredictor(options: CommandPredictorOptions): CandidateSource {
  let program: ReturnType<typeof startProgram> | undefined;
  return {
    name: options.command,
    propose: async (asks, { samples, temperature }) => {
      program ??= startProgram(options);
      const { ask: send } = program;
      const lines = await Promise.all(
        asks.map(async (ask) => {
          const schema = await options.schemaTextOf(ask);
          return { ...ask, databasePath: await options.databasePathOf(ask), schema, temperature };
        }),
      );
      return Promise.all(
        lines.map((line) =>
          Promise.all(Array.from({ length: samples }, (_, sample) => send({ ...line, sample }))),
        ),
      );
    },
    close: async () => program?.close(),
  };
}
