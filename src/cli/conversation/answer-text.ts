/** Answers as a person reads them in a terminal, and as JSON for a script. Knows text and colours; asks nothing. */
import type { StatementExplanation } from '../../agents/explain/explain-statement.ts';
import type {
  PipelineAnswer,
  PipelineCandidate,
  PipelineRows,
  PipelineWarning,
  PlanNode,
} from '../../agents/pipeline.ts';
import type { CommandContext } from '../context.ts';
import { rowsTable } from '../table.ts';
import { percent } from '../terminal/live-line.ts';

type Colors = CommandContext['colors'];

/** Values of a database end up in statements and messages; control characters in them would command the terminal. */
export const printable = (text: string): string =>
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '�');

export function rowsText(
  { columns, rows, truncated, elapsedMs }: PipelineRows,
  rowsShownMax: number,
  colors: Colors,
): string {
  const count = `${rows.length}${truncated ? '+' : ''} row${rows.length === 1 && !truncated ? '' : 's'}`;
  const shown = rows.length > rowsShownMax ? `, ${rowsShownMax} shown` : '';
  const summary = colors.dim(`${count}${shown}, ${elapsedMs.toFixed(1)} ms`);
  return rows.length === 0 ? summary : `${rowsTable(columns, rows, rowsShownMax)}\n${summary}`;
}

function planText(nodes: readonly PlanNode[], indent = '  '): string[] {
  return nodes.flatMap(({ label, children }) => [`${indent}${label}`, ...planText(children, `${indent}  `)]);
}

/** `info` is for who asks for an explanation. */
function warningLines(warnings: readonly PipelineWarning[], colors: Colors, withInfo: boolean): string[] {
  return warnings
    .filter(({ severity }) => withInfo || severity !== 'info')
    .map(({ severity, message, code }) => {
      const mark = severity === 'error' ? colors.red('✗') : severity === 'warning' ? colors.yellow('!') : 'i';
      return `${mark} ${printable(message)} ${colors.dim(`[${code}]`)}`;
    });
}

export function explanationText(
  explained: Pick<StatementExplanation, 'explanation' | 'plan' | 'warnings' | 'advice'>,
  colors: Colors,
): string {
  const { explanation, plan, warnings, advice } = explained;
  const lines = explanation === '' ? [] : [printable(explanation)];
  if (plan.length > 0) lines.push(colors.dim('plan'), ...planText(plan).map(printable));
  lines.push(...warningLines(warnings, colors, true));
  for (const { message, sql, measured } of advice) {
    const times =
      measured === undefined ? '' : ` (${measured.beforeMs.toFixed(1)} -> ${measured.afterMs.toFixed(1)} ms)`;
    lines.push(`${colors.cyan('+')} ${printable(message)}${times}`, `  ${printable(sql)};`);
  }
  return lines.join('\n');
}

/** Best first; the whole statement of each, for who wants to take another one. */
export function candidatesText(candidates: readonly PipelineCandidate[], colors: Colors): string {
  return candidates
    .map(({ isChosen, probability, agreement, outcome, rowCount, sql, feedback }) => {
      const facts = [
        outcome === 'rows' ? `${rowCount ?? '?'} row${rowCount === 1 ? '' : 's'}` : outcome,
        ...(probability === undefined ? [] : [`probability ${percent(probability)}`]),
        ...(agreement === undefined ? [] : [`${percent(agreement)} agree`]),
        ...feedback,
      ];
      return `${isChosen ? colors.green('*') : ' '} ${printable(sql)};\n  ${colors.dim(printable(facts.join(', ')))}`;
    })
    .join('\n');
}

export interface AnswerTextOptions {
  readonly rowsShownMax: number;
  readonly explain: boolean;
  readonly colors: Colors;
}

export function answerText(
  answer: PipelineAnswer,
  { rowsShownMax, explain, colors }: AnswerTextOptions,
): string {
  const { sql, confidence, confidenceReason, latencyMs, result, failure, clarification } = answer;
  const lines: string[] = [];
  if (sql === '') {
    const isRefused = answer.warnings.some(({ severity }) => severity === 'error');
    lines.push(
      isRefused
        ? 'No statement for this question passed the checks.'
        : 'The model found no SQL for this question. next: ask it with other words.',
    );
    lines.push(...warningLines(answer.warnings, colors, explain));
  } else {
    lines.push(`${colors.bold(printable(sql))};`);
    const reason = explain && confidenceReason !== '' ? ` (${confidenceReason})` : '';
    lines.push(colors.dim(`confidence ${percent(confidence)}${reason}, ${Math.round(latencyMs)} ms`));
    if (explain) lines.push(explanationText({ advice: [], plan: [], ...answer }, colors));
    else lines.push(...warningLines(answer.warnings, colors, false));
    if (answer.abstained)
      lines.push(`${colors.yellow('held back:')} not sure enough to run it (${confidenceReason})`);
    if (failure !== undefined) lines.push(`${colors.red('not answered:')} ${printable(failure)}`);
  }
  if (clarification !== undefined) lines.push(printable(clarification.question));
  if (result !== undefined) lines.push(rowsText(result, rowsShownMax, colors));
  return lines.filter((line) => line !== '').join('\n');
}

/** One word for how it ended, as `querent ask --json` has always said it. */
export function outcomeOf({ sql, result, failure, abstained, candidates }: PipelineAnswer): string {
  if (sql === '') return 'no-sql';
  if (result !== undefined) return 'rows';
  if (failure === undefined) return abstained ? 'held-back' : 'not-run';
  const chosen = candidates.find(({ isChosen }) => isChosen)?.outcome;
  return chosen === undefined || chosen === 'rows' || chosen === 'not-run' ? 'sql-error' : chosen;
}

export function answerJson(answer: PipelineAnswer): Readonly<Record<string, unknown>> {
  const { question, sql, confidence, latencyMs, result, failure } = answer;
  return {
    question,
    sql,
    confidence,
    latencyMs,
    outcome: outcomeOf(answer),
    ...(failure === undefined ? {} : { message: failure }),
    ...(result === undefined
      ? {}
      : { columns: result.columns, rows: result.rows, truncated: result.truncated }),
    confidenceReason: answer.confidenceReason,
    abstained: answer.abstained,
    ...(answer.clarification === undefined ? {} : { clarification: answer.clarification.question }),
    tables: answer.tables,
    explanation: answer.explanation,
    warnings: answer.warnings,
  };
}
