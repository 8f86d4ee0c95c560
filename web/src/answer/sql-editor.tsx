/**
 * A CodeMirror editor for SQLite that can be streamed into. It lives in a shadow root: there its styles are constructed sheets,
 * which a content security policy without 'unsafe-inline' allows; custom properties of the page reach inside.
 */
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { SQLite, sql } from '@codemirror/lang-sql';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { Annotation, Compartment, EditorState } from '@codemirror/state';
import { drawSelection, EditorView, keymap } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useLayoutEffect, useRef } from 'react';

/** Table -> columns, for completion. */
export type NamesOfSchema = Readonly<Record<string, readonly string[]>>;

export interface SqlEditorProps {
  readonly value: string;
  readonly isReadOnly: boolean;
  readonly names: NamesOfSchema;
  onChange(value: string): void;
  onRun(): void;
}

/** Marks what the page puts in, so that it does not come back as somebody's edit. */
const fromOutside = Annotation.define<boolean>();

const colors = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--code-keyword)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--code-number)' },
  { tag: [tags.comment, tags.lineComment, tags.blockComment], color: 'var(--ink-soft)', fontStyle: 'italic' },
  { tag: [tags.operator, tags.punctuation], color: 'var(--ink-soft)' },
  { tag: [tags.standard(tags.name), tags.typeName], color: 'var(--code-function)' },
]);

const look = EditorView.theme({
  '&': { color: 'var(--ink)', backgroundColor: 'transparent', fontSize: 'var(--code-size)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.6', maxHeight: '22rem' },
  '.cm-content': { padding: '0.85rem 0', caretColor: 'var(--accent)' },
  '.cm-line': { padding: '0 1rem' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--selection)',
  },
  '.cm-matchingBracket': { backgroundColor: 'var(--selection)', outline: 'none' },
  '.cm-tooltip': {
    color: 'var(--ink)',
    backgroundColor: 'var(--raised)',
    border: '1px solid var(--line)',
    borderRadius: '8px',
    overflow: 'hidden',
  },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    color: 'var(--on-accent)',
    backgroundColor: 'var(--accent)',
  },
});

/** Into the editor of the page, where there is one. */
export function focusSqlEditor(): void {
  const host = document.querySelector('[data-part="sql-editor"]');
  const content = host?.shadowRoot?.querySelector<HTMLElement>('.cm-content');
  if (content) EditorView.findFromDOM(content)?.focus();
}

export function SqlEditor({ value, isReadOnly, names, onChange, onRun }: SqlEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const parts = useRef({ editable: new Compartment(), language: new Compartment() });
  const handlers = useRef({ onChange, onRun });
  handlers.current = { onChange, onRun };
  /** What somebody typed and the page has not said back yet: a late echo must not undo what was typed since. */
  const told = useRef<string[]>([]);

  // Before the page is shown: whoever sees the editor can type into it.
  useLayoutEffect(() => {
    const element = host.current!;
    const root = element.shadowRoot ?? element.attachShadow({ mode: 'open', delegatesFocus: true });
    const { editable, language } = parts.current;
    const editor = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        extensions: [
          keymap.of([
            {
              key: 'Mod-Enter',
              run: () => {
                handlers.current.onRun();
                return true;
              },
            },
            // Tab stays with the page, so that nobody is caught in the editor.
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...defaultKeymap,
            ...historyKeymap,
          ]),
          history(),
          drawSelection(),
          closeBrackets(),
          autocompletion(),
          bracketMatching(),
          syntaxHighlighting(colors),
          look,
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': 'SQL statement', spellcheck: 'false' }),
          editable.of([]),
          language.of(sql({ dialect: SQLite })),
          EditorView.updateListener.of((update) => {
            const isOurs = update.transactions.some((change) => change.annotation(fromOutside) === true);
            if (!update.docChanged || isOurs) return;
            const text = update.state.doc.toString();
            told.current.push(text);
            handlers.current.onChange(text);
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);

  useLayoutEffect(() => {
    view.current?.dispatch({
      effects: parts.current.editable.reconfigure([EditorState.readOnly.of(isReadOnly)]),
    });
  }, [isReadOnly]);

  useLayoutEffect(() => {
    const tables = Object.fromEntries(Object.entries(names).map(([table, columns]) => [table, [...columns]]));
    view.current?.dispatch({
      effects: parts.current.language.reconfigure(
        sql({ dialect: SQLite, schema: tables, upperCaseKeywords: true }),
      ),
    });
  }, [names]);

  useLayoutEffect(() => {
    const editor = view.current;
    if (editor === undefined) return;
    const echo = told.current.indexOf(value);
    told.current.splice(0, echo + 1);
    const now = editor.state.doc.toString();
    if (echo >= 0 || now === value) return;
    // Streaming appends: only what is new goes in, so that the view does not jump.
    const isAppended = value.startsWith(now);
    editor.dispatch({
      annotations: fromOutside.of(true),
      changes: isAppended
        ? { from: now.length, insert: value.slice(now.length) }
        : { from: 0, to: now.length, insert: value },
    });
  }, [value]);

  return <div ref={host} className="sql-editor" data-part="sql-editor" />;
}
