/** A statement in the person's own editor. Knows a file and a program; does not know SQL. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, QuerentError } from '../../foundation/errors.ts';

/** Undefined where the editor ended without success: nothing is to be done. */
export async function editText(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const editor = env.VISUAL || env.EDITOR || (process.platform === 'win32' ? 'notepad' : 'vi');
  const folder = await mkdtemp(join(tmpdir(), 'querent-edit-'));
  const path = join(folder, 'statement.sql');
  try {
    await writeFile(path, `${text}\n`, { mode: 0o600 });
    const exitCode = await runEditor(editor, path);
    return exitCode === 0 ? (await readFile(path, 'utf8')).trim() : undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The variable may hold options, such as `code --wait`: a shell takes it apart, as git does. */
function runEditor(editor: string, path: string): Promise<number | null> {
  const child =
    process.platform === 'win32'
      ? spawn(editor, [path], { stdio: 'inherit', shell: true })
      : spawn('sh', ['-c', `${editor} "$1"`, 'sh', path], { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('close', resolve).once('error', (thrown) => {
      reject(
        new QuerentError('cli/no-editor', `cannot start the editor ${editor}: ${messageOf(thrown)}`, {
          next: 'Set EDITOR to one that is there.',
          cause: thrown,
        }),
      );
    });
  });
}
