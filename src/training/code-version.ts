/** Which code made a checkpoint: the package's version and, in a clone, the commit. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../foundation/files.ts';

async function commitOf(root: string): Promise<string | undefined> {
  try {
    const head = (await readFile(join(root, '.git', 'HEAD'), 'utf8')).trim();
    if (!head.startsWith('ref: ')) return head;
    return (await readFile(join(root, '.git', head.slice(5)), 'utf8')).trim();
  } catch {
    return undefined; // installed from a package, or the reference is packed
  }
}

/** For example `0.1.0+1c1da4f`. */
export async function codeVersion(): Promise<string> {
  const root = packageRoot();
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const commit = await commitOf(root);
  return commit === undefined ? manifest.version : `${manifest.version}+${commit.slice(0, 7)}`;
}
