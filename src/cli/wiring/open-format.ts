/** The prompt format of a model directory for one database: the embedded model's own, or a language model's chat template. */
import { loadModelText, type ModelText } from '../../engine/checkpoint/text-files.ts';
import { createChatTemplate, plainTemplate } from '../../engine/tokenizer/chat-template.ts';
import { loadTokenizer, type TokenizerJson } from '../../engine/tokenizer/tokenizer.ts';
import { QuerentError } from '../../foundation/errors.ts';
import type { Observe } from '../../foundation/events.ts';
import { createChatFormat } from '../../prompts/chat/chat-format.ts';
import type { ChatSettings } from '../../prompts/chat/chat-settings.ts';
import { createChatTurns } from '../../prompts/chat/chat-turns.ts';
import { schemaConstraint } from '../../prompts/chat/constraint/constraint-spec.ts';
import { openCompactFormat } from '../../prompts/compact/build-compact.ts';
import type { CompactSettings } from '../../prompts/compact/compact-format.ts';
import type { PromptFormat } from '../../prompts/prompt-format.ts';
import { describeForPrompt } from '../../schema/describe.ts';
import type { OpenedDatabase } from './database.ts';
import { type FormatSettings, readJson, tokenizerFile } from './model-source.ts';

/** `directory`: where the tokenizer lies. */
export async function openFormat(
  settings: FormatSettings,
  directory: string,
  database: OpenedDatabase,
  observe: Observe,
): Promise<PromptFormat> {
  if (settings.format === 'chat') return chatFormatOf(settings, await loadModelText(directory), database);
  checkSchema(settings, database, observe);
  const json = await readJson(`${directory}/${tokenizerFile}`, 'tokenizer');
  return openCompactFormat(database.schema, settings, loadTokenizer(json as TokenizerJson));
}

export function chatFormatOf(
  settings: ChatSettings,
  { tokenizer, chatTemplate, specialTokens, endTokens }: ModelText,
  { schema }: OpenedDatabase,
): PromptFormat {
  const template = createChatTemplate(chatTemplate ?? plainTemplate, specialTokens);
  const turns = createChatTurns({ template, tokenizer, endTokens, today: settings.today });
  const { sampleValues, listValuesUpTo } = settings;
  const schemaText = describeForPrompt(schema, { sampleValues, listValuesUpTo });
  const constraint = settings.schemaConstraint
    ? schemaConstraint(schema, tokenizer, [turns.endOfTurn, ...endTokens])
    : undefined;
  return createChatFormat({ settings, tokenizer, turns, endTokens, schemaText, constraint });
}

/** Before a run begins: a schema that leaves no room for a question would only give empty answers. */
export function refuseIfPromptIsTooLong(format: PromptFormat, maxLength: number): void {
  const { length } = format.prepare('').promptTokens;
  if (length < maxLength) return;
  throw new QuerentError(
    'cli/prompt-too-long',
    `the schema and the instructions take ${length} tokens, and the model reads ${maxLength} with question and answer`,
    {
      next: 'Show less of the schema (--set chat.sampleValues=0 --set chat.listValuesUpTo=0), or allow longer sequences (--set model.maxLength=…), where the model was made for them.',
      details: { promptTokens: length, maxLength },
    },
  );
}

function checkSchema(settings: CompactSettings, { schema }: OpenedDatabase, observe: Observe): void {
  if (settings.schemaHash === schema.hash) return;
  if (settings.databaseId !== schema.databaseId) {
    throw new QuerentError(
      'cli/other-database',
      `the model was trained for the database "${settings.databaseId}", and this is "${schema.databaseId}"`,
      { next: 'Use a model of this database: `querent data synthesize`, then `querent train sft`.' },
    );
  }
  observe({
    type: 'warning',
    code: 'cli/schema-changed',
    message: 'the schema has changed since the model was trained; train it again for reliable answers',
  });
}
