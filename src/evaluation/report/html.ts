/** A `Report` as one self-contained HTML page: no script, no request, light and dark. */

import { escapeHtml } from '../../training/svg-chart.ts';
import { type NamedEvaluation, type SideBySideRow, sideBySide } from '../compare.ts';
import type { Slice } from '../summary.ts';
import { isRight } from '../verdict.ts';
import { chartFigure, htmlTable, pageStyle } from './html-parts.ts';
import { evaluationsBySet, type Report } from './report.ts';
import { comparisonText, millisecondsText, percentText, proportionText } from './words.ts';

function figures(report: Report): string {
  const header = [
    'set',
    'stage',
    'questions',
    'EX [95%]',
    'EM',
    'valid',
    'real tables',
    'invented',
    'p50 / p95',
  ];
  const rows = [...evaluationsBySet(report.evaluations).values()].flat().map(({ label, evaluation }) => {
    const { set, summary } = evaluation;
    const { p50, p95 } = summary.latencyMs;
    return [
      escapeHtml(set),
      escapeHtml(label),
      String(summary.ex.total),
      `<b>${percentText(summary.ex.share)}</b> <span class="dim">${proportionText(summary.ex).replace(/^\S+ /, '')}</span>`,
      percentText(summary.em.share),
      percentText(summary.validity.share),
      percentText(summary.realTables.share),
      String(summary.inventedIdentifiers),
      `${millisecondsText(p50)} / ${millisecondsText(p95)}`,
    ];
  });
  return htmlTable(header, rows);
}

/** EX by slice, one column a stage. */
function sliceTable(
  title: string,
  evaluations: readonly NamedEvaluation[],
  slicesOf: (named: NamedEvaluation) => readonly Slice[],
): string {
  const names = [...new Set(evaluations.flatMap((named) => slicesOf(named).map((slice) => slice.name)))];
  if (names.length === 0) return '';
  const header = [escapeHtml(title), 'questions', ...evaluations.map(({ label }) => escapeHtml(label))];
  const rows = names.map((name) => {
    const found = evaluations.map((named) => slicesOf(named).find((slice) => slice.name === name));
    const total = String(Math.max(...found.map((slice) => slice?.ex.total ?? 0)));
    return [escapeHtml(name), total, ...found.map((slice) => (slice ? percentText(slice.ex.share) : ''))];
  });
  return htmlTable(header, rows);
}

function question(row: SideBySideRow): string {
  const marks = row.answers
    .map(({ label, item }) => {
      const kind = isRight(item) ? 'match' : 'wrong';
      return `<span class="${kind}">${isRight(item) ? '✓' : '✗'} ${escapeHtml(label)}</span>`;
    })
    .join(' ');
  const answers = row.answers.map(({ label, item }) => [
    escapeHtml(label),
    `<code>${escapeHtml(item.predictedSql) || '<span class="dim">(nothing)</span>'}</code>`,
    `<span class="${isRight(item) ? 'match' : 'wrong'}">${item.verdict.outcome}</span>${
      item.verdict.message === undefined
        ? ''
        : `<br><span class="dim">${escapeHtml(item.verdict.message)}</span>`
    }`,
    item.confidence === undefined ? '' : percentText(item.confidence),
  ]);
  const gold = ['gold', `<code>${escapeHtml(row.gold)}</code>`, '', ''];
  const isWrong = row.answers.some(({ item }) => !isRight(item));
  const classes = [isWrong ? 'has-wrong' : '', row.isContested ? 'contested' : ''].join(' ').trim();
  return `<details class="${classes}"><summary>${marks} ${escapeHtml(row.question)} <span class="dim">${escapeHtml(row.id)}</span></summary>
${htmlTable(['', 'SQL', 'verdict', 'confidence'], [gold, ...answers])}</details>`;
}

function setSection(set: string, evaluations: readonly NamedEvaluation[]): string {
  const name = `show-${set.replace(/\W/g, '-')}`;
  const filter = ['all', 'wrong', 'contested']
    .map((value, i) => {
      const checked = i === 0 ? ' checked' : '';
      return `<label><input type="radio" name="${name}" value="${value}"${checked}> ${value}</label>`;
    })
    .join('');
  return `<section><h2>${escapeHtml(set)}</h2>
${sliceTable('difficulty', evaluations, ({ evaluation }) => evaluation.summary.byDifficulty)}
${sliceTable('category', evaluations, ({ evaluation }) => evaluation.summary.byCategory)}
${sliceTable('SQL feature', evaluations, ({ evaluation }) => evaluation.summary.byFeature)}
<div class="filters">${filter}</div>
${sideBySide(evaluations).map(question).join('\n')}</section>`;
}

export function renderHtml(report: Report): string {
  const facts = Object.entries(report.facts).map(([name, value]) => [escapeHtml(name), escapeHtml(value)]);
  const charts = report.charts.flatMap((chart) => chartFigure(chart) ?? []);
  const comparisons = report.comparisons.map(
    (pair) => `<li>${escapeHtml(`${pair.set}, ${comparisonText(pair)}`)}</li>`,
  );
  const sections = [...evaluationsBySet(report.evaluations)].map(([set, named]) => setSection(set, named));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(report.title)}</title><style>${pageStyle}</style></head><body>
<h1>${escapeHtml(report.title)}</h1>
${facts.length > 0 ? htmlTable(['', ''], facts) : ''}
${report.notes.map((note) => `<p>${escapeHtml(note)}</p>`).join('\n')}
<h2>Figures</h2>
${figures(report)}
${comparisons.length > 0 ? `<h2>Comparisons</h2><ul>${comparisons.join('\n')}</ul>` : ''}
${charts.length > 0 ? `<h2>Curves</h2><div class="charts">${charts.join('\n')}</div>` : ''}
${sections.join('\n')}
</body></html>
`;
}
