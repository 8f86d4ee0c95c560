/** The first page: a question, examples while there is none, and its answer. */
import { type RefObject, useEffect, useMemo, useState } from 'react';
import type { ExamplesResponse } from '../../../src/serving/api/contract.ts';
import { type AskOptions, examples as fetchExamples } from '../api/client.ts';
import type { SchemaState } from '../schema/use-schema.ts';
import { FailureBox } from '../shell/failure-box.tsx';
import { AnswerView } from './answer-view.tsx';
import { AskBox } from './ask-box.tsx';
import type { ConversationControl } from './use-conversation.ts';

export interface AskPageProps {
  readonly control: ConversationControl;
  readonly field: RefObject<HTMLTextAreaElement | null>;
  readonly schema: SchemaState;
}

export function AskPage({ control, field, schema }: AskPageProps) {
  const { state } = control;
  const [question, setQuestion] = useState(state.question);
  const [options, setOptions] = useState<AskOptions>({});
  const [examples, setExamples] = useState<ExamplesResponse['examples']>([]);
  const isEmpty = state.phase === 'empty';

  useEffect(() => {
    // On a phone the focus would open the keyboard over the examples.
    if (matchMedia('(pointer: fine)').matches) field.current?.focus();
    // Without examples the page is only less helpful: nothing to say.
    fetchExamples().then(
      (found) => setExamples(found.examples),
      () => {},
    );
  }, [field]);
  useEffect(() => {
    if (state.phase === 'recalled') setQuestion(state.question);
  }, [state.phase, state.question]);

  const ask = (text: string): void => {
    if (text.trim() === '') return;
    setQuestion(text);
    control.ask(text.trim(), options);
  };
  const names = useMemo(
    () =>
      Object.fromEntries(
        (schema.schema?.tables ?? []).map(({ name, columns }) => [
          name,
          columns.map((column) => column.name),
        ]),
      ),
    [schema.schema],
  );

  return (
    <div className={isEmpty ? 'ask-page is-empty' : 'ask-page'}>
      <h1 className={isEmpty ? 'welcome' : 'visually-hidden'}>
        {isEmpty ? 'What would you like to know?' : 'Ask'}
      </h1>
      <AskBox
        field={field}
        value={question}
        isRunning={state.phase === 'running'}
        options={options}
        onChange={setQuestion}
        onOptions={setOptions}
        onAsk={() => ask(question)}
        onStop={control.stop}
      />
      {schema.failure !== undefined && isEmpty && (
        <FailureBox failure={schema.failure} onRetry={schema.retry} />
      )}
      {isEmpty && examples.length > 0 && (
        <section className="examples" aria-label="Examples">
          <ul>
            {examples.map(({ query }) => (
              <li key={query}>
                <button type="button" onClick={() => ask(query)}>
                  {query}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {!isEmpty && (
        <AnswerView
          control={control}
          schema={schema.schema}
          names={names}
          onSuggest={(text) => {
            setQuestion(text);
            field.current?.focus();
          }}
          onRetry={() => ask(state.question)}
        />
      )}
    </div>
  );
}
