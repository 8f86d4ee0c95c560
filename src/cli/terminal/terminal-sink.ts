/**
 * Shows `RunEvent`s to a person on standard error. On a terminal: a bar with the time left for whatever lasts longer
 * than two seconds, with the live metrics beside it. Elsewhere: plain lines, at most one every ten seconds.
 * It never writes to standard output: that is for results.
 */
import { type Options, SingleBar } from 'cli-progress';
import pc from 'picocolors';
import type { Observe, RunEvent } from '../../foundation/events.ts';
import { duration, liveLine, percent, timeLeftMs } from './live-line.ts';

export interface TerminalSink {
  readonly observe: Observe;
  /** Takes the bar off the screen, so that something else can be printed. */
  close(): void;
}

export interface TerminalSinkOptions {
  readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly color: boolean;
  readonly now?: () => number;
}

/** Work shorter than this shows no bar. */
const barAfterMs = 2000;
const plainEveryMs = 10_000;

interface Task {
  readonly key: string;
  readonly startedMs: number;
  readonly startedAt: number;
  lastLineMs: number;
  bar: SingleBar | undefined;
}

const barOptions = (stream: NodeJS.WritableStream): Options => ({
  stream,
  format: '  {label} {bar} {value}/{total} {left} {live}',
  barCompleteChar: '█',
  barIncompleteChar: '░',
  barsize: 24,
  hideCursor: true,
  clearOnComplete: true,
  linewrap: false,
  gracefulExit: false,
  fps: 8,
});

export function createTerminalSink(options: TerminalSinkOptions): TerminalSink {
  const { stream } = options;
  const now = options.now ?? Date.now;
  const colors = pc.createColors(options.color);
  const isTerminal = stream.isTTY === true;
  let task: Task | undefined;

  const endTask = (): void => {
    task?.bar?.stop();
    task = undefined;
  };
  /** Prints above the bar; the bar comes back with the next step. */
  const line = (text: string): void => {
    task?.bar?.stop();
    if (task !== undefined) task.bar = undefined;
    stream.write(`${text}\n`);
  };

  const advance = (key: string, label: string, done: number, total: number, live: string): void => {
    if (task?.key !== key) {
      endTask();
      task = { key, startedMs: now(), startedAt: Math.max(0, done - 1), lastLineMs: now(), bar: undefined };
    }
    const elapsedMs = now() - task.startedMs;
    const leftMs = timeLeftMs(elapsedMs, done - task.startedAt, total - task.startedAt);
    const left = leftMs === undefined ? '' : `${duration(leftMs)} left`;
    if (isTerminal && elapsedMs >= barAfterMs && task.bar === undefined && done < total) {
      task.bar = new SingleBar(barOptions(stream));
      task.bar.start(total, done, { label, left, live });
    } else if (isTerminal) {
      task.bar?.update(done, { label, left, live: colors.dim(live) });
    } else if (now() - task.lastLineMs >= plainEveryMs) {
      task.lastLineMs = now();
      stream.write(
        `  ${[`${label} ${done}/${total}`, left, live].filter((part) => part !== '').join('  ')}\n`,
      );
    }
    if (done >= total) endTask();
  };

  const show = (event: RunEvent): void => {
    switch (event.type) {
      case 'stage-start':
        endTask();
        line(`${colors.cyan('▸')} ${colors.bold(event.title)}`);
        return;
      case 'stage-end':
        endTask();
        line(`${colors.green('✓')} ${event.title} ${colors.dim(`(${duration(event.elapsedMs)})`)}`);
        return;
      case 'progress':
        advance(`${event.stage}/${event.label}`, event.label, event.done, event.total, '');
        return;
      case 'step-end':
        advance(`${event.stage}/steps`, event.stage, event.step, event.total, liveLine(event.metrics));
        return;
      case 'evaluation-end': {
        const ex = event.metrics.ex;
        const rest = liveLine(event.metrics);
        line(`  ${event.stage} ${event.set}: ${ex === undefined ? rest : `EX ${colors.bold(percent(ex))}`}`);
        return;
      }
      case 'checkpoint-end':
        line(colors.dim(`  checkpoint at step ${event.step}: ${event.directory}`));
        return;
      case 'note':
        line(`  ${event.message}`);
        return;
      case 'warning':
        line(`${colors.yellow('!')} ${event.message} ${colors.dim(`[${event.code}]`)}`);
        return;
      default:
        event satisfies never;
    }
  };
  return { observe: show, close: endTask };
}
