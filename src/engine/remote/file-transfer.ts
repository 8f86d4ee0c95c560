/** Saved weights between the worker's disk and this one, file by file and never whole in memory. */
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { QuerentError } from '../../foundation/errors.ts';
import type { Connection } from './connection.ts';

/** `tinker://MODEL/KIND/NAME` as a path under `querent/files/`. */
const filesPath = (weights: string): string => `querent/files/${weights.replace('tinker://', '')}`;

const transferable = /\.(safetensors|json)$/;
/** Only for going on exactly. */
const optimizerFiles = new Set(['optimizer.safetensors', 'training_state.json']);
/** Files of this side that the worker has no use for. */
const localFiles = new Set(['trainer-state.json', 'prompt-format.json', 'remote.json']);

interface Call {
  readonly request: ClientRequest;
  readonly answered: Promise<IncomingMessage>;
}

function open(
  connection: Connection,
  method: 'GET' | 'PUT',
  path: string,
  headers: Readonly<Record<string, string>>,
): Call {
  const url = new URL(`${connection.url}/api/v1/${path}`);
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = start(url, { method, headers: { ...connection.headers, ...headers } });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
  });
  answered.catch(() => {}); // awaited by the caller, perhaps after a pipeline that fails first
  return { request, answered };
}

function checkAnswer(answer: IncomingMessage, what: string, url: string): void {
  if (answer.statusCode === 200) return;
  answer.resume();
  throw new QuerentError('remote/transfer-failed', `${url}: ${what} gave status ${answer.statusCode}`, {
    next: 'Look at the worker’s log; the checkpoint before this one is whole.',
  });
}

export async function download(
  connection: Connection,
  weights: string,
  directory: string,
  withOptimizer: boolean,
): Promise<void> {
  const { files } = (await connection.get(filesPath(weights))) as {
    files: { name: string; bytes: number }[];
  };
  for (const { name } of files) {
    if (!withOptimizer && optimizerFiles.has(name)) continue;
    const { request, answered } = open(connection, 'GET', `${filesPath(weights)}/${name}`, {});
    request.end();
    const answer = await answered;
    checkAnswer(answer, name, connection.url);
    await pipeline(answer, createWriteStream(join(directory, name)));
  }
}

export async function upload(
  connection: Connection,
  directory: string,
  weights: string,
  withOptimizer: boolean,
): Promise<void> {
  for (const name of await readdir(directory)) {
    const isSent = transferable.test(name) && !localFiles.has(name);
    if (!isSent || (!withOptimizer && optimizerFiles.has(name))) continue;
    const path = join(directory, name);
    const { request, answered } = open(connection, 'PUT', `${filesPath(weights)}/${name}`, {
      'content-length': String((await stat(path)).size),
    });
    await pipeline(createReadStream(path), request);
    const answer = await answered;
    checkAnswer(answer, name, connection.url);
    answer.resume();
  }
}
