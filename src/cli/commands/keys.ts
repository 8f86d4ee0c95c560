/** `querent keys create|list|revoke`: who may ask a server. */
import type { Command } from 'commander';
import type { Store } from '../../serving/store/store.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { openWorkspace } from '../project.ts';
import { textTable } from '../table.ts';
import { openProjectStore } from '../wiring/serve.ts';
import { positiveInteger, withCommon } from './options.ts';

interface KeysOptions extends CommonOptions {
  readonly store?: string;
}

interface CreateOptions extends KeysOptions {
  readonly perMinute: number;
}

const STORE = ['--store <file>', 'the file of the server (default: .querent/serve.sqlite)'] as const;

export function addKeys(program: Command, run: RunCommand): void {
  const keys = program.command('keys').description('API keys of `querent serve`: make, list, revoke.');
  withCommon(
    keys
      .command('create')
      .description('Make a key; it is shown once, the server keeps only a hash of it.')
      .argument('<name>', 'whom or what it is for')
      .option('--per-minute <count>', 'requests a minute', positiveInteger, 120)
      .option(...STORE),
    [['querent keys create intranet --per-minute 600', 'a key for a page that many use']],
  ).action((name: string, options: CreateOptions) =>
    run(options, (context) => withStore(context, options, (store) => create(context, store, name, options))),
  );
  withCommon(
    keys
      .command('list')
      .description('Names, ids and when they were last used.')
      .option(...STORE),
    [['querent keys list --json', 'for a script']],
  ).action((options: KeysOptions) =>
    run(options, (context) => withStore(context, options, (store) => list(context, store))),
  );
  withCommon(
    keys
      .command('revoke')
      .description('From the next request on the key is refused, by every server on this file.')
      .argument('<id>', 'from `querent keys list`')
      .option(...STORE),
    [['querent keys revoke 0f3a9c1b2d4e', 'the id, not the key']],
  ).action((id: string, options: KeysOptions) =>
    run(options, (context) => withStore(context, options, (store) => revoke(context, store, id))),
  );
}

async function withStore(
  context: CommandContext,
  options: KeysOptions,
  work: (store: Store) => void,
): Promise<undefined> {
  const workspace = await openWorkspace(context.directory);
  const store = openProjectStore(workspace, options.store, context.io.workingDirectory);
  try {
    work(store);
  } finally {
    store.close();
  }
  return undefined;
}

function create(context: CommandContext, { keys }: Store, name: string, { perMinute }: CreateOptions): void {
  const { id, key } = keys.create(name, perMinute);
  context.print(
    `${key}\nIt is not shown again. next: send it as \`Authorization: Bearer ${key.slice(0, 15)}…\``,
  );
  if (context.json) context.printJson({ id, key, name, perMinute });
}

function list(context: CommandContext, { keys }: Store): void {
  const all = keys.list();
  const rows = all.map(({ id, name, requestsPerMinute, createdAt, lastUsedAt, revokedAt }) => [
    id,
    name,
    String(requestsPerMinute),
    createdAt,
    lastUsedAt ?? 'never',
    revokedAt === null ? 'in force' : `revoked ${revokedAt}`,
  ]);
  if (rows.length === 0) context.print('There are no keys. next: querent keys create NAME');
  else context.print(textTable(['id', 'name', 'a minute', 'made', 'last used', 'state'], rows));
  if (context.json) context.printJson(all);
}

function revoke(context: CommandContext, { keys }: Store, id: string): void {
  keys.revoke(id);
  context.print(`${id} is revoked`);
  if (context.json) context.printJson({ id, revoked: true });
}
