import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../../foundation/files.ts';
import { loadParser } from '../../schema/syntax/parser.ts';
import { comparePairs } from '../compare.ts';
import { evaluationOf, itemOf } from '../evaluation.fixture.ts';
import { errorClassNames } from '../taxonomy/error-class.ts';
import { analyzeReport } from './analysis.ts';
import { renderHtml } from './html.ts';
import { renderMarkdown } from './markdown.ts';
import type { Report } from './report.ts';
import { reportSchema } from './report-schema.ts';
import { writeReport } from './write-report.ts';

const nasty = '<script>alert("x")</script> | `code`\n# next \\| **bold**';
const sft = evaluationOf('sft', [
  itemOf('a', 'match'),
  itemOf('b', 'mismatch', {
    predictedSql: nasty,
    confidence: undefined,
    verdict: {
      outcome: 'mismatch',
      goldResult: { columns: ['a', 'b'], rows: [['1', null]], hasMore: false },
    },
  }),
]);
const grpo = evaluationOf('grpo', [
  itemOf('a', 'match'),
  itemOf('b', 'sql-error', { verdict: { outcome: 'sql-error', message: nasty } }),
]);
const report: Report = {
  title: 'A & B',
  facts: { seed: '42', database: nasty },
  notes: ['a note'],
  evaluations: [sft, grpo],
  comparisons: comparePairs([sft, grpo]),
  charts: [
    {
      title: 'loss',
      series: [
        {
          label: 'step',
          points: [
            { x: 1, y: 2 },
            { x: 2, y: 1 },
          ],
        },
      ],
    },
  ],
};

const folder = mkdtempSync(join(tmpdir(), 'querent-report-'));
beforeAll(() => loadParser());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('reports', () => {
  it('write JSON, Markdown and HTML that agree', async () => {
    const paths = await writeReport(report, folder);
    const json = reportSchema.parse(JSON.parse(readFileSync(paths.json, 'utf8')));
    expect(json.evaluations.map(({ label, summary }) => [label, summary.ex.share])).toEqual([
      ['sft', 0.5],
      ['grpo', 0.5],
    ]);
    const [, wrong] = json.evaluations[0]!.items;
    expect(wrong).toMatchObject({ predicted: nasty, goldResult: { rows: [['1', null]] } });
    expect(wrong!.mistakes).toBeDefined();
    expect(json.evaluations[1]!.taxonomy.wrong).toBe(1);
    expect(json.evaluations[0]!.calibration).toMatchObject({ count: 1, withoutConfidence: 1, ece: 0.5 });
    expect(readFileSync(paths.markdown, 'utf8')).toContain('| natural | grpo | 2 | 50.0% [9.5, 90.5] |');
    const html = readFileSync(paths.html, 'utf8');
    expect(html).toContain('sft to grpo: +0.0 points');
    expect(html).toContain('<svg');
  });

  it('keep what a model or a database wrote from becoming markup', () => {
    const html = renderHtml(analyzeReport(report));
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html.match(/<\/script/g)).toHaveLength(2);
    expect(html).not.toContain('src=');
    const markdown = renderMarkdown(analyzeReport(report));
    for (const line of markdown.split('\n').filter((text) => text.startsWith('|'))) {
      expect(line.endsWith('|')).toBe(true);
      expect(line).not.toContain('<script');
    }
  });

  it('keep marks of Markdown in questions and messages from being read as such', () => {
    const [item] = sft.evaluation.items;
    const wrong = {
      ...item!,
      example: { ...item!.example, question: nasty },
      verdict: { outcome: 'mismatch', message: nasty } as const,
    };
    const markdown = renderMarkdown(
      analyzeReport({ ...report, evaluations: [evaluationOf(nasty, [wrong], nasty)], notes: [nasty] }),
    );
    expect(markdown.match(/^#+ .*$/gm)).toEqual([
      '# A \\& B',
      '## Figures',
      '## Comparisons',
      '## Confidence',
      expect.stringMatching(/^## .*next/),
      '### Mistakes',
      '### Failures',
    ]);
    expect(markdown.replace(/`[^`]*`/g, '')).not.toMatch(/(?<!\\)<script|(?<!\\)\*\*bold/);
  });

  it('say what is documented, and nothing else', () => {
    const page = readFileSync(join(packageRoot(), 'docs/evaluation-report.md'), 'utf8');
    const namesOf = (schema: unknown): string[] =>
      typeof schema !== 'object' || schema === null
        ? []
        : Object.entries(schema).flatMap(([key, value]) =>
            key === 'properties'
              ? [...Object.keys(value as object), ...Object.values(value as object).flatMap(namesOf)]
              : namesOf(value),
          );
    const names = [...new Set(namesOf(z.toJSONSchema(reportSchema, { io: 'input' })))];
    expect(names.length).toBeGreaterThan(60);
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
    for (const name of errorClassNames) expect(page).toContain(`\`${name}\``);
  });

  it('list the failures of the last stage', () => {
    expect(renderMarkdown(analyzeReport(report))).toMatch(/\*\*question b\*\* \(b; sql-error: /);
  });
});
