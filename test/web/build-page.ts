/** The built page for tests: built where it is missing or older than its sources. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const web = fileURLToPath(new URL('../../web', import.meta.url));

function newestOf(folder: string): number {
  return Math.max(
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
}

export async function buildPage(): Promise<void> {
  const page = join(web, 'dist', 'index.html');
  const sources = Math.max(
    ...['src', 'public'].map((folder) => newestOf(join(web, folder))),
    ...['index.html', 'vite.config.ts'].map((file) => statSync(join(web, file)).mtimeMs),
  );
  if (existsSync(page) && statSync(page).mtimeMs > sources) return;
  await build({ configFile: join(web, 'vite.config.ts'), logLevel: 'error' });
}
