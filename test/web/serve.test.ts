/** The page over the real server with a key, the shipped model and the ERP demonstration: from a question to a correction in the history. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { evaluationOf, itemOf } from '../../src/evaluation/evaluation.fixture.ts';
import { writeReport } from '../../src/evaluation/report/write-report.ts';
import { packageRoot } from '../../src/foundation/files.ts';
import { openStore } from '../../src/serving/store/store.ts';
import { findChromium, launchChromium, noChromium } from '../support/chromium.ts';
import { buildPage } from './build-page.ts';

const executable = findChromium();
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const main = join(packageRoot(), 'src', 'cli', 'main.ts');

describe.skipIf(executable === undefined)(
  `the page over querent serve${executable === undefined ? ` (${noChromium})` : ''}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'querent-web-'));
    let server: ChildProcess;
    let url: string;
    let browser: Browser;
    let page: Page;
    const errors: string[] = [];
    const foreign: string[] = [];

    beforeAll(async () => {
      await buildPage();
      const store = openStore(join(folder, 'store.sqlite'));
      const { key } = store.keys.create('page', 6_000);
      store.close();
      const evaluations = [evaluationOf('sft', [itemOf('q1', 'mismatch'), itemOf('q2', 'match')])];
      await writeReport(
        { title: 'Two questions', facts: {}, notes: [], evaluations, comparisons: [], charts: [] },
        join(folder, 'runs', 'two questions'),
      );
      server = spawn(
        process.execPath,
        ['--import', tsx, main, 'serve', '--port', '0', '--store', join(folder, 'store.sqlite'), '--quiet'],
        { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] },
      );
      url = await new Promise((resolve, reject) => {
        createInterface({ input: server.stdout! }).on('line', (line) => {
          const found = /listening on (\S+)/.exec(line)?.[1];
          if (found !== undefined) resolve(found);
        });
        server.once('exit', (code) => reject(new Error(`querent serve ended with ${code}`)));
      });
      await vi.waitFor(
        async () => {
          if (!(await fetch(`${url}/health/ready`)).ok) throw new Error('the model is not loaded yet');
        },
        { timeout: 120_000, interval: 250 },
      );
      browser = await launchChromium(executable!);
      page = await browser.newPage();
      page.setDefaultTimeout(60_000);
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
      });
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('request', (request) => {
        if (!request.url().startsWith(url)) foreign.push(request.url());
      });
      await page.goto(url);
      await page.getByRole('dialog', { name: 'API key' }).getByLabel('Key').fill(key);
      await page.keyboard.press('Enter');
    }, 240_000);

    afterAll(async () => {
      await browser?.close();
      if (server?.exitCode === null) {
        const ended = new Promise((resolve) => server.once('exit', resolve));
        server.kill('SIGTERM');
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    }, 60_000);

    it('goes from a question to rows, an edited statement, a correction, and finds it in the history', async () => {
      await page.locator('.examples button').first().waitFor();
      await page.getByLabel('Your question').fill('Total budget of all projects by department');
      await page.keyboard.press('Enter');
      await page.getByRole('region', { name: 'Confidence' }).waitFor();
      const editor = page.locator('.cm-content');
      await expect.poll(() => editor.innerText()).toContain('GROUP BY Department');
      expect(await page.locator('tbody tr').count()).toBe(8);
      expect(await page.getByRole('region', { name: 'Steps' }).getByRole('listitem').count()).toBe(8);

      const corrected =
        'SELECT Department, SUM(Budget) AS total FROM PAC_MNT_PROJECTS GROUP BY Department LIMIT 3';
      await editor.fill(corrected);
      await page.keyboard.press('Control+Enter');
      await page.getByText('3 rows').waitFor();
      await page.getByRole('button', { name: 'Wrong' }).click();
      await page.getByRole('button', { name: 'Send correction' }).click();
      await page.getByText('The next training will learn from it.').waitFor();

      await page.keyboard.press('g');
      await page.keyboard.press('h');
      await page.locator('.history li').first().waitFor();
      expect(await page.locator('.history li').first().innerText()).toContain('corrected');
      await page.locator('.history-open').first().click();
      await expect.poll(() => page.locator('.cm-content').innerText()).toContain('LIMIT 3');
      expect(page.url()).toMatch(/#\/history\/\w+$/);
    });

    it('refuses a statement that writes, with words', async () => {
      await page.locator('.cm-content').fill('DELETE FROM PAC_MNT_PROJECTS');
      await page.keyboard.press('Control+Enter');
      await page.getByRole('alert').waitFor();
      expect(await page.getByRole('alert').innerText()).toContain('Next:');
      // The browser itself reports every answer that is not 2xx.
      expect(errors.filter((text) => !text.startsWith('Failed to load resource'))).toEqual([]);
    });

    it('shows schema and training pages and a report with its script, and asked nobody else', async () => {
      await page.goto(`${url}/#/schema`);
      await page.locator('.er-table').nth(5).waitFor();
      await page.goto(`${url}/#/training`);
      await page.getByRole('heading', { name: 'Evaluation reports' }).waitFor();
      await page.getByRole('link', { name: 'two questions' }).click();
      const report = page.frameLocator('iframe[title="Report two questions"]');
      // Lists and counts questions only where its script runs.
      await expect.poll(() => report.locator('#count').innerText()).toContain('2');
      expect(errors.filter((text) => !text.startsWith('Failed to load resource'))).toEqual([]);
      expect(foreign).toEqual([]);
    });
  },
);
