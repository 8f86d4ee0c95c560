/** Tabs as the ARIA practices describe them: one stop for Tab, arrows between them. */
import { type KeyboardEvent, type ReactNode, useId, useRef } from 'react';

export interface Tab {
  readonly name: string;
  readonly title: ReactNode;
  readonly content: () => ReactNode;
}

export function Tabs({
  label,
  tabs,
  open,
  onOpen,
}: {
  label: string;
  tabs: readonly Tab[];
  open: string;
  onOpen(name: string): void;
}) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const current = tabs.find(({ name }) => name === open) ?? tabs[0]!;
  const move = (event: KeyboardEvent): void => {
    const at = tabs.indexOf(current);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const target = tabs[(next + tabs.length) % tabs.length]!;
    onOpen(target.name);
    list.current?.querySelector<HTMLElement>(`[data-tab="${target.name}"]`)?.focus();
  };
  return (
    <div className="tabs">
      <div role="tablist" aria-label={label} ref={list} onKeyDown={move}>
        {tabs.map((tab) => (
          <button
            key={tab.name}
            type="button"
            role="tab"
            id={`${id}${tab.name}`}
            data-tab={tab.name}
            aria-selected={tab === current}
            aria-controls={`${id}panel`}
            tabIndex={tab === current ? 0 : -1}
            onClick={() => onOpen(tab.name)}
          >
            {tab.title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}panel`} aria-labelledby={`${id}${current.name}`}>
        {current.content()}
      </div>
    </div>
  );
}
