/** A `Report` as Markdown: tables of figures, comparisons, and the failures of the last label of each set. */
import type { NamedEvaluation } from '../compare.ts';
import { isRight } from '../verdict.ts';
import { evaluationsBySet, type Report } from './report.ts';
import { comparisonText, millisecondsText, percentText, proportionText } from './words.ts';

const failuresShownMax = 40;

/** One table cell: pipes and line breaks would end it. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
const code = (sql: string): string => (sql === '' ? '(nothing)' : `\`${sql.replaceAll('`', "'")}\``);

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(header), row(header.map(() => '---')), ...rows.map(row)].join('\n');
}

function figuresTable(evaluations: readonly NamedEvaluation[]): string {
  const header = [
    'set',
    'stage',
    'questions',
    'EX [95%]',
    'EM',
    'valid',
    'invented identifiers',
    'latency p50 / p95',
  ];
  const rows = [...evaluationsBySet(evaluations).values()].flat().map(({ label, evaluation }) => {
    const { set, summary } = evaluation;
    return [
      set,
      label,
      String(summary.ex.total),
      proportionText(summary.ex),
      percentText(summary.em.share),
      percentText(summary.validity.share),
      String(summary.inventedIdentifiers),
      `${millisecondsText(summary.latencyMs.p50)} / ${millisecondsText(summary.latencyMs.p95)}`,
    ];
  });
  return table(header, rows);
}

function slicesTable(evaluation: NamedEvaluation['evaluation']): string {
  const { byDifficulty, byCategory, byFeature } = evaluation.summary;
  const groups = [
    ['difficulty', byDifficulty],
    ['category', byCategory],
    ['SQL feature', byFeature],
  ] as const;
  const rows = groups.flatMap(([group, slices]) =>
    slices.map(({ name, ex }) => [group, name, `${ex.passed}/${ex.total}`, proportionText(ex)]),
  );
  return rows.length === 0 ? '' : table(['by', '', 'right', 'EX [95%]'], rows);
}

function failures(evaluation: NamedEvaluation['evaluation']): string {
  const wrong = evaluation.items.filter((item) => !isRight(item));
  const shown = wrong.slice(0, failuresShownMax).map((item) => {
    const message = item.verdict.message === undefined ? '' : `: ${item.verdict.message}`;
    return [
      `- **${item.example.question}** (${item.example.id}; ${item.verdict.outcome}${message})`,
      `  - gold ${code(item.example.sql)}`,
      `  - got ${code(item.predictedSql)}`,
    ].join('\n');
  });
  const more = wrong.length - shown.length;
  return [...shown, ...(more > 0 ? [`- … and ${more} more in report.json`] : [])].join('\n') || 'None.';
}

export function renderMarkdown(report: Report): string {
  const facts = Object.entries(report.facts).map(([name, value]) => [name, value]);
  const parts = [
    `# ${report.title}`,
    ...(facts.length > 0 ? [table(['', ''], facts)] : []),
    ...report.notes,
    '## Figures',
    figuresTable(report.evaluations),
    ...(report.comparisons.length > 0 ? ['## Comparisons'] : []),
    ...(report.comparisons.length > 0
      ? [report.comparisons.map((pair) => `- ${pair.set}, ${comparisonText(pair)}`).join('\n')]
      : []),
  ];
  for (const [set, evaluations] of evaluationsBySet(report.evaluations)) {
    const last = evaluations.at(-1)!;
    parts.push(
      `## ${set} (${last.label})`,
      slicesTable(last.evaluation),
      '### Failures',
      failures(last.evaluation),
    );
  }
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}
