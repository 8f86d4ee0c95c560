/** Light or dark: the system's scheme until one is chosen on this device. */
import { useCallback, useEffect, useState } from 'react';

export type Theme = 'light' | 'dark';
const query = '(prefers-color-scheme: dark)';

function chosen(): Theme | undefined {
  const theme = document.documentElement.dataset.theme;
  return theme === 'light' || theme === 'dark' ? theme : undefined;
}

const current = (): Theme => chosen() ?? (matchMedia(query).matches ? 'dark' : 'light');

export function useTheme(): readonly [Theme, () => void] {
  const [theme, setTheme] = useState(current);
  useEffect(() => {
    const list = matchMedia(query);
    const follow = (): void => setTheme(current());
    list.addEventListener('change', follow);
    return () => list.removeEventListener('change', follow);
  }, []);
  const toggle = useCallback((): void => {
    const next = current() === 'dark' ? 'light' : 'dark';
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem('querent.theme', next);
    } catch {
      // Storage is switched off: the choice lives as long as the page.
    }
    setTheme(next);
  }, []);
  return [theme, toggle];
}
