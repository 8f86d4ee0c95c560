/** `querent rewards serve`: rewards over HTTP for trainers that run elsewhere. */
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { createRewardService } from '../../serving/rewards/service.ts';
import { serviceConfigSchema } from '../../serving/rewards/service-config.ts';
import { codeVersion } from '../../training/code-version.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { exitCodes } from '../report-error.ts';
import { loadSettings } from '../settings.ts';
import { createJsonLog } from '../terminal/json-log.ts';
import { collect, portNumber } from './options.ts';

interface ServeOptions extends CommonOptions {
  readonly config: string;
  readonly port: number;
  readonly host: string;
  readonly set: readonly string[];
}

export function addRewards(program: Command, run: RunCommand): void {
  const rewards = program.command('rewards').description('Rewards for trainers that run elsewhere.');
  rewards
    .command('serve')
    .description('Answer with rewards over HTTP, to TRL, verl, OpenRLHF, slime, NeMo Gym or anyone.')
    .requiredOption('--config <file>', 'databases, reward and limits, see docs/reward-service.md')
    .option('--port <number>', 'port to listen on; 0 takes a free one', portNumber, 8787)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--set <key=value>', 'override one value of the file (repeatable)', collect, [])
    .option('--quiet', 'no line for each request')
    .addHelpText(
      'after',
      `
Examples:
  $ querent rewards serve --config examples/reward-service.yaml
  $ querent rewards serve --config rewards.yaml --host 0.0.0.0 --port 9000 --set reward.preset=strict`,
    )
    .action((options: ServeOptions) =>
      // Standard error is the log here, one JSON object a line: no words of progress between them.
      run({ ...options, quiet: true }, (context) => serve(context, options)),
    );
}

async function serve({ io, signal }: CommandContext, options: ServeOptions): Promise<number> {
  const path = resolve(io.workingDirectory, options.config);
  const config = await loadSettings(serviceConfigSchema, { configPath: path, overrides: options.set });
  const log = createJsonLog(io.stderr);
  const service = await createRewardService({
    config,
    directory: dirname(path),
    version: await codeVersion(),
    log: (event) => {
      if (options.quiet !== true || event.event !== 'request') log.write(event);
    },
  });
  try {
    const port = await service.start(options.host, options.port);
    const host = options.host.includes(':') ? `[${options.host}]` : options.host;
    io.stdout.write(`listening on http://${host}:${port}\n`);
    log.write({ event: 'listening', host: options.host, port, databases: service.databaseNames.length });
    if (!signal.aborted) await new Promise((done) => signal.addEventListener('abort', done, { once: true }));
    log.write({ event: 'stopping' });
  } finally {
    const { finished } = await service.stop();
    log.write({ event: 'stopped', finished });
    log.close();
  }
  return exitCodes.ok;
}
