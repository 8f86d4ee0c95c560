/**
 * What was typed in earlier conversations, one line each, oldest first. It may hold what others should not read, so only its
 * owner may. A file that cannot be read or written costs the history, never the conversation.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export const HISTORY_LINES_MAX = 1_000;
const OWNER_ONLY = { mode: 0o600 } as const;

export interface HistoryFile {
  /** Newest first, as readline wants them. */
  readonly lines: string[];
  add(line: string): void;
}

export function openHistory(path: string): HistoryFile {
  const known = readLines(path);
  const kept = known.slice(-HISTORY_LINES_MAX);
  if (kept.length < known.length) attempt(() => writeFileSync(path, `${kept.join('\n')}\n`, OWNER_ONLY));
  let last = kept.at(-1);
  return {
    lines: [...kept].reverse(),
    add: (line) => {
      if (line.trim() === '' || line === last) return;
      last = line;
      attempt(() => {
        mkdirSync(dirname(path), { recursive: true });
        appendFileSync(path, `${line}\n`, OWNER_ONLY);
      });
    },
  };
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // A read-only folder is no reason to answer nothing.
  }
}
