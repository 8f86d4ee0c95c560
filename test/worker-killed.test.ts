/** What a training run does when its worker is killed, comes back, or does not; and what a worker refuses. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningWorker } from '../src/cli/wiring/worker-process.ts';
import { createRemotePolicy, type RemotePolicyOptions } from '../src/engine/index.ts';
import { adam, everyLoss, randomData, tinyRaw } from '../src/engine/runtime/test-models.ts';
import type { Metrics, RunEvent } from '../src/foundation/events.ts';
import { createRandom } from '../src/foundation/random.ts';
import { latestCheckpoint } from '../src/training/checkpoint.ts';
import { trainGrpo } from '../src/training/grpo.ts';
import { examples, format, rewardOf } from './support/word-world.ts';
import {
  pythonForWorker,
  startLimitMs,
  startTestWorker,
  type TestFolder,
  tinyModelFolder,
} from './support/worker.ts';

const { python, reason } = pythonForWorker();
const title = (what: string) => `${what}${reason === '' ? '' : ` (skipped: ${reason})`}`;
const token = 'tml-for-this-test';
const data = randomData([9, 4, 12], 32, createRandom(2));

let folder: TestFolder;
beforeAll(async () => {
  if (python !== undefined) folder = await tinyModelFolder({ ...tinyRaw, vocab_size: 32 });
}, startLimitMs);
afterAll(async () => {
  await folder?.remove();
});

const config = {
  groupSize: 8,
  promptsPerStep: 4,
  maxNewTokens: 4,
  maxSteps: 6,
  klBeta: 0.05,
  learningRate: 0.01,
  checkpointEverySteps: 2,
  // A random model hardly ever ends its answers.
  overlong: 'punish',
} as const;

/** Dense: something to learn from the first step on. */
const reward = () => rewardOf(({ completion }) => (completion.sql.length % 7) / 7);

interface RunCall {
  readonly worker: { readonly url: string };
  readonly runDirectory: string;
  readonly existing?: 'resume';
  readonly policy?: Partial<RemotePolicyOptions>;
  readonly onStep?: (step: number) => void;
  readonly events?: RunEvent[];
}

async function run({ worker, runDirectory, existing, policy: more, onStep, events }: RunCall) {
  const curve: Metrics[] = [];
  const observe = (event: RunEvent) => {
    events?.push(event);
    if (event.type !== 'step-end') return;
    const { loss, gradientNorm, kl, rewardMean } = event.metrics;
    curve.push({ loss: loss!, gradientNorm: gradientNorm!, kl: kl!, rewardMean: rewardMean! });
    onStep?.(event.step);
  };
  const lora = { rank: 2, alpha: 4 };
  const policy = await createRemotePolicy({ url: worker.url, token, seed: 1, lora, observe, ...more });
  try {
    const result = await trainGrpo({
      policy,
      format,
      reward: reward(),
      examples,
      config,
      runDirectory,
      ...(existing === undefined ? {} : { existing }),
      observe,
    });
    return { result, curve };
  } finally {
    await policy.close();
  }
}

/** No farewell: as if the machine had lost its power. */
async function kill(worker: RunningWorker): Promise<void> {
  worker.process.kill('SIGKILL');
  await worker.ended;
}

describe.skipIf(python === undefined)(
  title('a worker that is killed in mid-run'),
  { timeout: 400_000 },
  () => {
    let expected: readonly Metrics[] = [];

    it('first, a run that nothing disturbs', async () => {
      const worker = await startTestWorker(python!, folder, { token });
      expected = (await run({ worker, runDirectory: folder.path('calm') })).curve;
      await worker.stop();
      expect(expected).toHaveLength(6);
      expect(expected.at(-1)!.gradientNorm!).toBeGreaterThan(0);
    });

    it.each([
      ['every step', 1],
      ['every second step', 2],
      ['never yet', 100],
    ])(
      'and comes back: the run waits and ends as if nothing had happened; snapshots: %s',
      async (_when, every) => {
        let worker = await startTestWorker(python!, folder, { token });
        const port = Number(new URL(worker.url).port);
        const events: RunEvent[] = [];
        let again: Promise<void> | undefined;
        const { curve } = await run({
          worker,
          runDirectory: folder.path(`killed-${every}`),
          policy: { snapshotEverySteps: every },
          events,
          onStep: (step) => {
            if (step !== 3) return;
            again = kill(worker).then(async () => {
              worker = await startTestWorker(python!, folder, { token, port });
            });
          },
        });
        await again;
        await worker.stop();
        expect(curve).toEqual(expected);
        const codes = events.flatMap((event) => (event.type === 'warning' ? [event.code] : []));
        expect(codes).toContain('remote/away');
        expect(codes).toContain('remote/recovering');
      },
    );

    it('and stays away: the run ends with a whole checkpoint, and goes on with another worker', async () => {
      const runDirectory = folder.path('ended');
      const first = await startTestWorker(python!, folder, { token });
      const ended = run({
        worker: first,
        runDirectory,
        policy: { patienceMs: 1500 },
        onStep: (step) => {
          if (step === 3) void kill(first);
        },
      });
      await expect(ended).rejects.toMatchObject({ code: 'remote/unreachable', isRetryable: true });
      expect(await latestCheckpoint(runDirectory)).toMatch(/step-00000002$/);
      // Another disk: nothing is left but the run's own files.
      const second = await startTestWorker(python!, folder, { token, checkpoints: 'elsewhere' });
      const { curve, result } = await run({ worker: second, runDirectory, existing: 'resume' });
      await second.stop();
      expect(result.steps).toBe(6);
      expect(curve).toEqual(expected.slice(2));
    });

    it('while the run is asked to stop: it ends at once', async () => {
      const worker = await startTestWorker(python!, folder, { token });
      const controller = new AbortController();
      const lora = { rank: 2 };
      const policy = await createRemotePolicy({
        url: worker.url,
        token,
        seed: 1,
        lora,
        signal: controller.signal,
        observe: (event) => {
          if (event.type === 'warning' && event.code === 'remote/away') controller.abort();
        },
      });
      await kill(worker);
      await expect(policy.logprobs(data)).rejects.toMatchObject({ code: 'remote/interrupted' });
      await policy.close();
    });
  },
);

describe.skipIf(python === undefined)(title('the worker refuses'), { timeout: 200_000 }, () => {
  let worker: RunningWorker;
  beforeAll(async () => {
    worker = await startTestWorker(python!, folder, { token });
  }, startLimitMs);
  afterAll(async () => {
    await worker?.stop();
  });
  const open = (change: Partial<RemotePolicyOptions> = {}) =>
    createRemotePolicy({ url: worker.url, token, seed: 1, lora: { rank: 2 }, ...change });
  const call = async (path: string, body: unknown) => {
    const response = await fetch(`${worker.url}/api/v1/${path}`, {
      method: 'POST',
      headers: { 'x-api-key': token },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it('a wrong token, another model, modules that it has not', async () => {
    await expect(open({ token: 'tml-wrong' })).rejects.toMatchObject({ code: 'remote/wrong-token' });
    await expect(open({ token: undefined })).rejects.toMatchObject({ code: 'remote/wrong-token' });
    await expect(open({ baseModel: 'Qwen/Qwen2.5-7B' })).rejects.toMatchObject({
      code: 'remote/other-model',
    });
    await expect(open({ lora: { rank: 2, targetModules: ['w1'] } })).rejects.toThrow(/target modules w1/);
  });

  it('to be reached from elsewhere without a token', async () => {
    const { startWorker } = await import('../src/cli/wiring/worker-process.ts');
    const { QUERENT_WORKER_TOKEN: _unset, ...env } = process.env;
    const started = startWorker({
      python: python!,
      args: ['--model', folder.model],
      host: '0.0.0.0',
      port: 0,
      env,
      workingDirectory: folder.directory,
      onLine: () => {},
    });
    await expect(started).rejects.toThrow(/there is no token/);
  });

  it('more than fits into memory, says what to reduce, and goes on', async () => {
    const policy = await open();
    const sampling = {
      prompts: [Int32Array.of(3)],
      samplesPerPrompt: 1e12,
      maxNewTokens: 8,
      temperature: 1,
      stopTokens: [],
      seed: 1,
    };
    const failed = policy.sample(sampling);
    await expect(failed).rejects.toMatchObject({
      code: 'remote/out-of-memory',
      next: expect.stringMatching(/--sample-rows.*groupSize.*nf4/) as string,
    });
    expect(await policy.sample({ ...sampling, samplesPerPrompt: 2 })).toHaveLength(1);
    await policy.close();
  });

  it('an adapter of another shape, and a folder without weights', async () => {
    const [small, large] = [await open(), await open({ lora: { rank: 4 } })];
    const saved = folder.path('rank-2');
    await small.save(saved);
    const before = await large.logprobs(data);
    await expect(large.load(saved)).rejects.toThrow(/shape \[2, 16\], expected \[4, 16\]/);
    expect(await large.logprobs(data)).toEqual(before);
    await expect(small.load(folder.path('nowhere'))).rejects.toMatchObject({ code: 'remote/no-weights' });
    await small.close();
    await large.close();
  });

  it('an unknown loss, a foreign setting, tokens outside of the vocabulary', async () => {
    const policy = await open();
    const session = await call('create_session', { tags: [], sdk_version: 'test' });
    const model = await call('create_model', {
      session_id: session.body.session_id,
      base_model: folder.model,
      lora_config: { rank: 2 },
    });
    const datum = {
      model_input: { chunks: [{ tokens: [3] }] },
      loss_fn_inputs: { target_tokens: { data: [4] } },
    };
    const attempt = (input: object) =>
      call('forward_backward', {
        model_id: model.body.model_id,
        forward_backward_input: { data: [datum], ...input },
      });
    expect((await attempt({ loss_fn: 'dro' })).body.code).toBe('worker/unknown-loss');
    expect((await attempt({ loss_fn: 'ppo', loss_fn_config: { beta: 1 } })).body.message).toMatch(
      /no setting 'beta'/,
    );
    expect((await attempt({ loss_fn: 'ppo' })).body.message).toMatch(/has no logprobs/);
    const outside = { ...datum, model_input: { chunks: [{ tokens: [32] }] } };
    expect((await attempt({ loss_fn: 'cross_entropy', data: [outside] })).body.message).toMatch(
      /vocabulary of 32/,
    );
    expect((await call('retrieve_future', { request_id: 'gone' })).status).toBe(404);
    await policy.close();
  });

  it('to do one request twice: the same number is the same future, with another body a conflict', async () => {
    const session = await call('create_session', { tags: [], sdk_version: 'test' });
    const create = { session_id: session.body.session_id, model_seq_id: 0, base_model: folder.model };
    const [first, second] = [await call('create_model', create), await call('create_model', create)];
    expect(second.body.model_id).toBe(first.body.model_id);
    const step = (rate: number) =>
      call('optim_step', { model_id: first.body.model_id, seq_id: 1, adam_params: { learning_rate: rate } });
    const [one, two] = [await step(0.1), await step(0.1)];
    expect(two.body.request_id).toBe(one.body.request_id);
    expect((await step(0.2)).status).toBe(409);
  });

  it('what only this process can do', async () => {
    const policy = await open();
    const constraint = { moduleUrl: 'file:///x', exportName: 'x', options: {} };
    const sampling = {
      prompts: [Int32Array.of(3)],
      samplesPerPrompt: 1,
      maxNewTokens: 2,
      temperature: 1,
      stopTokens: [],
      seed: 1,
    };
    await expect(policy.sample({ ...sampling, constraint })).rejects.toMatchObject({
      code: 'remote/unsupported',
    });
    await policy.close();
  });
});

describe('a server that is something else', () => {
  async function answering(body: unknown): Promise<{ url: string; close: () => void }> {
    const server = createServer((_request, response) => response.end(JSON.stringify(body)));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
  }
  const open = (url: string) => createRemotePolicy({ url, seed: 1, lora: { rank: 2 }, patienceMs: 600 });

  it.each([
    [
      'a worker of another version',
      { querent_worker: { protocol: 2, version: '9.0' } },
      'remote/other-version',
    ],
    ['a web page', 'hello', 'remote/other-api'],
    ['an API of another kind', { models: [] }, 'remote/other-api'],
  ])('is named: %s', async (_what, answer, code) => {
    const models = { supported_models: [{ model_name: 'm' }] };
    const server = await answering(
      typeof answer === 'string' ? answer : { ...('models' in answer ? {} : models), ...answer },
    );
    await expect(open(server.url)).rejects.toMatchObject({ code });
    server.close();
  });

  it('or nobody', async () => {
    const server = await answering({});
    server.close();
    await sleep(10);
    await expect(open(server.url)).rejects.toMatchObject({ code: 'remote/unreachable' });
    await expect(open('localhost:8788')).rejects.toMatchObject({ code: 'remote/bad-url' });
  });
});

describe.skipIf(python === undefined)(title('the loop'), { timeout: 200_000 }, () => {
  it('trains while another model on the same worker is trained', async () => {
    const worker = await startTestWorker(python!, folder, { token });
    const [one, two] = await Promise.all(
      [1, 2].map((seed) => createRemotePolicy({ url: worker.url, token, seed, lora: { rank: 2 } })),
    );
    const losses = await Promise.all(
      [one!, two!].map(async (policy) => {
        const first = await policy.forwardBackward(data, everyLoss['cross-entropy']!);
        await policy.optimStep(adam);
        return first.lossSum - (await policy.forwardBackward(data, everyLoss['cross-entropy']!)).lossSum;
      }),
    );
    expect(Math.min(...losses)).toBeGreaterThan(0);
    await Promise.all([one!.close(), two!.close()]);
    await worker.stop();
  });
});
