/**
 * The built web page, read once: what is asked for is looked up among the files that are there, so no path of a client reaches
 * the file system. Where it was not built, a page says how to.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ApiContext } from './guard.ts';

interface StaticFile {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly zipped: Uint8Array<ArrayBuffer> | undefined;
  readonly type: string;
  readonly etag: string;
  /** Its name changes with its content. */
  readonly isImmutable: boolean;
}

export interface StaticFiles {
  has(path: string): boolean;
  answer(c: ApiContext): Response | undefined;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
};

const COMPRESSIBLE = /^text\/|json|svg/;
const COMPRESS_FROM_BYTES = 1_000;

const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Querent</title>
<h1>Querent</h1>
<p>The HTTP API is running; its <a href="/docs">documentation</a> shows every route.</p>
<p>The web page has not been built yet: run <code>npm run build:web</code> in the project's folder, then start
<code>querent serve</code> again.</p></html>`;

function fileOf(name: string, content: Uint8Array): StaticFile {
  const type = TYPES[extname(name)] ?? 'application/octet-stream';
  const isZipped = COMPRESSIBLE.test(type) && content.length >= COMPRESS_FROM_BYTES;
  return {
    body: new Uint8Array(content),
    zipped: isZipped ? new Uint8Array(gzipSync(content, { level: 9 })) : undefined,
    type,
    etag: `"${createHash('sha256').update(content).digest('base64url').slice(0, 27)}"`,
    isImmutable: name.startsWith('assets/'),
  };
}

function filesIn(directory: string): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  let entries: string[] = [];
  try {
    entries = readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.map'))
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(directory.length + 1)
          .replaceAll('\\', '/'),
      );
  } catch {
    // Not built.
  }
  for (const name of entries) files.set(`/${name}`, fileOf(name, readFileSync(join(directory, name))));
  const index = files.get('/index.html') ?? fileOf('index.html', Buffer.from(notBuilt));
  return files.set('/', index);
}

export function openStaticFiles(directory: string): StaticFiles {
  const files = filesIn(directory);
  return {
    has: (path) => files.has(path),
    answer: (c) => {
      const file = files.get(c.req.path);
      if (file === undefined || (c.req.method !== 'GET' && c.req.method !== 'HEAD')) return undefined;
      const headers = new Headers({
        etag: file.etag,
        'cache-control': file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
        vary: 'accept-encoding',
      });
      if (c.req.header('if-none-match') === file.etag) return new Response(null, { status: 304, headers });
      headers.set('content-type', file.type);
      const takesZip = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '');
      if (!takesZip || file.zipped === undefined) return new Response(file.body, { headers });
      headers.set('content-encoding', 'gzip');
      return new Response(file.zipped, { headers });
    },
  };
}
