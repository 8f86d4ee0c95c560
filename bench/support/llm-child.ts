/**
 * A policy in a process of its own, so that its peak memory is its own: `startLlmChild` starts one and speaks with it. The same
 * file is what runs there.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { EngineOptions } from '../../src/engine/engine.ts';
import { createLocalPolicy } from '../../src/engine/index.ts';
import type { AdamParams, Datum, Policy, SampleRequest } from '../../src/engine/policy.ts';
import { messageOf, QuerentError } from '../../src/foundation/errors.ts';

export type LlmOrder =
  | { readonly verb: 'create'; readonly options: EngineOptions }
  | { readonly verb: 'step'; readonly batches: readonly (readonly Datum[])[]; readonly adam: AdamParams }
  | { readonly verb: 'sample'; readonly request: SampleRequest }
  | { readonly verb: 'peak' };

export interface LlmReply {
  readonly seconds: number;
  /** Processor time of all threads. */
  readonly cpuSeconds: number;
  /** Of `step`: the loss of each batch, before its update. */
  readonly losses: readonly number[];
  /** Of `sample`. */
  readonly tokens: number;
  readonly peakBytes: number;
  readonly residentBytes: number;
}

type Message = { readonly reply: LlmReply } | { readonly error: string };

async function obey(policy: Policy | undefined, order: LlmOrder) {
  const losses: number[] = [];
  let tokens = 0;
  if (order.verb === 'create') return { policy: await createLocalPolicy(order.options), losses, tokens };
  if (order.verb === 'step') {
    for (const batch of order.batches) {
      losses.push((await policy!.forwardBackward(batch, { name: 'cross_entropy' })).lossSum);
      await policy!.optimStep(order.adam);
    }
  } else if (order.verb === 'sample') {
    for (const sample of (await policy!.sample(order.request)).flat()) tokens += sample.tokens.length;
  }
  return { policy, losses, tokens };
}

/** Linux says what this process held at most; elsewhere `maxRSS` does, which a parent's size can cover. */
function peakBytes(): number {
  try {
    const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    if (found !== null) return Number(found[1]) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}

function serve(): void {
  let policy: Policy | undefined;
  process.on('message', async (order: LlmOrder) => {
    try {
      const start = performance.now();
      const before = process.cpuUsage();
      const done = await obey(policy, order);
      policy = done.policy;
      const { user, system } = process.cpuUsage(before);
      const reply: LlmReply = {
        seconds: (performance.now() - start) / 1000,
        cpuSeconds: (user + system) / 1e6,
        losses: done.losses,
        tokens: done.tokens,
        peakBytes: peakBytes(),
        residentBytes: process.memoryUsage.rss(),
      };
      process.send!({ reply } satisfies Message);
    } catch (thrown) {
      process.send!({ error: messageOf(thrown) } satisfies Message);
    }
  });
}

export interface LlmChild {
  call(order: LlmOrder): Promise<LlmReply>;
  stop(): void;
}

export function startLlmChild(): LlmChild {
  const path = fileURLToPath(import.meta.url);
  const child: ChildProcess = fork(path, ['serve'], {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
  });
  return {
    call: (order) =>
      new Promise((resolve, reject) => {
        const ended = (code: number | null, signal: string | null): void =>
          reject(
            new QuerentError('bench/child-lost', `the process ended (${signal ?? `exit code ${code}`})`),
          );
        child.once('exit', ended);
        child.once('message', (message: Message) => {
          child.off('exit', ended);
          if ('reply' in message) resolve(message.reply);
          else reject(new QuerentError('bench/child-failed', message.error));
        });
        child.send(order);
      }),
    stop: () => child.kill(),
  };
}

if (process.argv[2] === 'serve' && process.argv[1] === fileURLToPath(import.meta.url)) serve();
