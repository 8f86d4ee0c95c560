/** The commands as a user types them: help, wrong arguments, projects, doctor. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { addCommands } from '../../src/cli/commands/all.ts';
import { sharedSqlite } from '../../src/database/wasm.ts';
import { runQuerent } from './fake-io.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
/** Not below `folder`, whose querent.json would be found. */
const fresh = mkdtempSync(join(tmpdir(), 'querent-fresh-'));
afterAll(() => rmSync(fresh, { recursive: true, force: true }));
const inFolder = { workingDirectory: folder };

async function writeDatabase(name: string, ddl: string): Promise<string> {
  const sqlite = await sharedSqlite();
  const database = new sqlite.oo1.DB(':memory:');
  database.exec(ddl);
  writeFileSync(join(folder, name), sqlite.capi.sqlite3_js_db_export(database));
  database.close();
  return name;
}

function commandPaths(): string[][] {
  const program = new Command('querent');
  addCommands(program, async () => {});
  const walk = (command: Command, path: string[]): string[][] =>
    command.commands.length === 0
      ? [path]
      : command.commands.flatMap((child) => walk(child, [...path, child.name()]));
  return walk(program, []);
}

describe('help', () => {
  it.each(commandPaths().map((path) => [path.join(' '), path] as const))(
    '%s --help shows examples',
    async (name, path) => {
      const { exitCode, stdout } = await runQuerent([...path, '--help'], inFolder);
      expect(exitCode).toBe(0);
      expect(stdout).toContain(`Usage: querent ${name}`);
      expect(stdout).toMatch(new RegExp(`Examples:\n {2}\\$ querent ${name}`));
    },
  );

  it('lists every command and prints the version', async () => {
    const help = await runQuerent(['--help'], inFolder);
    for (const path of commandPaths()) expect(help.stdout).toContain(path[0]);
    const version = await runQuerent(['--version'], inFolder);
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe('wrong arguments', () => {
  it.each([
    [['nonsense'], /unknown command 'nonsense'/],
    [['init'], /missing required argument 'database'/],
    [['init', 'x.sqlite', '--seed', 'many'], /--seed.*whole number/s],
    [['doctor', '--what'], /unknown option '--what'/],
  ])('querent %j is refused with what to do', async (args, message) => {
    const { exitCode, stdout, stderr } = await runQuerent(args, inFolder);
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr).toContain('next: run `querent');
  });
});

describe('querent init', () => {
  it('makes a project of a SQLite file', async () => {
    const name = await writeDatabase(
      'shop.sqlite',
      'CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO item (name) VALUES (1), (2);',
    );
    const run = await runQuerent(['init', name, '--json', '--seed', '9'], inFolder);
    expect(run.exitCode).toBe(0);
    expect(run.stdout.trim().split('\n')).toHaveLength(1);
    expect(run.json()).toMatchObject({ databaseId: 'shop', tables: [{ name: 'item', rows: 2, columns: 2 }] });
    const project = JSON.parse(readFileSync(join(folder, 'querent.json'), 'utf8')) as Record<string, unknown>;
    expect(project).toMatchObject({ database: 'shop.sqlite', databaseId: 'shop', seed: 9 });

    const again = await runQuerent(['init', name], inFolder);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toMatch(/\[cli\/project-exists\][\s\S]*next: Add --force/);
    expect((await runQuerent(['init', name, '--force'], inFolder)).exitCode).toBe(0);
  });

  it('refuses what is not a database, is empty, or is not there', async () => {
    writeFileSync(
      join(folder, 'notes.txt'),
      'these are only notes, long enough to hold a header of one hundred bytes '.repeat(3),
    );
    const empty = await writeDatabase('empty.sqlite', 'PRAGMA user_version = 1');
    const cases = [
      ['notes.txt', /\[database\/not-sqlite\]/],
      [empty, /\[schema\/empty\]/],
      ['none.sqlite', /\[database\/not-found\]/],
    ] as const;
    for (const [name, message] of cases) {
      const run = await runQuerent(['init', name, '--project', 'bad'], inFolder);
      expect(run.exitCode).toBe(1);
      expect(run.stderr).toMatch(message);
      expect(run.stderr).toContain('next:');
      expect(run.stderr).not.toContain('    at ');
      expect(existsSync(join(folder, 'bad', 'querent.json'))).toBe(false);
    }
  });

  it('refuses a project file with an unknown key', async () => {
    const project = join(folder, 'typo');
    await runQuerent(
      ['init', await writeDatabase('a.sqlite', 'CREATE TABLE t (x)'), '--project', 'typo'],
      inFolder,
    );
    const path = join(project, 'querent.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"seed"', '"sede"'));
    const run = await runQuerent(['doctor', '--project', 'typo'], inFolder);
    expect(run.stderr).toMatch(/\[config\/unknown-key\].*"sede"/);
  });
});

describe('querent doctor', () => {
  it('prints one JSON line and fails only for what is needed', async () => {
    const run = await runQuerent(['doctor', '--json', '--project', 'fresh'], { workingDirectory: fresh });
    const { ok, checks } = run.json<{
      ok: boolean;
      checks: { name: string; status: string; next?: string }[];
    }>();
    expect(run.stdout.trim().split('\n')).toHaveLength(1);
    expect(checks.map((check) => check.name)).toEqual(
      expect.arrayContaining(['node', 'engine', 'sqlite', 'model', 'database', 'python']),
    );
    for (const check of checks) if (check.status !== 'ok') expect(check.next).toBeTruthy();
    expect(run.exitCode).toBe(ok ? 0 : 1);
  });

  it('says that the database of a project is gone', async () => {
    const name = await writeDatabase('gone.sqlite', 'CREATE TABLE t (x)');
    await runQuerent(['init', name, '--project', 'gone'], inFolder);
    rmSync(join(folder, name));
    const run = await runQuerent(['doctor', '--project', 'gone'], inFolder);
    expect(run.exitCode).toBe(1);
    expect(run.stdout).toMatch(/✗ .*no such file/);
  });
});
