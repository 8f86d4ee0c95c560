/** The whole schema: a list to search in, and the diagram. */
import { lazy, Suspense, useState } from 'react';
import { FailureBox } from '../shell/failure-box.tsx';
import type { SchemaState } from './use-schema.ts';

const Diagram = lazy(() => import('./diagram.tsx'));

export function SchemaPage({ state }: { state: SchemaState }) {
  const [search, setSearch] = useState('');
  const [chosen, setChosen] = useState<string>();
  const { schema, failure } = state;
  if (failure !== undefined) return <FailureBox failure={failure} onRetry={state.retry} />;
  if (schema === undefined) return <p className="dim">Reading the schema …</p>;
  const wanted = search.trim().toLowerCase();
  const found = schema.tables.filter(({ name, comment, columns }) =>
    [name, comment ?? '', ...columns.map((column) => column.name)].some((text) =>
      text.toLowerCase().includes(wanted),
    ),
  );
  const table = schema.tables.find(({ name }) => name === chosen);
  return (
    <div className="schema-page">
      <header className="page-head">
        <h1>Schema</h1>
        <p className="dim">
          {schema.database_id}, {schema.dialect}: {schema.tables.length} tables, {schema.foreign_keys.length}{' '}
          foreign keys
        </p>
      </header>
      <div className="schema-body">
        <div className="schema-list">
          <input
            type="search"
            aria-label="Search tables and columns"
            placeholder="Search tables and columns"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
          <ul>
            {found.map(({ name, comment, rows }) => (
              <li key={name}>
                <button
                  type="button"
                  aria-pressed={name === chosen}
                  onClick={() => setChosen(name === chosen ? undefined : name)}
                >
                  <span>{name}</span>
                  <span className="dim">{rows.toLocaleString('en-US')}</span>
                  {comment !== null && <span className="comment">{comment}</span>}
                </button>
              </li>
            ))}
          </ul>
        </div>
        <div className="schema-main">
          {table !== undefined && (
            <section className="card" aria-label={table.name}>
              <h2>{table.name}</h2>
              <dl className="column-list">
                {table.columns.map((column) => (
                  <div key={column.name}>
                    <dt>
                      {column.name} <span className="dim">{column.type.toLowerCase()}</span>
                    </dt>
                    <dd>
                      {[
                        column.primary_key ? 'primary key' : '',
                        column.nullable ? '' : 'never null',
                        column.comment ?? '',
                      ]
                        .filter((part) => part !== '')
                        .join(' · ')}
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          )}
          <div className="card">
            <Suspense fallback={<p className="dim pad">Drawing …</p>}>
              <Diagram schema={schema} tables={chosen === undefined ? [] : [chosen]} columns={[]} isTall />
            </Suspense>
          </div>
        </div>
      </div>
    </div>
  );
}
