/** `querent mcp`: the project's database and model for assistants, over the Model Context Protocol. */
import type { Readable, Writable } from 'node:stream';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Command } from 'commander';
import type { BaseFormat } from '../../engine/model/base-tensor.ts';
import { messageOf } from '../../foundation/errors.ts';
import { defaultMcpLimits } from '../../serving/mcp/contract.ts';
import { type McpHttpOptions, startMcpHttp } from '../../serving/mcp/http-service.ts';
import { createMcpFactory } from '../../serving/mcp/mcp-server.ts';
import { codeVersion } from '../../training/code-version.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { exitCodes } from '../report-error.ts';
import { openWorkbench } from '../wiring/workbench.ts';
import { baseWeightsOption, portNumber, positiveInteger } from './options.ts';

interface McpCommandOptions extends CommonOptions {
  readonly http?: boolean;
  readonly host: string;
  readonly port: number;
  readonly model?: string;
  readonly rules?: string;
  readonly baseWeights: BaseFormat;
  readonly maxRows: number;
  readonly timeout: number;
}

export function addMcp(program: Command, run: RunCommand): void {
  program
    .command('mcp')
    .description('Let assistants ask the database: an MCP server on standard input and output, or over HTTP.')
    .option('--http', 'streamable HTTP at /mcp instead of standard input and output')
    .option(
      '--host <address>',
      'address to listen on; others than loopback need QUERENT_MCP_KEY',
      '127.0.0.1',
    )
    .option('--port <number>', 'port to listen on; 0 takes a free one', portNumber, 8001)
    .option(
      '--model <directory>',
      "a model, a finished run or a GGUF file (default: the project's newest, or the shipped one)",
    )
    .option('--rules <file>', 'business rules as YAML (default: rules.yaml of the project)')
    .addOption(baseWeightsOption())
    .option(
      '--max-rows <count>',
      'rows that an assistant may ask for at most',
      positiveInteger,
      defaultMcpLimits.rowsMax,
    )
    .option(
      '--timeout <seconds>',
      'of one statement at most',
      positiveInteger,
      defaultMcpLimits.timeoutMs / 1_000,
    )
    .option('--project <directory>', 'folder of querent.json; without one, the ERP demonstration is used')
    .option('--quiet', 'nothing on standard error but what goes wrong')
    .addHelpText(
      'after',
      `
Examples:
  $ querent mcp --project shop                         what an assistant starts, see docs/mcp.md
  $ querent mcp --http --port 8001                     for assistants that connect over HTTP
  $ QUERENT_MCP_KEY=… querent mcp --http --host 0.0.0.0   for others, with a key`,
    )
    .action((options: McpCommandOptions) => run(options, (context) => serve(context, options)));
}

async function serve(context: CommandContext, options: McpCommandOptions): Promise<number> {
  const { io, signal, directory, observe } = context;
  const note = (text: string): void => {
    if (options.quiet !== true) io.stderr.write(`${text}\n`);
  };
  const onFailure = (error: unknown): void => {
    io.stderr.write(`error [mcp/internal] ${error instanceof Error ? error.stack : messageOf(error)}\n`);
  };
  const { model, rules, baseWeights, maxRows, timeout } = options;
  const backend = await openWorkbench({
    directory,
    workingDirectory: io.workingDirectory,
    observe,
    model,
    rules,
    baseWeights,
  });
  context.endProgress();
  try {
    const limits = { ...defaultMcpLimits, rowsMax: maxRows, timeoutMs: timeout * 1_000 };
    const factory = createMcpFactory({ backend, version: await codeVersion(), limits, onFailure });
    if (options.http === true) {
      const { host, port } = options;
      await serveHttp(context, { factory, host, port, key: io.env.QUERENT_MCP_KEY || undefined, onFailure });
    } else {
      if (io.stdin === undefined) return exitCodes.failed;
      if (io.stdin.isTTY)
        note('speaking MCP on standard input and output; assistants start this, see docs/mcp.md');
      await untilClosed({ factory, stdin: io.stdin, stdout: io.stdout as Writable, signal, onFailure });
    }
  } finally {
    await backend.close();
  }
  return exitCodes.ok;
}

async function serveHttp({ io, signal }: CommandContext, options: McpHttpOptions): Promise<void> {
  const service = await startMcpHttp(options);
  io.stdout.write(`listening on ${service.url}\n`);
  await aborted(signal);
  await service.close();
}

/** Until the assistant closes its end, or the process is told to stop. Nothing but the protocol is written to `stdout`. */
async function untilClosed(parts: {
  readonly factory: McpHttpOptions['factory'];
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly signal: AbortSignal;
  readonly onFailure: (error: unknown) => void;
}): Promise<void> {
  const { factory, stdin, stdout, signal, onFailure } = parts;
  const ended = new Promise<void>((resolve) => {
    stdin
      .once('end', resolve)
      .once('close', resolve)
      .once('error', () => resolve());
  });
  const connection = serveStdio(factory, {
    transport: new StdioServerTransport(stdin, stdout),
    onerror: onFailure,
  });
  await Promise.race([ended, aborted(signal)]);
  await connection.close();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
