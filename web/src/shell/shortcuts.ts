/** Keys of the page, as the one list that is both listened to and shown. */
import { useEffect, useRef } from 'react';

export const shortcuts = [
  ['Enter', 'Ask the question'],
  ['Shift+Enter', 'A new line in the question'],
  ['Ctrl+Enter', 'Run the statement in the editor'],
  ['Esc', 'Stop the running question; leave a field'],
  ['/', 'To the question'],
  ['e', 'To the SQL editor'],
  ['r', 'To the rows'],
  ['y', 'The answer is right'],
  ['n', 'The answer is wrong'],
  ['g then a, s, h, t', 'Go to Ask, Schema, History, Training'],
  ['d', 'Dark or light'],
  ['?', 'This list'],
] as const;

/** Typing in a field types; an editor in a shadow root counts as one. */
function isTyping(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

const leaderMs = 1_000;

/** Actions by key; two keys after each other are written `g a`. */
export function useShortcuts(actions: Readonly<Record<string, () => void>>): void {
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    let leader = '';
    let pressedAt = 0;
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (document.querySelector('dialog[open]') !== null) return;
      if (isTyping(event)) {
        // Esc first closes what the field has open (completions), and then leaves it.
        if (event.key === 'Escape') (event.composedPath()[0] as HTMLElement).blur();
        else return;
      }
      const key =
        performance.now() - pressedAt < leaderMs && leader !== '' ? `${leader} ${event.key}` : event.key;
      leader = event.key === 'g' ? 'g' : '';
      pressedAt = performance.now();
      const action = latest.current[key];
      if (action === undefined) return;
      event.preventDefault();
      action();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}
