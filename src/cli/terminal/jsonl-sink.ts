/** Appends every `RunEvent` to a file, one JSON line each, with the time since the run began. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import type { Observe } from '../../foundation/events.ts';

/** `progress` events are left out: they are for watching, not for reading later. */
export function createJsonlSink(path: string, now: () => number = Date.now): Observe {
  const startedMs = now();
  mkdirSync(dirname(path), { recursive: true });
  return (event) => {
    if (event.type === 'progress') return;
    const line = JSON.stringify({ elapsedMs: now() - startedMs, ...event });
    try {
      appendFileSync(path, `${line}\n`);
    } catch (thrown) {
      throw new QuerentError('files/write-failed', `could not append to ${path}: ${messageOf(thrown)}`, {
        next: 'Free some disk space or choose another folder; checkpoints written so far are whole.',
        cause: thrown,
      });
    }
  };
}
