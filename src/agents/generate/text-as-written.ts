/**
 * A statement while it is being written: tokens in, pieces of text out. What has been shown is never taken back, so a piece is
 * held until the text so far goes on from what was shown.
 */
import type { PreparedPrompt, PromptFormat } from '../../prompts/prompt-format.ts';

export interface WrittenText {
  /** As `SampleControl.onToken` of a call with one prompt and one sample. */
  readonly onToken: (prompt: number, sample: number, token: number) => void;
  /** What the finished statement still adds. */
  readonly end: (sql: string) => void;
}

export function textAsWritten(
  format: PromptFormat,
  prompt: PreparedPrompt,
  onText: (added: string) => void,
): WrittenText {
  const tokens: number[] = [];
  let shown = '';
  const show = (text: string): void => {
    if (text.length <= shown.length || !text.startsWith(shown)) return;
    onText(text.slice(shown.length));
    shown = text;
  };
  return {
    onToken: (_prompt, _sample, token) => {
      tokens.push(token);
      show(format.parseCompletion(Int32Array.from(tokens), prompt).sql);
    },
    end: show,
  };
}
