/**
 * The weights of a model while it trains: trainable ones in one flat array with their gradients beside, frozen ones as
 * they came. It knows names and places in memory, and makes the tensors that ONNX Runtime reads in place.
 */
import { QuerentError } from '../../foundation/errors.ts';
import { type BaseTensor, type BaseWeights, type StorageFormat, storageOf } from '../model/base-tensor.ts';
import { elementCount, type NamedWeights } from '../model/weights.ts';
import type { Segment } from '../optimizer/adamw.ts';
import { alignUp, createFlatMemory, type FlatMemory } from '../optimizer/flat-memory.ts';

export interface TrainableSlot extends Segment {
  readonly name: string;
  readonly shape: readonly number[];
}

export class ParameterStore {
  readonly slots: readonly TrainableSlot[];
  /** Made for five arrays of this size: values, gradient, scratch, and two moments. */
  readonly memory: FlatMemory;
  readonly values: Float32Array;
  readonly gradient: Float32Array;
  /** Every weight, trainable or frozen, by name. */
  readonly weights: BaseWeights;
  readonly #slotOf: ReadonlyMap<string, TrainableSlot>;
  readonly #frozen: BaseWeights;
  /** False as long as `gradient` holds nothing worth keeping. */
  hasGradient = false;
  #scratch: Float32Array | undefined;

  constructor(trainable: NamedWeights, frozen: BaseWeights) {
    let end = 0;
    this.slots = [...trainable].map(([name, { shape }]) => {
      const start = alignUp(end);
      end = start + elementCount(shape);
      return { name, shape, start, end, decays: shape.length > 1 };
    });
    this.#slotOf = new Map(this.slots.map((slot) => [slot.name, slot]));
    this.memory = createFlatMemory(end, 5);
    this.values = this.memory.allocate(end);
    this.gradient = this.memory.allocate(end);
    this.#frozen = frozen;
    this.write(trainable);
    this.weights = this.weightsOver(this.values);
  }

  slot(name: string): TrainableSlot | undefined {
    return this.#slotOf.get(name);
  }

  /** Number of trainable values, without the gaps that alignment leaves. */
  get trainableCount(): number {
    return this.slots.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** Overwrite the trainable weights. */
  write(weights: NamedWeights): void {
    for (const slot of this.slots) {
      const found = weights.get(slot.name);
      if (found === undefined || found.data.length !== slot.end - slot.start) {
        throw new QuerentError(
          'engine/weights-mismatch',
          `weight ${slot.name} is missing or of another size`,
          {
            next: 'Load a checkpoint of the same model.',
          },
        );
      }
      this.values.set(found.data, slot.start);
    }
  }

  /** Views of the present trainable weights, by name. */
  trainable(): NamedWeights {
    return this.named(this.values);
  }

  /** Any flat array of the trainable size, seen by name (a moment, a frozen copy). */
  named(flat: Float32Array): NamedWeights {
    return new Map(
      this.slots.map(({ name, shape, start, end }) => [name, { shape, data: flat.subarray(start, end) }]),
    );
  }

  frozen(): BaseWeights {
    return this.#frozen;
  }

  /** Every weight, with the trainable ones read from `flat`. */
  weightsOver(flat: Float32Array): BaseWeights {
    return new Map<string, BaseTensor>([...this.#frozen, ...this.named(flat)]);
  }

  formatOf(name: string): StorageFormat {
    const frozen = this.#frozen.get(name);
    return frozen === undefined ? { kind: 'values' } : storageOf(frozen);
  }

  /**
   * Where the next run may write its gradients. The first run after an update writes them in place; later ones write
   * beside, and `finishGradient` adds.
   */
  gradientTarget(): Float32Array {
    if (!this.hasGradient) return this.gradient;
    this.#scratch ??= this.memory.allocate(this.gradient.length);
    return this.#scratch;
  }

  finishGradient(target: Float32Array): void {
    if (target !== this.gradient) this.memory.add(this.gradient, target);
    this.hasGradient = true;
  }
}
