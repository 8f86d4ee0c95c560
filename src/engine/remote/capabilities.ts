/** What the server at the other end is: Querent's worker with its extensions, or any other server of the Tinker API. */
import { z } from 'zod';
import { QuerentError } from '../../foundation/errors.ts';
import type { Connection } from './connection.ts';

/** The extensions that this client speaks; the worker's is `PROTOCOL` in python/querent_worker. */
const PROTOCOL = 1;

const workerSchema = z.object({
  protocol: z.int(),
  version: z.string(),
  instance: z.string(),
  vocab_size: z.int(),
  parameter_count: z.int(),
  losses: z.array(z.string()),
  device: z.string(),
});

const capabilitiesSchema = z.object({
  supported_models: z.array(
    z.object({
      model_name: z.string().nullish(),
      max_context_length: z.int().nullish(),
      trainable: z.boolean().nullish(),
    }),
  ),
  querent_worker: z.object({ protocol: z.int(), version: z.string() }).loose().optional(),
});

export interface ServerModel {
  readonly name: string;
  readonly maxLength: number | undefined;
}

export interface Capabilities {
  readonly model: ServerModel;
  /** Undefined: a server that knows nothing beyond the public API. */
  readonly worker: Readonly<z.output<typeof workerSchema>> | undefined;
}

export async function readCapabilities(
  connection: Connection,
  baseModel: string | undefined,
): Promise<Capabilities> {
  const parsed = capabilitiesSchema.safeParse(await connection.get('get_server_capabilities'));
  if (!parsed.success) {
    throw new QuerentError('remote/other-api', `${connection.url} does not say which models it has`, {
      next: 'Check the address: it must be a server of the Tinker API.',
      cause: parsed.error,
    });
  }
  const { supported_models: models, querent_worker: worker } = parsed.data;
  return {
    model: chooseModel(
      models.flatMap(({ model_name: name, max_context_length: length, trainable }) =>
        name == null || trainable === false ? [] : [{ name, maxLength: length ?? undefined }],
      ),
      baseModel,
      connection.url,
    ),
    worker: worker === undefined ? undefined : checkWorker(worker, connection.url),
  };
}

function chooseModel(
  models: readonly ServerModel[],
  baseModel: string | undefined,
  url: string,
): ServerModel {
  const found =
    baseModel === undefined && models.length === 1
      ? models[0]
      : models.find(({ name }) => name === baseModel);
  if (found !== undefined) return found;
  const shown = models.slice(0, 12).map(({ name }) => name);
  const wanted = baseModel === undefined ? 'no base model was named' : `${baseModel} is not among its models`;
  throw new QuerentError('remote/other-model', `${url}: ${wanted} (${shown.join(', ')})`, {
    next: 'Name one of them as model.remote.baseModel, or start a worker with --model.',
    details: { models: shown },
  });
}

function checkWorker(
  raw: { readonly protocol: number; readonly version: string },
  url: string,
): z.output<typeof workerSchema> {
  if (raw.protocol === PROTOCOL) return workerSchema.parse(raw);
  const older = raw.protocol < PROTOCOL ? 'worker' : 'client';
  throw new QuerentError(
    'remote/other-version',
    `the worker at ${url} (${raw.version}) speaks protocol ${raw.protocol}, this client ${PROTOCOL}`,
    { next: `Update the ${older}: both come from the same checkout (pip install './python[worker]').` },
  );
}
