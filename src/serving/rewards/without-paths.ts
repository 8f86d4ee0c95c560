/**
 * Keeps folders of the host out of answers. The database sees made-up file names only; but a reward file of a user's may put
 * into its details what it likes, for example the words of an error with a path or a stack in it, or what JSON cannot hold.
 */
import type { Reward } from '../../rewards/reward.ts';

const ROOT = String.raw`(?:file:\/\/\/?|(?<![\w./<])\/|\b[A-Za-z]:[\\/]+)`;
/** Absolute paths of two parts or more, POSIX, Windows and file://; between quotes they may hold spaces. */
const PATH = new RegExp(String.raw`${ROOT}[\w.@~-]+(?:[\\/]+[\w.@~-]+)+`, 'g');
const QUOTED_PATH = new RegExp(String.raw`(['"${'`'}])${ROOT}[^'"${'`'}\n]+\1`, 'g');
const STACK = /\n\s+at .*/gs;

export function textWithoutPaths(text: string): string {
  return text.replace(STACK, '').replace(QUOTED_PATH, '$1…$1').replace(PATH, '…');
}

/** What goes deeper is nobody's explanation, or goes round in a circle. */
const DEPTH_MAX = 6;

function cleaned(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return textWithoutPaths(value);
  // JSON has no such numbers.
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEPTH_MAX) return '…';
  if (Array.isArray(value)) return value.map((part) => cleaned(part, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, cleaned(part, depth + 1)]));
}

/** Only words of others can hold a path: what the presets say of a query is either a word or SQLite's message. */
export function withoutPaths(reward: Reward): Reward {
  return isPlain(reward) ? reward : { ...reward, details: cleaned(reward.details) as Reward['details'] };
}

function isPlain({ details }: Reward): boolean {
  for (const key in details) {
    const value = details[key];
    if (typeof value === 'bigint' || (typeof value === 'object' && value !== null)) return false;
    if (typeof value === 'string' && (value.includes('/') || value.includes('\\'))) return false;
  }
  return true;
}
