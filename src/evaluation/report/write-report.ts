/** Writes a `Report` as JSON, Markdown and HTML side by side. */
import { join } from 'node:path';
import { writeFileAtomic } from '../../foundation/files.ts';
import { renderHtml } from './html.ts';
import { renderMarkdown } from './markdown.ts';
import { type Report, reportJson } from './report.ts';

export interface ReportPaths {
  readonly json: string;
  readonly markdown: string;
  readonly html: string;
}

export async function writeReport(report: Report, directory: string): Promise<ReportPaths> {
  const paths = {
    json: join(directory, 'report.json'),
    markdown: join(directory, 'report.md'),
    html: join(directory, 'report.html'),
  };
  await writeFileAtomic(paths.json, `${JSON.stringify(reportJson(report), null, 1)}\n`);
  await writeFileAtomic(paths.markdown, renderMarkdown(report));
  await writeFileAtomic(paths.html, renderHtml(report));
  return paths;
}
