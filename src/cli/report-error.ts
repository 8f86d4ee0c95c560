/** The one place where an error becomes words and an exit code. A stack trace only with QUERENT_DEBUG. */
import pc from 'picocolors';
import { isQuerentError, messageOf } from '../foundation/errors.ts';

export const exitCodes = { ok: 0, failed: 1, usage: 2, internal: 70, interrupted: 130 } as const;

export interface ErrorReport {
  readonly text: string;
  readonly exitCode: number;
}

/** Thrown where a run was stopped on purpose (Ctrl-C): nothing is wrong, but nothing is finished either. */
export function isInterruption(thrown: unknown): boolean {
  if (isQuerentError(thrown)) return thrown.code.endsWith('/aborted') || thrown.code.endsWith('/interrupted');
  return thrown instanceof Error && thrown.name === 'AbortError';
}

export function describeError(
  thrown: unknown,
  options: { readonly color: boolean; readonly debug: boolean },
): ErrorReport {
  const colors = pc.createColors(options.color);
  const stack = options.debug && thrown instanceof Error ? `\n${thrown.stack ?? ''}` : '';
  if (isInterruption(thrown)) {
    const next = isQuerentError(thrown) && thrown.next !== undefined ? ` ${thrown.next}` : '';
    return {
      text: `${colors.yellow('stopped')} ${messageOf(thrown)}${next}${stack}`,
      exitCode: exitCodes.interrupted,
    };
  }
  if (isQuerentError(thrown)) {
    const next = thrown.next === undefined ? '' : `\n${colors.cyan('next:')} ${thrown.next}`;
    const exitCode = thrown.code.startsWith('usage/') ? exitCodes.usage : exitCodes.failed;
    return { text: `${colors.red('error')} [${thrown.code}] ${thrown.message}${next}${stack}`, exitCode };
  }
  const next = `${colors.cyan('next:')} Set QUERENT_DEBUG=1 and run again to see where; then report it with the output.`;
  const text = `${colors.red('error')} [internal/unexpected] ${messageOf(thrown)}${stack}`;
  return { text: options.debug ? text : `${text}\n${next}`, exitCode: exitCodes.internal };
}
