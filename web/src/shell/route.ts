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

function pageOf(hash: string): PageName {
  const name = hash.replace(/^#\/?/, '');
  return pages.find((page) => page === name) ?? 'ask';
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}

export const usePage = (): PageName => pageOf(useSyncExternalStore(subscribe, () => location.hash));

export function openPage(page: PageName): void {
  location.hash = page === 'ask' ? '#/' : `#/${page}`;
}
