/** The frame: pages, theme, keys. It knows which page is open and nothing of what is on it. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { ModelInfoResponse } from '../../../src/serving/api/contract.ts';
import { AskPage } from '../answer/ask-page.tsx';
import { focusSqlEditor } from '../answer/sql-editor.tsx';
import { type ConversationControl, useConversation } from '../answer/use-conversation.ts';
import { modelInfo } from '../api/client.ts';
import { setKeyAsker } from '../api/key.ts';
import { HistoryPage } from '../history/history-page.tsx';
import { usePastAnswer } from '../history/use-past-answer.ts';
import { SchemaPage } from '../schema/schema-page.tsx';
import { useSchema } from '../schema/use-schema.ts';
import { ReportView } from '../training/report-view.tsx';
import { TrainingPage } from '../training/training-page.tsx';
import { KeyDialog, type KeyDialogProps, ShortcutsDialog } from './dialogs.tsx';
import { FailureBox } from './failure-box.tsx';
import { addressOf, openPage, pages, pageTitles, useRoute } from './route.ts';
import { useShortcuts } from './shortcuts.ts';
import { useTheme } from './theme.ts';

const focusPart = (selector: string): void => document.querySelector<HTMLElement>(selector)?.focus();

function useKeyDialog() {
  const [dialog, setDialog] = useState<KeyDialogProps>();
  useEffect(() => {
    setKeyAsker(
      (wasRefused) =>
        new Promise((resolve) => {
          const onDone = (key: string | undefined): void => {
            setDialog(undefined);
            resolve(key);
          };
          setDialog({ wasRefused, onDone });
        }),
    );
    return () => setKeyAsker(undefined);
  }, []);
  return dialog;
}

export function App() {
  const { page, part } = useRoute();
  const [theme, toggleTheme] = useTheme();
  const keyDialog = useKeyDialog();
  const [isListing, setListing] = useState(false);
  const control = useConversation();
  const pastId = page === 'history' ? part : undefined;
  const pastFailure = usePastAnswer(pastId, control);
  // A new question is not the past answer that the address names.
  const asking: ConversationControl = {
    ...control,
    ask: (question, options) => {
      openPage('ask');
      control.ask(question, options);
    },
  };
  const schema = useSchema();
  const field = useRef<HTMLTextAreaElement>(null);
  const main = useRef<HTMLElement>(null);

  useEffect(() => {
    document.title = page === 'ask' ? 'Querent' : `${pageTitles[page]} · Querent`;
  }, [page]);

  const toQuestion = useCallback((): void => {
    openPage('ask');
    // After the page is there.
    requestAnimationFrame(() => field.current?.focus());
  }, []);
  useShortcuts({
    '/': toQuestion,
    e: focusSqlEditor,
    r: () => focusPart('[data-part="rows"]'),
    y: () => document.querySelector<HTMLElement>('[data-shortcut="right"]')?.click(),
    n: () => document.querySelector<HTMLElement>('[data-shortcut="wrong"]')?.click(),
    d: toggleTheme,
    '?': () => setListing(true),
    Escape: control.stop,
    'g a': () => openPage('ask'),
    'g s': () => openPage('schema'),
    'g h': () => openPage('history'),
    'g t': () => openPage('training'),
  });

  return (
    <>
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <header className="top">
        <a className="brand" href="#/">
          Querent
        </a>
        <nav aria-label="Pages">
          {pages.map((name) => (
            <a key={name} href={addressOf(name)} aria-current={name === page ? 'page' : undefined}>
              {pageTitles[name]}
            </a>
          ))}
        </nav>
        <span className="spacer" />
        <ModelName />
        <button
          type="button"
          className="icon"
          aria-label="Keyboard shortcuts"
          onClick={() => setListing(true)}
        >
          ?
        </button>
        <button
          type="button"
          className="icon"
          aria-label={theme === 'dark' ? 'Light theme' : 'Dark theme'}
          onClick={toggleTheme}
        >
          <ThemeMark />
        </button>
      </header>
      <main ref={main} tabIndex={-1}>
        {pastFailure !== undefined && <FailureBox failure={pastFailure} />}
        {(page === 'ask' || (pastId !== undefined && pastFailure === undefined)) && (
          <AskPage control={asking} field={field} schema={schema} />
        )}
        {page === 'schema' && <SchemaPage state={schema} />}
        {page === 'history' && pastId === undefined && <HistoryPage />}
        {page === 'training' && part === undefined && <TrainingPage theme={theme} />}
        {page === 'training' && part !== undefined && <ReportView key={part} name={part} />}
      </main>
      {isListing && <ShortcutsDialog onClose={() => setListing(false)} />}
      {keyDialog !== undefined && <KeyDialog {...keyDialog} />}
    </>
  );
}

function ModelName() {
  const [model, setModel] = useState<ModelInfoResponse>();
  useEffect(() => {
    // The name is a courtesy: where it is not to be had, the page says nothing.
    modelInfo().then(setModel, () => {});
  }, []);
  if (model === undefined) return null;
  return (
    <p className="model-name" title={`Querent ${model.querent_version}`}>
      <span>{model.name}</span> on <span>{model.database_id}</span>
    </p>
  );
}

function ThemeMark() {
  return (
    <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
      <circle cx="10" cy="10" r="6.5" fill="none" stroke="currentColor" strokeWidth="1.6" />
      <path d="M10 3.5a6.5 6.5 0 0 1 0 13z" fill="currentColor" />
    </svg>
  );
}
