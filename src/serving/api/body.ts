/** Reads the body of a request within a number of bytes, and as JSON in UTF-8. It knows nothing of its content. */
import { QuerentError } from '../../foundation/errors.ts';
import { tooLarge } from '../http/answer.ts';
import { parseJson } from '../http/body.ts';
import type { ApiContext } from './guard.ts';

export async function readBytes(c: ApiContext, bytesMax: number): Promise<Buffer> {
  const announced = Number(c.req.header('content-length') ?? 0);
  if (announced > bytesMax) throw tooLarge(bytesMax);
  const encoding = c.req.header('content-encoding');
  if (encoding !== undefined && encoding !== 'identity') {
    throw new QuerentError('http/encoding', 'the body has a Content-Encoding', {
      next: 'Send it without one.',
    });
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of c.req.raw.body ?? []) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw tooLarge(bytesMax);
      chunks.push(chunk);
    }
  } catch (thrown) {
    if (thrown instanceof QuerentError) throw thrown;
    throw new QuerentError('http/gone', 'the body did not arrive', { next: 'Send the request again.' });
  }
  return Buffer.concat(chunks, bytes);
}

export const mediaType = (c: ApiContext): string =>
  (c.req.header('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase();

/** Other types are refused, so that forms of other pages cannot post here without being asked first. */
export async function readJson(c: ApiContext, bytesMax: number): Promise<unknown> {
  if (mediaType(c) !== 'application/json') throw wrongType('application/json');
  return parseJson(await readBytes(c, bytesMax));
}

export function wrongType(expected: string): QuerentError {
  return new QuerentError('http/content-type', `the Content-Type must be ${expected}`, {
    next: `Send the header Content-Type: ${expected}.`,
  });
}
