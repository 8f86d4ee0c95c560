/**
 * Which base an adapter belongs to. Shapes tell sizes apart, not models: our adapters carry a fingerprint of their base's
 * weights, and PEFT's the name of a model on the hub, which the path of a downloaded copy shows too.
 */
import { createHash } from 'node:crypto';
import { QuerentError } from '../../foundation/errors.ts';
import { firstValues, type HalfTensor } from '../model/base-tensor.ts';
import type { WeightTensor } from '../model/weights.ts';

/** Values of each tensor that count: training changes all of them. */
const valuesPerTensor = 64;

export function fingerprintOf(weights: ReadonlyMap<string, WeightTensor>): string {
  const fingerprint = new Fingerprint();
  for (const [name, tensor] of weights) fingerprint.add(name, tensor);
  return fingerprint.toString();
}

/** The same of weights that come one after the other, in any order, and are not kept. */
export class Fingerprint {
  readonly #heads = new Map<string, { readonly line: string; readonly values: Float32Array }>();

  add(name: string, tensor: WeightTensor | HalfTensor): void {
    this.#heads.set(name, {
      line: `${name} ${tensor.shape.join('x')}\n`,
      values: firstValues(tensor, valuesPerTensor),
    });
  }

  toString(): string {
    const hash = createHash('sha256');
    for (const name of [...this.#heads.keys()].sort()) {
      const { line, values } = this.#heads.get(name)!;
      hash.update(line);
      hash.update(new Uint8Array(values.buffer));
    }
    return hash.digest('hex');
  }
}

export interface BaseModel {
  readonly directory: string | undefined;
  readonly fingerprint: string;
}

/** What an adapter says of its base. */
export interface BaseClaim {
  /** PEFT's `base_model_name_or_path`. */
  readonly named: unknown;
  readonly fingerprint: string | undefined;
}

/** `owner/name` of a copy in Hugging Face's cache (`models--owner--name/snapshots/…`). */
function hubName(path: string): string | undefined {
  const found = /(?:^|[/\\])models--([^/\\]+?)--([^/\\]+)/.exec(path);
  return found === null ? undefined : `${found[1]}/${found[2]}`;
}

const isHubName = (named: unknown): named is string =>
  typeof named === 'string' && /^[\w.-]+\/[\w.-]+$/.test(named);

/** Refuses what is known to be wrong; a name that proves nothing (a path, a copy somewhere else) passes. */
export function checkBase(claim: BaseClaim, base: BaseModel, adapterDirectory: string): void {
  const copyOf = base.directory === undefined ? undefined : hubName(base.directory);
  const isOtherModel =
    claim.fingerprint === undefined
      ? isHubName(claim.named) && copyOf !== undefined && copyOf.toLowerCase() !== claim.named.toLowerCase()
      : claim.fingerprint !== base.fingerprint;
  if (!isOtherModel) return;
  const own = base.directory ?? 'a model with fresh weights';
  throw new QuerentError(
    'checkpoint/adapter-of-another-base',
    `the adapter ${adapterDirectory} was trained on ${JSON.stringify(claim.named ?? null)}, whose weights are not those of ${own}`,
    {
      next: 'Use the base that it was trained on, or train a new adapter on this one.',
      details: { adapterDirectory, trainedOn: claim.named, base: base.directory },
    },
  );
}
