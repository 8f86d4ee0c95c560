/**
 * One model on a server, and how to get it back. Calls that change it carry a number, so that the server knows one that was
 * sent twice. Where the server has lost the model (it was killed and started again), it is made anew: the last snapshot on the
 * server's disk is loaded and what was called since is called again, which ends in the same weights.
 * It knows the model's life; it does not know what the calls mean.
 */
import { QuerentError } from '../../foundation/errors.ts';
import type { Observe } from '../../foundation/events.ts';
import { type Capabilities, readCapabilities } from './capabilities.ts';
import type { Connection, Json } from './connection.ts';
import { isLost } from './remote-errors.ts';

export interface RemoteModelOptions {
  readonly connection: Connection;
  readonly capabilities: Capabilities;
  readonly lora: Json;
  /** Optimizer steps between snapshots; 0 = none, and a lost model ends the run. */
  readonly snapshotEverySteps: number;
  readonly observe: Observe;
}

/** A call that changed the model. */
interface Change {
  readonly path: string;
  readonly body: Json;
}

const heartbeatMs = 10_000;
const recoveriesMax = 5;
const clientVersion = '0.1.0';

export class RemoteModel {
  readonly #options: RemoteModelOptions;
  #sessionId = '';
  #modelId = '';
  #sequence = 0;
  #heartbeat: NodeJS.Timeout | undefined;
  #trainableCount: number | undefined;
  /** Where everything up to `#changes` is saved; undefined: the fresh model. */
  #snapshot: string | undefined;
  #reference: string | undefined;
  #changes: Change[] = [];
  #stepsSinceSnapshot = 0;
  #snapshotCount = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(options: RemoteModelOptions) {
    this.#options = options;
  }

  static async create(options: RemoteModelOptions): Promise<RemoteModel> {
    const model = new RemoteModel(options);
    await model.#begin();
    return model;
  }

  get id(): string {
    return this.#modelId;
  }

  get trainableCount(): number | undefined {
    return this.#trainableCount;
  }

  /** Calls run in the order they came, and again where the model was lost under them. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => this.#surviving(work));
    this.#last = result.catch(() => {});
    return result;
  }

  /** A call that changes nothing. */
  ask(path: string, body: Json): Promise<Json> {
    return this.#options.connection.future(path, { ...body, model_id: this.#modelId });
  }

  /** A call that changes the model; kept until the next snapshot. */
  async change(path: string, body: Json): Promise<Json> {
    const answer = await this.#numbered(path, body);
    if (this.#options.snapshotEverySteps > 0) this.#changes.push({ path, body });
    if (path === 'optim_step') this.#stepsSinceSnapshot += 1;
    return answer;
  }

  async save(name: string): Promise<string> {
    const { path } = await this.#numbered('save_weights', { path: name });
    if (typeof path === 'string') return path;
    throw new QuerentError('remote/other-api', 'save_weights gave no path', {
      next: 'Look at the server’s log.',
    });
  }

  async load(path: string, withOptimizer: boolean): Promise<void> {
    await this.#numbered('load_weights', { path, optimizer: withOptimizer });
    if (this.#options.snapshotEverySteps === 0) return;
    // Without the optimizer the moments go on, and they are made by what came before.
    if (withOptimizer) await this.#remember(path);
    else this.#changes.push({ path: 'load_weights', body: { path, optimizer: false } });
  }

  async freezeReference(): Promise<void> {
    if (this.#options.snapshotEverySteps > 0) this.#reference = await this.save('reference');
    await this.#numbered('querent/freeze_reference', {});
    if (this.#reference !== undefined) await this.#remember(this.#reference);
  }

  /** After an optimizer step: from a snapshot on, nothing before it need be remembered. */
  async snapshotIfDue(): Promise<void> {
    const { snapshotEverySteps } = this.#options;
    if (snapshotEverySteps === 0 || this.#stepsSinceSnapshot < snapshotEverySteps) return;
    this.#snapshotCount += 1;
    // A name of its own, so that a kill while saving leaves the one before.
    await this.#remember(await this.save(`snapshot-${this.#snapshotCount}`));
  }

  async #remember(snapshot: string): Promise<void> {
    const previous = this.#snapshot;
    this.#snapshot = snapshot;
    this.#changes = [];
    this.#stepsSinceSnapshot = 0;
    if (previous !== undefined && previous !== this.#reference) await this.forget(previous);
  }

  /** Deletes saved weights on the server. */
  async forget(path: string): Promise<void> {
    await this.#options.connection.once('querent/delete_weights', { path }, 10_000);
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#last;
    for (const path of new Set([this.#snapshot, this.#reference])) {
      if (path !== undefined) await this.forget(path);
    }
    await this.#options.connection.once('unload_model', { model_id: this.#modelId }, 5_000);
  }

  async #surviving<T>(work: () => Promise<T>): Promise<T> {
    for (let recoveries = 0; ; recoveries++) {
      try {
        if (recoveries > 0) await this.#recover();
        return await work();
      } catch (thrown) {
        if (!isLost(thrown)) throw thrown;
        if (this.#options.snapshotEverySteps === 0 || recoveries >= recoveriesMax) throw stateLost(thrown);
      }
    }
  }

  async #begin(): Promise<void> {
    const { connection, capabilities, lora } = this.#options;
    const session = await connection.post('create_session', {
      type: 'create_session',
      tags: [],
      user_metadata: null,
      sdk_version: `querent ${clientVersion}`,
    });
    this.#sessionId = String(session.session_id);
    const pending = await connection.post('create_model', {
      type: 'create_model',
      session_id: this.#sessionId,
      model_seq_id: 0,
      base_model: capabilities.model.name,
      lora_config: lora,
    });
    const created = await connection.result(String(pending.request_id));
    this.#modelId = String(created.model_id ?? pending.model_id);
    const { trainable_count: count } = created;
    this.#trainableCount = typeof count === 'number' ? count : undefined;
    this.#sequence = 0;
    clearInterval(this.#heartbeat);
    this.#heartbeat = setInterval(() => {
      void connection.once('session_heartbeat', { session_id: this.#sessionId }, heartbeatMs);
    }, heartbeatMs);
    this.#heartbeat.unref();
  }

  #numbered(path: string, body: Json): Promise<Json> {
    this.#sequence += 1;
    return this.#options.connection.future(path, {
      ...body,
      model_id: this.#modelId,
      seq_id: this.#sequence,
    });
  }

  async #recover(): Promise<void> {
    const { connection, capabilities, observe } = this.#options;
    observe({
      type: 'warning',
      code: 'remote/recovering',
      message: `${connection.url} no longer has the model: making it again from ${this.#snapshot ?? 'its beginning'} and ${this.#changes.length} calls since`,
    });
    // It may be another worker by now.
    await readCapabilities(connection, capabilities.model.name);
    try {
      await this.#begin();
      if (this.#reference !== undefined) {
        await this.#numbered('load_weights', { path: this.#reference, optimizer: false });
        await this.#numbered('querent/freeze_reference', {});
      }
      if (this.#snapshot !== undefined) {
        await this.#numbered('load_weights', { path: this.#snapshot, optimizer: true });
      }
      for (const { path, body } of this.#changes) await this.#numbered(path, body);
    } catch (thrown) {
      if (thrown instanceof QuerentError && thrown.code === 'remote/refused') throw stateLost(thrown);
      throw thrown;
    }
    observe({ type: 'note', message: `${connection.url} has the model again, as it was` });
  }
}

function stateLost(cause: unknown): QuerentError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new QuerentError('remote/state-lost', `the server has lost the model: ${why}`, {
    next: 'Resume the run from its last checkpoint with --resume.',
    cause,
  });
}
