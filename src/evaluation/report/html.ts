/**
 * A report as one self-contained HTML page, light and dark, that opens from disk: figures, charts, and every question to
 * filter and look at. Its policy lets nothing load and no script run but its own; what a model or a database wrote enters as
 * escaped text or as JSON that the script sets as text.
 */
import { escapeHtml } from '../../training/svg-chart.ts';
import type { Slice } from '../summary.ts';
import { errorClasses, errorClassNames } from '../taxonomy/error-class.ts';
import { type AnalyzedEvaluation, type AnalyzedReport, analyzedBySet } from './analysis.ts';
import { figureHeader, figureRows, sliceGroups } from './figures.ts';
import { chartFigure, htmlTable, selectField, textTable } from './html-parts.ts';
import { embeddedJson, pageData } from './page-data.ts';
import { pageScript, pageScriptHash } from './page-script.ts';
import { pageStyle } from './page-style.ts';
import { reportCharts } from './report-charts.ts';
import { comparisonText, percentText } from './words.ts';

/** EX by slice, one column a label. */
function sliceTable(
  title: string,
  evaluations: readonly AnalyzedEvaluation[],
  slicesOf: (one: AnalyzedEvaluation) => readonly Slice[],
): string {
  const names = [...new Set(evaluations.flatMap((one) => slicesOf(one).map((slice) => slice.name)))];
  if (names.length === 0) return '';
  const header = [title, 'questions', ...evaluations.map(({ label }) => label)];
  const rows = names.map((name) => {
    const found = evaluations.map((one) => slicesOf(one).find((slice) => slice.name === name));
    const total = String(Math.max(...found.map((slice) => slice?.ex.total ?? 0)));
    return [name, total, ...found.map((slice) => (slice ? percentText(slice.ex.share) : ''))];
  });
  return textTable(header, rows);
}

function breakdown(set: string, evaluations: readonly AnalyzedEvaluation[]): string {
  const groups = sliceGroups(evaluations[0]!.evaluation.summary).map(([group], i) =>
    sliceTable(group, evaluations, (one) => sliceGroups(one.evaluation.summary)[i]![1]),
  );
  return `<details class="breakdown"><summary>${escapeHtml(set)}: EX by difficulty, category, question length and SQL feature</summary>
${groups.join('\n')}</details>`;
}

function mistakes({ byLabel }: AnalyzedReport): string {
  const names = errorClassNames.filter((name) =>
    byLabel.some(({ taxonomy }) => taxonomy.classes.some((found) => found.name === name)),
  );
  if (names.length === 0) return '';
  const rows = names.map((name) => [
    `<button type="button" class="pick" data-mistake="${name}">${name}</button>`,
    ...byLabel.map(({ taxonomy }) => {
      const found = taxonomy.classes.find((one) => one.name === name);
      return found === undefined ? '' : `${found.primary} <span class="dim">(${found.occurs})</span>`;
    }),
    escapeHtml(errorClasses[name]),
  ]);
  const header = ['mistake', ...byLabel.map(({ label }) => escapeHtml(label)), 'meaning'];
  return `<h2>Mistakes</h2><p class="dim">Answers of which it is the primary mistake, and (in which it occurs), all sets together.</p>
${htmlTable(header, rows, '')}`;
}

function confidences({ evaluations, byLabel }: AnalyzedReport): string {
  const sets = evaluations.map(({ label, evaluation, calibration }) => ({
    ...{ label, calibration },
    set: evaluation.set,
  }));
  const all = byLabel.map(({ label, calibration }) => ({ label, calibration, set: 'all' }));
  const rows = [...sets, ...all]
    .filter(({ calibration }) => calibration.count > 0)
    .map(({ set, label, calibration }) => [
      ...[set, label, percentText(calibration.confidenceMean), percentText(calibration.accuracy)],
      ...[calibration.ece.toFixed(3), calibration.aurc.toFixed(3), calibration.aurcBest.toFixed(3)],
      String(calibration.withoutConfidence),
    ]);
  if (rows.length === 0) return '';
  return `<h2>Confidence</h2>
${textTable(['set', 'stage', 'mean confidence', 'EX', 'ECE', 'AURC', 'best AURC', 'without confidence'], rows)}`;
}

function questions(report: AnalyzedReport): string {
  const items = report.evaluations.flatMap((one) => one.items);
  const outcomes = [...new Set(items.map(({ item }) => item.verdict.outcome))].sort();
  const features = [...new Set(items.flatMap(({ item }) => item.features))].sort();
  const found = errorClassNames.filter((name) => items.some((one) => one.mistakes?.all.includes(name)));
  const labels = report.byLabel.map(({ label }) => label);
  const contested = labels.length > 1 ? ['contested', 'different SQL'] : [];
  return `<section id="list"><h2>Questions</h2>
<p class="dim"><kbd>/</kbd> searches, <kbd>j</kbd> and <kbd>k</kbd> move, <kbd>Enter</kbd> opens.</p>
<form id="filters"><label>search<input type="search" id="filter-text" placeholder="question or SQL" autocomplete="off"></label>
${selectField('set', 'set', [...analyzedBySet(report).keys()])}
${labels.length > 1 ? selectField('label', 'model', labels) : ''}
${selectField('outcome', 'outcome', ['right', 'wrong', ...contested, ...outcomes.filter((name) => name !== 'match')])}
${selectField('mistake', 'mistake', found)}
${selectField('feature', 'SQL feature', features)}
<button type="reset">reset</button><span id="count" role="status"></span></form>
<noscript><p>The list needs JavaScript; report.md has the failures and report.json every question.</p></noscript>
<div id="questions"></div><button type="button" id="more" hidden>more</button></section>`;
}

function policy(): string {
  return `default-src 'none'; style-src 'unsafe-inline'; script-src '${pageScriptHash}'; base-uri 'none'; form-action 'none'`;
}

function headed(title: string, parts: readonly string[], wrap: (body: string) => string): string {
  return parts.length === 0 ? '' : `<h2>${title}</h2>\n${wrap(parts.join('\n'))}`;
}

export function renderHtml(report: AnalyzedReport): string {
  const facts = Object.entries(report.facts).map(
    ([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  const inGrid = (body: string) => `<div class="charts">${body}</div>`;
  const comparisons = report.comparisons.map(
    (pair) => `<li>${escapeHtml(`${pair.set}, ${comparisonText(pair)}`)}</li>`,
  );
  const curves = report.charts.flatMap((chart) => chartFigure(chart) ?? []);
  const breakdowns = [...analyzedBySet(report)].map(([set, evaluations]) => breakdown(set, evaluations));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<title>${escapeHtml(report.title)}</title><style>${pageStyle}</style></head><body>
<h1>${escapeHtml(report.title)}</h1>
${facts.length > 0 ? `<table class="facts"><tbody>${facts.join('\n')}</tbody></table>` : ''}
${report.notes.map((note) => `<p>${escapeHtml(note)}</p>`).join('\n')}
<h2>Figures</h2>
${textTable(figureHeader, figureRows(report.evaluations))}
${headed('Comparisons', comparisons, (body) => `<ul>${body}</ul>`)}
${headed('Charts', reportCharts(report), inGrid)}
${headed('Curves', curves, inGrid)}
${mistakes(report)}
${confidences(report)}
<h2>By kind of question</h2>
${breakdowns.join('\n')}
${questions(report)}
<script type="application/json" id="report-data">${embeddedJson(pageData(report))}</script>
<script>${pageScript}</script>
</body></html>
`;
}
