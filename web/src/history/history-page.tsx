/** What was asked before, newest first: searched, opened again, forgotten. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { HistoryItem } from '../../../src/serving/api/contract.ts';
import { percentText } from '../answer/confidence.tsx';
import { forget, history } from '../api/client.ts';
import { type ApiFailure, asFailure, isAbort } from '../api/failure.ts';
import { FailureBox } from '../shell/failure-box.tsx';
import { addressOf } from '../shell/route.ts';
import { whenText } from '../shell/when.ts';

interface Page {
  readonly items: readonly HistoryItem[];
  readonly next: string | null;
}

export function HistoryPage() {
  const [search, setSearch] = useState('');
  const [page, setPage] = useState<Page>();
  const [failure, setFailure] = useState<ApiFailure>();
  const loading = useRef<AbortController>(undefined);

  const load = useCallback((text: string, before?: string): void => {
    loading.current?.abort();
    const controller = new AbortController();
    loading.current = controller;
    history({ search: text, ...(before === undefined ? {} : { before }) }, controller.signal).then(
      ({ items, next }) => {
        setFailure(undefined);
        setPage((earlier) => ({
          items: before === undefined ? items : [...(earlier?.items ?? []), ...items],
          next,
        }));
      },
      (thrown: unknown) => {
        if (!isAbort(thrown)) setFailure(asFailure(thrown));
      },
    );
  }, []);

  useEffect(() => {
    // A request a word, not a letter.
    const timer = setTimeout(() => load(search.trim()), search === '' ? 0 : 200);
    return () => clearTimeout(timer);
  }, [search, load]);

  const remove = async (id: string): Promise<void> => {
    try {
      await forget(id);
      setPage((earlier) => earlier && { ...earlier, items: earlier.items.filter((item) => item.id !== id) });
    } catch (thrown) {
      setFailure(asFailure(thrown));
    }
  };

  return (
    <div className="history-page">
      <header className="page-head">
        <h1>History</h1>
        <input
          type="search"
          aria-label="Search questions"
          placeholder="Search questions"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      </header>
      {failure !== undefined && <FailureBox failure={failure} onRetry={() => load(search.trim())} />}
      {page?.items.length === 0 && (
        <p className="dim">
          {search === '' ? 'Nothing has been asked yet.' : 'No question has these words.'}
        </p>
      )}
      <ul className="history">
        {page?.items.map((item) => (
          <HistoryRow key={item.id} item={item} onForget={() => void remove(item.id)} />
        ))}
      </ul>
      {page !== undefined && page.next !== null && (
        <button type="button" className="plain more" onClick={() => load(search.trim(), page.next!)}>
          Older questions
        </button>
      )}
    </div>
  );
}

interface RowProps {
  readonly item: HistoryItem;
  onForget(): void;
}

function HistoryRow({ item, onForget }: RowProps) {
  const [isSure, setSure] = useState(false);
  const { feedback } = item;
  return (
    <li>
      <a className="history-open" href={addressOf('history', item.id)}>
        <span className="history-question">{item.query}</span>
        <code>{item.sql === '' ? 'no statement' : item.sql}</code>
      </a>
      <p className="history-facts">
        <time dateTime={item.at} title={item.at}>
          {whenText(item.at)}
        </time>
        <span>{item.abstained ? 'held back' : `${percentText(item.confidence_score)} sure`}</span>
        {feedback !== null && (
          <span className={feedback.verdict === 'right' ? 'good-text' : 'bad-text'}>
            {feedback.corrected_sql === null ? feedback.verdict : 'corrected'}
          </span>
        )}
        <button
          type="button"
          className="quiet"
          aria-label={`${isSure ? 'Really forget' : 'Forget'}: ${item.query}`}
          onClick={() => (isSure ? onForget() : setSure(true))}
          onBlur={() => setSure(false)}
        >
          {isSure ? 'Really forget?' : 'Forget'}
        </button>
      </p>
    </li>
  );
}
