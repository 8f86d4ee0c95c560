/** The page in a real browser, over a real HTTP server with recorded answers: what people do, and what must never happen. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, launchChromium, noChromium } from '../support/chromium.ts';
import { buildPage } from './build-page.ts';
import {
  type PageServer,
  type PageServerOptions,
  recordedQuestions,
  reportText,
  startPageServer,
} from './page-server.ts';

const executable = findChromium();
const [byDepartment, howMany, byYear, unclear] = recordedQuestions as [string, string, string, string];
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const firstLoadBytesMax = 300_000;

describe.skipIf(executable === undefined)(
  `the page${executable === undefined ? ` (${noChromium})` : ''}`,
  () => {
    let browser: Browser;
    beforeAll(async () => {
      await buildPage();
      browser = await launchChromium(executable!);
    }, 180_000);
    afterAll(() => browser?.close());

    interface Visit {
      readonly page: Page;
      readonly server: PageServer;
      /** Lines on the console that are errors, and exceptions. */
      readonly errors: readonly string[];
      readonly requests: readonly string[];
    }

    async function visit(
      act: (visit: Visit) => Promise<void>,
      {
        path = '/',
        server: serverOptions,
        ...options
      }: BrowserContextOptions & { path?: string; server?: PageServerOptions } = {},
    ): Promise<Visit> {
      const server = await startPageServer(serverOptions);
      const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
      context.setDefaultTimeout(20_000);
      try {
        const page = await context.newPage();
        const errors: string[] = [];
        const requests: string[] = [];
        page.on('console', (message) => {
          if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
        });
        page.on('pageerror', (error) => errors.push(error.message));
        page.on('request', (request) => requests.push(request.url()));
        await page.goto(server.url + path);
        const made = { page, server, errors, requests };
        await act(made);
        return made;
      } finally {
        await context.close();
        await server.close();
      }
    }

    async function ask(page: Page, question: string): Promise<void> {
      await page.getByLabel('Your question').fill(question);
      await page.keyboard.press('Enter');
    }
    const answered = (page: Page): Promise<void> =>
      page.getByRole('region', { name: 'Confidence' }).waitFor({ state: 'visible' });
    /** The editor's text: its shadow root is open to the browser's own locators. */
    const editor = (page: Page) => page.locator('.cm-content');

    async function violations(page: Page): Promise<string[]> {
      await page.evaluate(axeSource);
      const found = (await page.evaluate(
        'axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })',
      )) as {
        violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
      };
      return found.violations
        .filter(({ impact }) => impact !== 'minor')
        .flatMap(({ id, nodes }) =>
          nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
        );
    }

    it('answers a question with steps, SQL, rows, a chart, an explanation and a confidence', async () => {
      const { errors, requests, server } = await visit(async ({ page }) => {
        await ask(page, byDepartment);
        await answered(page);
        expect(await editor(page).innerText()).toContain('SELECT Department, SUM(Budget)');
        expect(await page.getByRole('region', { name: 'Steps' }).getByRole('listitem').count()).toBe(8);
        expect(await page.locator('.bars li').count()).toBe(8);
        expect(await page.locator('tbody tr').count()).toBe(8);
        expect(await page.locator('.confidence-figure').innerText()).toBe('93%');
        expect(await page.getByRole('region', { name: 'Explanation' }).innerText()).toContain(
          'for each department',
        );
      });
      expect(server.received('/generate')).toEqual([
        { query: byDepartment, include_reasoning: true, options: {} },
      ]);
      expect(errors).toEqual([]);
      expect(requests.filter((address) => !address.startsWith(server.url))).toEqual([]);
    });

    it('writes the statement as it arrives, and Esc stops it at the server too', async () => {
      const { server } = await visit(
        async ({ page, server }) => {
          await ask(page, byDepartment);
          await page.getByText('writing …').waitFor();
          await expect.poll(() => editor(page).innerText(), { timeout: 15_000 }).toMatch(/^SELECT\b/);
          expect(await editor(page).innerText()).not.toContain('GROUP BY Department');
          expect(await page.locator('.steps li[data-state="running"]').innerText()).toContain('Write SQL');
          await page.keyboard.press('Escape');
          await page.keyboard.press('Escape');
          await page.getByText('Stopped.').waitFor();
          await expect.poll(() => server.abandoned).toBe(1);
        },
        { server: { pauseMs: 600 } },
      );
      expect(server.received('/generate')).toHaveLength(1);
    });

    it('ends with the whole statement, however it arrived, and nothing counts as edited', async () => {
      await visit(
        async ({ page }) => {
          await ask(page, byDepartment);
          await answered(page);
          await expect.poll(() => editor(page).innerText()).toContain('GROUP BY Department');
          expect(await page.getByRole('button', { name: 'Undo edits' }).count()).toBe(0);
        },
        { server: { pauseMs: 40 } },
      );
    });

    it('runs an edited statement with Ctrl+Enter, and sets it back', async () => {
      const { server, errors } = await visit(async ({ page }) => {
        await ask(page, howMany);
        await answered(page);
        await editor(page).fill('SELECT Department, COUNT(*) AS projects FROM PAC_MNT_PROJECTS');
        await page.getByText('edited').waitFor();
        await editor(page).press('Control+Enter');
        await page.locator('tbody tr').nth(2).waitFor();
        expect(await page.locator('tbody').innerText()).toContain('null');
        await page.getByRole('button', { name: 'Undo edits' }).click();
        expect(await editor(page).innerText()).toContain("Status = 'Active'");
      });
      expect(server.received('/execute')).toEqual([
        { sql: 'SELECT Department, COUNT(*) AS projects FROM PAC_MNT_PROJECTS', max_rows: 1_000 },
      ]);
      expect(errors).toEqual([]);
    });

    it('takes all that is typed right after the key for the editor', async () => {
      const typed = 'SELECT Department, Status FROM PAC_MNT_PROJECTS ORDER BY Department';
      const { server } = await visit(
        async ({ page }) => {
          await ask(page, howMany);
          await answered(page);
          await page.keyboard.press('Escape');
          await page.keyboard.press('e');
          await page.keyboard.press('Control+a');
          await page.keyboard.type(typed);
          await page.keyboard.press('Control+Enter');
          await page.locator('tbody tr').nth(2).waitFor();
          expect(await editor(page).innerText()).toBe(typed);
        },
        { server: { lateScriptsMs: 3_000 } },
      );
      expect(server.received('/execute')).toEqual([{ sql: typed, max_rows: 1_000 }]);
    });

    it('shows a refusal with what to do next', async () => {
      await visit(async ({ page }) => {
        await ask(page, 'overload');
        const alert = page.getByRole('alert');
        await alert.waitFor();
        expect(await alert.innerText()).toContain('Too many questions at once.');
        expect(await alert.innerText()).toContain('Next: Ask again in a moment.');
        await ask(page, howMany);
        await answered(page);
        await editor(page).fill('DROP TABLE PAC_MNT_PROJECTS');
        await page.getByRole('button', { name: 'Run', exact: true }).click();
        expect(await page.getByRole('alert').innerText()).toContain('Next: Write a SELECT.');
      });
    });

    it('sorts, copies and saves the rows', async () => {
      await visit(
        async ({ page }) => {
          await ask(page, byDepartment);
          await answered(page);
          const cells = () => page.locator('tbody tr td:first-child').allInnerTexts();
          await page.getByRole('button', { name: 'SUM(Budget)' }).click();
          expect((await cells())[0]).toBe('Marketing');
          await page.getByRole('button', { name: 'SUM(Budget)' }).click();
          expect((await cells())[0]).toBe('Engineering');
          expect(await page.locator('th').nth(1).getAttribute('aria-sort')).toBe('descending');
          await page.getByRole('button', { name: 'Copy table' }).click();
          await page.getByText('Copied').waitFor();
          const copied = (await page.evaluate('navigator.clipboard.readText()')) as string;
          expect(copied.split('\n')[1]).toBe('Engineering\t154881500');
          const download = page.waitForEvent('download');
          await page.getByRole('button', { name: 'Save CSV' }).click();
          const saved = readFileSync((await (await download).path())!, 'utf8');
          expect(saved.split('\r\n').slice(0, 2)).toEqual([
            'Department,SUM(Budget)',
            'Engineering,154881500',
          ]);
        },
        { permissions: ['clipboard-read', 'clipboard-write'] },
      );
    });

    it('shows what was held back, asks back, and puts a meaning into the question', async () => {
      const { server } = await visit(async ({ page }) => {
        await ask(page, unclear);
        const held = page.getByRole('region', { name: 'Held back' });
        await held.waitFor();
        expect(await held.innerText()).toContain('What does “Wibble” mean here?');
        await held.getByRole('button', { name: 'SRM_COMPANIES.City' }).click();
        expect(await page.getByLabel('Your question').inputValue()).toBe(
          'Show all contracts with city Hamburg Wibble',
        );
        await page.getByRole('tab', { name: /Candidates/ }).click();
        expect(await page.locator('.candidates li').count()).toBe(8);
        await page.keyboard.press('ArrowLeft');
        await page.getByRole('tab', { name: /^Tables/, selected: true }).waitFor();
        await page.getByRole('tab', { name: 'Result' }).click();
        await page.getByRole('button', { name: 'Run it anyway' }).click();
        await page.locator('tbody tr').first().waitFor();
      });
      expect(server.received('/execute')).toHaveLength(1);
    });

    it('takes a verdict and a correction, and tries again with words', async () => {
      const { server } = await visit(async ({ page, server }) => {
        await ask(page, howMany);
        await answered(page);
        await page.keyboard.press('Escape');
        await page.keyboard.press('y');
        await page.getByText('The next training will learn from it.').waitFor();
        await page.keyboard.press('n');
        await editor(page).fill('SELECT 1');
        await page.getByLabel('What is wrong').fill('only those of this year');
        await page.getByRole('button', { name: 'Send correction' }).click();
        await expect.poll(() => server.received('/feedback').length).toBe(2);
        await page.getByRole('button', { name: 'Wrong', pressed: true }).click();
        await page.getByRole('button', { name: 'Try again with this' }).click();
        await expect.poll(() => server.received('/generate').length).toBe(2);
      });
      expect(server.received('/feedback')).toEqual([
        { id: 'a2', verdict: 'right' },
        { id: 'a2', verdict: 'wrong', corrected_sql: 'SELECT 1', comment: 'only those of this year' },
      ]);
      expect(server.received('/generate')[1]).toMatchObject({
        options: { correction: { sql: 'SELECT 1', message: 'only those of this year' } },
      });
    });

    it('lists what was asked, searches it, opens it again and forgets it', async () => {
      await visit(
        async ({ page }) => {
          const rows = page.locator('.history li');
          await expect.poll(() => rows.count()).toBe(4);
          await page.getByLabel('Search questions').fill('active');
          await expect.poll(() => rows.count()).toBe(1);
          await page.getByLabel('Search questions').fill('');
          await expect.poll(() => rows.count()).toBe(4);
          const forget = page.getByRole('button', { name: `Forget: ${byYear}` });
          await forget.click();
          await page.getByRole('button', { name: `Really forget: ${byYear}` }).click();
          await expect.poll(() => rows.count()).toBe(3);
          await page.getByRole('link', { name: new RegExp(`^${byDepartment}`) }).click();
          await expect.poll(() => editor(page).innerText()).toContain('GROUP BY Department');
          await expect.poll(() => page.getByLabel('Your question').inputValue()).toBe(byDepartment);
        },
        { path: '/#/history' },
      );
    });

    it('opens a past answer by its address, as it was given, and asks a new question from there', async () => {
      const { server } = await visit(
        async ({ page, server }) => {
          await answered(page);
          await expect.poll(() => editor(page).innerText()).toContain('GROUP BY Department');
          expect(await page.getByText('As it was answered').innerText()).toContain('Jun 30, 2026');
          expect(await page.locator('tbody tr').count()).toBe(8);
          expect(await page.getByRole('region', { name: 'Steps' }).getByRole('listitem').count()).toBe(8);
          expect(server.received('/generate')).toEqual([]);
          await ask(page, howMany);
          await expect.poll(() => editor(page).innerText()).toContain("Status = 'Active'");
          expect(page.url()).toBe(`${server.url}/#/`);
          expect(await page.getByText('As it was answered').count()).toBe(0);
          const link = await page.getByRole('link', { name: 'Link to this answer' }).getAttribute('href');
          expect(link).toBe('#/history/a2');
          await page.goBack();
          await expect.poll(() => editor(page).innerText()).toContain('GROUP BY Department');
          await page.goto(`${server.url}/#/history/nobody`);
          expect(await page.getByRole('alert').innerText()).toContain('There is no answer with this id.');
        },
        { path: '/#/history/a1' },
      );
      expect(server.received('/generate')).toHaveLength(1);
    });

    it('draws the tables with ELK in a worker, the used ones lit', async () => {
      const { errors } = await visit(async ({ page }) => {
        await ask(page, byDepartment);
        await answered(page);
        await page.getByRole('tab', { name: /Tables/ }).click();
        await page.locator('.er-table').nth(5).waitFor();
        expect(await page.locator('.er-table[data-lit="true"] .er-name').innerText()).toContain(
          'PAC_MNT_PROJECTS',
        );
        expect(await page.locator('.er-table li[data-lit="true"] .er-column').allInnerTexts()).toEqual([
          'Department',
          'Budget',
        ]);
        await page.getByRole('tab', { name: 'Plan' }).click();
        expect(await page.locator('.plan').innerText()).toContain('SCAN PAC_MNT_PROJECTS');
      });
      expect(errors).toEqual([]);
    });

    it('draws the curves of a run and goes on while it does', async () => {
      const { errors } = await visit(
        async ({ page }) => {
          await page.locator('.curve canvas').nth(3).waitFor();
          const lossAt = async (): Promise<number> =>
            Number(
              /at step (\d+)$/.exec(
                (await page.getByRole('img', { name: /^loss:/ }).getAttribute('aria-label')) ?? '',
              )?.[1],
            );
          const first = await lossAt();
          await expect.poll(lossAt, { timeout: 30_000 }).toBeGreaterThan(first);
          await page.getByRole('button', { name: /erp-grpo/ }).click();
          await page.getByRole('cell', { name: 'evaluation' }).first().waitFor();
          await page.getByRole('link', { name: 'natural questions' }).waitFor();
        },
        { path: '/#/training', server: { stepMs: 100 } },
      );
      expect(errors).toEqual([]);
    });

    it('asks for a key where the server does, again where it is refused, and sends it from then on', async () => {
      const { server } = await visit(
        async ({ page }) => {
          const dialog = page.getByRole('dialog', { name: 'API key' });
          await dialog.getByLabel('Key').fill('wrong');
          await page.keyboard.press('Enter');
          await dialog.getByText('did not take this key').waitFor();
          await dialog.getByLabel('Key').fill('right');
          await page.keyboard.press('Enter');
          await dialog.waitFor({ state: 'detached' });
          await page.getByRole('button', { name: howMany }).click();
          await answered(page);
          expect(await page.evaluate('localStorage.length')).toBe(0);
        },
        { server: { key: 'right' } },
      );
      expect(server.received('/generate')).toHaveLength(1);
    });

    it('shows a report in a frame of its own, fetched with the key', async () => {
      const { errors } = await visit(
        async ({ page }) => {
          await page.getByRole('dialog', { name: 'API key' }).getByLabel('Key').fill('right');
          await page.keyboard.press('Enter');
          await page.getByRole('link', { name: 'natural questions' }).click();
          const report = page.frameLocator('iframe[title="Report natural questions"]').locator('p');
          await expect.poll(() => report.innerText()).toBe(`${reportText} alone`);
          await page.reload();
          await page.getByRole('dialog', { name: 'API key' }).getByLabel('Key').fill('right');
          await page.keyboard.press('Enter');
          await expect.poll(() => report.innerText()).toBe(`${reportText} alone`);
          await page.getByRole('link', { name: 'All runs and reports' }).click();
          await page.getByRole('heading', { name: 'Training', exact: true }).waitFor();
        },
        { path: '/#/training', server: { key: 'right' } },
      );
      // The browser itself reports every answer that is not 2xx.
      expect(errors.filter((text) => !text.startsWith('Failed to load resource'))).toEqual([]);
    });

    it('follows the system’s scheme, and the choice of the person over it', async () => {
      const background = 'getComputedStyle(document.body).backgroundColor';
      await visit(
        async ({ page }) => {
          const dark = await page.evaluate(background);
          await page.getByRole('button', { name: 'Light theme' }).click();
          const light = await page.evaluate(background);
          expect(light).not.toBe(dark);
          await page.reload();
          expect(await page.evaluate(background)).toBe(light);
          await page.emulateMedia({ colorScheme: 'light' });
          expect(await page.evaluate(background)).toBe(light);
        },
        { colorScheme: 'dark' },
      );
    });

    it('lists its keys, goes from page to page by them, and Tab reaches everything in order', async () => {
      await visit(async ({ page }) => {
        await page.getByRole('button', { name: howMany }).waitFor();
        await page.keyboard.press('Escape');
        await page.keyboard.press('?');
        await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
        await page.keyboard.press('Escape');
        for (const [key, title] of ['h History', 's Schema', 't Training'].map(
          (text) => text.split(' ') as [string, string],
        )) {
          await page.keyboard.press('g');
          await page.keyboard.press(key);
          await page.getByRole('heading', { name: title, exact: true }).waitFor();
        }
        await page.keyboard.press('/');
        await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('question');
        await page.getByRole('button', { name: byDepartment }).waitFor();
        await page.keyboard.type('x');
        const focused: string[] = [];
        for (let presses = 0; presses < 3; presses += 1) {
          await page.keyboard.press('Tab');
          focused.push((await page.evaluate('document.activeElement.textContent.trim()')) as string);
        }
        expect(focused).toEqual(['Ask', 'Options', byDepartment]);
      });
    });

    it.each(['light', 'dark'] as const)('has nothing that axe finds, in %s', async (colorScheme) => {
      await visit(
        async ({ page, server }) => {
          await page.getByRole('button', { name: howMany }).waitFor();
          expect(await violations(page)).toEqual([]);
          await ask(page, byDepartment);
          await answered(page);
          await page.locator('.cm-content').waitFor();
          expect(await violations(page)).toEqual([]);
          await page.getByRole('tab', { name: /Tables/ }).click();
          await page.locator('.er-table').nth(5).waitFor();
          expect(await violations(page)).toEqual([]);
          await ask(page, unclear);
          await page.getByRole('tab', { name: /Result/ }).click();
          await page.getByRole('region', { name: 'Held back' }).waitFor();
          expect(await violations(page)).toEqual([]);
          await page.getByRole('tab', { name: /Candidates/ }).click();
          await page.getByRole('button', { name: 'Wrong' }).click();
          expect(await violations(page)).toEqual([]);
          for (const path of ['#/history', '#/schema', '#/training']) {
            await page.goto(`${server.url}/${path}`);
            await page.locator('.history li, .er-table, .curve canvas').first().waitFor();
            expect(await violations(page)).toEqual([]);
          }
        },
        // The checker is our own script, brought in past the policy that keeps others out.
        { colorScheme, bypassCSP: true, reducedMotion: 'reduce' },
      );
    });

    it('fits a phone: nothing is wider than the screen', async () => {
      await visit(
        async ({ page, server }) => {
          const overhang = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
          await ask(page, byDepartment);
          await answered(page);
          expect(await page.evaluate(overhang)).toBe(0);
          for (const name of ['Plan', 'Tables', 'Candidates']) {
            await page.getByRole('tab', { name: new RegExp(name) }).click();
            expect(await page.evaluate(overhang)).toBe(0);
          }
          for (const path of ['#/history', '#/schema', '#/training']) {
            await page.goto(`${server.url}/${path}`);
            await page.locator('.history li, .er-table, .curve canvas').first().waitFor();
            expect(await page.evaluate(overhang)).toBe(0);
          }
        },
        { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
      );
    });

    it(`loads less than ${firstLoadBytesMax / 1_000} KB gzipped at first, the editor among it`, async () => {
      let bytes = 0;
      const files: string[] = [];
      await visit(async ({ page, requests, server }) => {
        await page.getByRole('button', { name: howMany }).waitFor();
        await page.waitForLoadState('networkidle');
        for (const address of requests.filter((one) => /\/$|\.(?:js|css|svg)$/.test(one))) {
          const body = Buffer.from(await (await fetch(address)).arrayBuffer());
          bytes += gzipSync(body).length;
          files.push(address.slice(server.url.length));
        }
      });
      expect(files.some((file) => /diagram|elk|curve/.test(file))).toBe(false);
      expect(bytes).toBeGreaterThan(50_000);
      expect(bytes).toBeLessThan(firstLoadBytesMax);
    });
  },
);
