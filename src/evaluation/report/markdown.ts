/** A report as Markdown: tables of figures, comparisons, mistakes, and the failures of the last label of each set. */
import { errorClasses } from '../taxonomy/error-class.ts';
import { type AnalyzedEvaluation, type AnalyzedReport, analyzedBySet } from './analysis.ts';
import { figureHeader, figureRows, sliceGroups } from './figures.ts';
import { comparisonText, percentText, proportionText } from './words.ts';

const failuresShownMax = 40;

const oneLine = (text: string): string => text.replace(/\s*[\n\r\u2028\u2029]+\s*/g, ' ');
/** One table cell: pipes and line breaks would end it, and `<` might begin markup. */
const cell = (text: string): string =>
  oneLine(text)
    .replace(/[\\|*`]/g, '\\$&')
    .replaceAll('<', '&lt;');
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
const code = (sql: string): string => (sql === '' ? '(nothing)' : `\`${oneLine(sql).replaceAll('`', "'")}\``);
/** What somebody wrote, as text: a mark of Markdown in it stays a character. */
const plain = (text: string): string => oneLine(text).replace(/[\\`*_[\]<>&#|~]/g, '\\$&');

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(header), row(header.map(() => '---')), ...rows.map(row)].join('\n');
}

function slicesTable({ evaluation }: AnalyzedEvaluation): string {
  const rows = sliceGroups(evaluation.summary).flatMap(([group, slices]) =>
    slices.map(({ name, ex, em, validity }) => [
      group,
      name,
      `${ex.passed}/${ex.total}`,
      proportionText(ex),
      percentText(em.share),
      percentText(validity.share),
    ]),
  );
  return rows.length === 0 ? '' : table(['by', '', 'right', 'EX [95%]', 'EM', 'valid'], rows);
}

function mistakes({ taxonomy }: AnalyzedEvaluation): string {
  if (taxonomy.wrong === 0) return '';
  const rows = taxonomy.classes.map(({ name, primary, occurs, examples }) => [
    name,
    String(primary),
    String(occurs),
    errorClasses[name],
    examples.join(', '),
  ]);
  return table(['mistake', 'primary', 'occurs', 'meaning', 'examples'], rows);
}

function confidences({ evaluations }: AnalyzedReport): string {
  const rows = evaluations
    .filter(({ calibration }) => calibration.count > 0)
    .map(({ label, evaluation, calibration }) => [
      evaluation.set,
      label,
      percentText(calibration.confidenceMean),
      percentText(calibration.accuracy),
      calibration.ece.toFixed(3),
      `${calibration.aurc.toFixed(3)} (${calibration.aurcBest.toFixed(3)})`,
      String(calibration.withoutConfidence),
    ]);
  const header = ['set', 'stage', 'mean confidence', 'EX', 'ECE', 'AURC (best)', 'without confidence'];
  return rows.length === 0 ? '' : table(header, rows);
}

function failures({ items }: AnalyzedEvaluation): string {
  const wrong = items.filter((one) => one.item.verdict.outcome !== 'match');
  const shown = wrong.slice(0, failuresShownMax).map(({ item, mistakes: found }) => {
    const message = item.verdict.message === undefined ? '' : `: ${plain(item.verdict.message)}`;
    const sorted = found === undefined ? '' : `; ${found.all.join(', ')}`;
    return [
      `- **${plain(item.example.question)}** (${plain(item.example.id)}; ${item.verdict.outcome}${message}${sorted})`,
      `  - gold ${code(item.example.sql)}`,
      `  - got ${code(item.predictedSql)}`,
    ].join('\n');
  });
  const more = wrong.length - shown.length;
  return [...shown, ...(more > 0 ? [`- … and ${more} more in report.json`] : [])].join('\n') || 'None.';
}

export function renderMarkdown(report: AnalyzedReport): string {
  const facts = Object.entries(report.facts).map(([name, value]) => [name, value]);
  const parts = [
    `# ${plain(report.title)}`,
    ...(facts.length > 0 ? [table(['', ''], facts)] : []),
    ...report.notes.map(plain),
    '## Figures',
    table(figureHeader, figureRows(report.evaluations)),
    ...(report.comparisons.length > 0 ? ['## Comparisons'] : []),
    ...(report.comparisons.length > 0
      ? [report.comparisons.map((pair) => `- ${plain(`${pair.set}, ${comparisonText(pair)}`)}`).join('\n')]
      : []),
  ];
  const confidence = confidences(report);
  if (confidence !== '') parts.push('## Confidence', confidence);
  for (const [set, evaluations] of analyzedBySet(report)) {
    const last = evaluations.at(-1)!;
    const found = mistakes(last);
    parts.push(`## ${plain(`${set} (${last.label})`)}`, slicesTable(last));
    if (found !== '') parts.push('### Mistakes', found);
    parts.push('### Failures', failures(last));
  }
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}
