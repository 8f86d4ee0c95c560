/** `querent ask` in a real terminal: a pseudo-terminal of Python's, keys as they are typed, the screen as it is written. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { complete } from '../../src/cli/conversation/conversation.ts';
import { HISTORY_LINES_MAX, openHistory } from '../../src/cli/conversation/history-file.ts';
import { buildErpDatabase } from '../../src/data/erp/build.ts';
import { packageRoot } from '../../src/foundation/files.ts';
import { runQuerent } from './fake-io.ts';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'querent-talk-'));
  await buildErpDatabase({ path: join(folder, '.querent', 'erp.sqlite') });
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function hasPython(): boolean {
  try {
    execFileSync('python3', ['-c', 'import pty'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Copies keys in and the screen out; ends with the program's exit code. */
const relay = `
import os, pty, sys
status = pty.spawn(sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(status))
`;

const KEYS = { enter: '\r', up: '\u001b[A', interrupt: '\u0003', end: '\u0004', tab: '\t' } as const;
const escapes = /\u001b\[[\d;?]*[A-Za-z]/g;

interface Terminal {
  type(keys: string): void;
  /** Waits until the screen shows it after what was seen before, and returns what came up to it. */
  see(words: RegExp | string): Promise<string>;
  readonly exited: Promise<number | null>;
  readonly raw: () => string;
}

function open(args: readonly string[] = [], env: Record<string, string> = {}): Terminal {
  const main = join(packageRoot(), 'src', 'cli', 'main.ts');
  const command = [process.execPath, '--import', 'tsx', main, 'ask', '--project', folder, ...args];
  const child = spawn('python3', ['-c', relay, ...command], {
    cwd: packageRoot(),
    env: { ...process.env, TERM: 'xterm-256color', COLUMNS: '160', ...env },
  });
  children.push(child);
  let raw = '';
  let seen = 0;
  const onData = (chunk: Buffer): void => {
    raw += chunk.toString();
  };
  child.stdout.on('data', onData);
  child.stderr.on('data', onData);
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const plain = (): string => raw.replace(escapes, '');
  return {
    type: (keys) => child.stdin.write(keys),
    see: async (words) => {
      let isOver = false;
      void exited.then(() => {
        isOver = true;
      });
      for (;;) {
        const fresh = plain().slice(seen);
        const found = typeof words === 'string' ? fresh.indexOf(words) : fresh.search(words);
        if (found >= 0) {
          const length = typeof words === 'string' ? words.length : words.exec(fresh)![0].length;
          seen += found + length;
          return fresh.slice(0, found + length);
        }
        if (isOver) throw new Error(`ended without ${words}:\n${fresh}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    exited,
    raw: () => raw,
  };
}

const ready = (terminal: Terminal): Promise<string> => terminal.see('querent> ');
/** The end of a printed result, then the prompt. */
const answered = async (terminal: Terminal): Promise<string> => {
  const text = await terminal.see(/\d+ rows?, [\d.]+ ms/);
  await ready(terminal);
  return text;
};

describe.skipIf(!hasPython())(
  'a conversation in a terminal (needs python3 with pty)',
  { timeout: 240_000 },
  () => {
    it('answers questions and commands, remembers them, and leaves at Ctrl-D', async () => {
      const terminal = open();
      expect(await ready(terminal)).toContain('\\help lists more');

      terminal.type(`How many active projects are there?${KEYS.enter}`);
      const answer = await answered(terminal);
      expect(answer).toMatch(/SELECT COUNT\(\*\) FROM PAC_MNT_PROJECTS WHERE Status = 'Active';/);
      expect(answer).toMatch(/confidence \d/);
      expect(terminal.raw()).toContain('\u001b[1m');

      terminal.type(`\\explain${KEYS.enter}`);
      expect(await terminal.see('SCAN PAC_MNT_PROJECTS')).toContain('Shows the number of');
      await ready(terminal);

      terminal.type(`\\candidates${KEYS.enter}`);
      expect(await terminal.see(/1 row, probability .*/)).toContain('* SELECT COUNT(*)');
      await ready(terminal);

      terminal.type(`\\d${KEYS.enter}`);
      expect(await terminal.see('└')).toContain('SRM_CONTACTS');
      await ready(terminal);
      terminal.type(`\\d SRM_CONT${KEYS.tab}${KEYS.enter}`);
      const contacts = await terminal.see(/Last_Contact_Date.*/);
      expect(contacts).toMatch(/SRM_CONTACTS, [\d,]+ rows/);
      expect(contacts).toContain('-> SRM_COMPANIES.Company_ID');
      // What a rule keeps back is no example either.
      expect(contacts).not.toContain('@');
      await ready(terminal);

      terminal.type(`\\sql SELECT 40 + 2 AS answer;${KEYS.enter}`);
      expect(await answered(terminal)).toContain('42');
      terminal.type(`\\sql DROP TABLE SRM_CONTACTS${KEYS.enter}`);
      expect(await terminal.see(/refused: .*/)).toContain('not answered');
      await ready(terminal);
      terminal.type(`\\nonsense${KEYS.enter}`);
      await terminal.see('[cli/no-such-command]');
      await ready(terminal);

      // Arrow keys: three lines back.
      terminal.type(KEYS.up + KEYS.up + KEYS.up + KEYS.enter);
      expect(await answered(terminal)).toContain('42');

      terminal.type(KEYS.end);
      expect(await terminal.exited).toBe(0);
      const history = join(folder, '.querent', 'history');
      expect(readFileSync(history, 'utf8').split('\n')[0]).toBe('How many active projects are there?');
      expect(statSync(history).mode & 0o777).toBe(0o600);
    });

    it('withdraws what runs at Ctrl-C, empties the line at Ctrl-C, and goes on', async () => {
      const terminal = open();
      await ready(terminal);
      terminal.type(
        `\\sql WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n${KEYS.enter}`,
      );
      await terminal.see('execute …');
      terminal.type(KEYS.interrupt);
      await terminal.see('withdrawn');
      await ready(terminal);
      terminal.type('half a quest');
      await terminal.see('half a quest');
      terminal.type(KEYS.interrupt);
      await ready(terminal);
      terminal.type(`\\sql SELECT 6 * 7${KEYS.enter}`);
      expect(await answered(terminal)).toContain('42');
      terminal.type(`\\q${KEYS.enter}`);
      expect(await terminal.exited).toBe(0);
    });

    it('opens the last statement in the editor, runs what was saved, and has the history of the last time', async () => {
      const editor = join(folder, 'editor.sh');
      writeFileSync(editor, '#!/bin/sh\nsed -i "s/1/7/" "$1"\n');
      chmodSync(editor, 0o755);
      openHistory(join(folder, '.querent', 'history')).add('\\sql SELECT 1 AS kept');
      const terminal = open([], { EDITOR: `${editor} --wait`.replace(' --wait', ''), VISUAL: '' });
      await ready(terminal);
      terminal.type(KEYS.up + KEYS.enter);
      expect(await answered(terminal)).toContain('kept');
      terminal.type(`\\edit${KEYS.enter}`);
      expect(await answered(terminal)).toContain('SELECT 7 AS kept;');
      terminal.type(`\\sql SELECT 5 AS five${KEYS.enter}`);
      expect(await answered(terminal)).toContain('five');
      terminal.type(`\\q${KEYS.enter}`);
      expect(await terminal.exited).toBe(0);
    });

    it('writes no colours where they are not wanted', async () => {
      const terminal = open([], { NO_COLOR: '1' });
      await ready(terminal);
      terminal.type(`\\sql SELECT 42${KEYS.enter}`);
      await answered(terminal);
      terminal.type(KEYS.end);
      expect(await terminal.exited).toBe(0);
      expect(terminal.raw()).not.toMatch(/\u001b\[\d*(;\d+)*m/);
    });
  },
);

describe('the parts of a conversation', () => {
  it.each([
    ['\\ex', ['\\explain']],
    ['\\d srm_', ['SRM_A', 'SRM_B']],
    ['\\d ', ['SRM_A', 'SRM_B', 'OTHER']],
    ['how many', []],
  ])('Tab after %j', (line, expected) => {
    expect(complete(line, ['SRM_A', 'SRM_B', 'OTHER'])[0]).toEqual(expected);
  });

  it('the history keeps its last lines, each once in a row, and survives a folder that cannot be', () => {
    const path = join(folder, 'long', 'history');
    const history = openHistory(path);
    expect(existsSync(path)).toBe(false);
    for (let n = 0; n < HISTORY_LINES_MAX + 10; n++) history.add(`line ${n}`);
    history.add(`line ${HISTORY_LINES_MAX + 9}`);
    expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(HISTORY_LINES_MAX + 10);
    const again = openHistory(path);
    expect(again.lines).toHaveLength(HISTORY_LINES_MAX);
    expect(again.lines[0]).toBe(`line ${HISTORY_LINES_MAX + 9}`);
    const impossible = openHistory(join(path, 'below', 'a-file'));
    impossible.add('goes nowhere');
    expect(impossible.lines).toEqual([]);
  });
});

describe('querent ask without a terminal', { timeout: 240_000 }, () => {
  it('keeps the fields of its JSON, and prints no colours', async () => {
    const inFolder = { workingDirectory: folder };
    const question = ['ask', 'How many active projects are there?'];
    const run = await runQuerent([...question, '--json'], inFolder);
    expect(run.exitCode).toBe(0);
    expect(run.json()).toMatchObject({
      question: question[1],
      sql: "SELECT COUNT(*) FROM PAC_MNT_PROJECTS WHERE Status = 'Active'",
      outcome: 'rows',
      columns: ['COUNT(*)'],
      truncated: false,
      tables: ['PAC_MNT_PROJECTS'],
    });
    const notRun = await runQuerent([...question, '--explain', '--no-run'], inFolder);
    expect(notRun.exitCode).toBe(0);
    expect(notRun.stdout).toContain('Shows the number of');
    expect(notRun.stdout).not.toMatch(/\u001b|1 row/);
    const held = await runQuerent([...question, '--confidence', '1', '--json'], inFolder);
    expect(held.exitCode).toBe(1);
    expect(held.json()).toMatchObject({ outcome: 'held-back', abstained: true });
  });

  it('says what to do where there is no question', async () => {
    const run = await runQuerent(['ask'], { workingDirectory: folder });
    expect(run).toMatchObject({ exitCode: 2, stdout: '' });
    expect(run.stderr).toMatch(/\[usage\/ask\][\s\S]*querent batch/);
  });
});
