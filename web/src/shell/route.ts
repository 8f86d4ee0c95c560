/** Which page is open, in the part of the address after `#`: any static server can serve it. */
import { useSyncExternalStore } from 'react';

export const pages = ['ask', 'schema', 'history', 'training'] as const;
export type PageName = (typeof pages)[number];

export const pageTitles: Record<PageName, string> = {
  ask: 'Ask',
  schema: 'Schema',
  history: 'History',
  training: 'Training',
};

export interface Route {
  readonly page: PageName;
  /** What of the page: an answer of the history (its id), a report of training (its name). */
  readonly part?: string;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // Somebody typed the address; there is no such part.
    return undefined;
  }
}

function routeOf(hash: string): Route {
  const [name, ...rest] = hash.replace(/^#\/?/, '').split('/');
  const page = pages.find((one) => one === name) ?? 'ask';
  const part = decoded(rest.join('/'));
  return part === undefined || part === '' ? { page } : { page, part };
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}

export const useRoute = (): Route => routeOf(useSyncExternalStore(subscribe, () => location.hash));

/** For links: where a page, or a part of it, is. */
export function addressOf(page: PageName, part?: string): string {
  if (part !== undefined) return `#/${page}/${encodeURIComponent(part)}`;
  return page === 'ask' ? '#/' : `#/${page}`;
}

export function openPage(page: PageName): void {
  location.hash = addressOf(page);
}
