/** Decoders over a trainer's weights: one for the policy, kept current, and one for its frozen reference. */
import type { SampledSequence, SampleRequest } from '../policy.ts';
import { createDecoder, type Decoder } from '../sampling/decoder.ts';
import type { SamplingWatch } from '../sampling/sampling-watch.ts';
import type { Trainer } from './trainer.ts';

export class PolicySampler {
  readonly #trainer: Trainer;
  #policy: Decoder | undefined;
  #reference: Decoder | undefined;

  constructor(trainer: Trainer) {
    this.#trainer = trainer;
  }

  sample(request: SampleRequest, watch?: SamplingWatch): Promise<readonly (readonly SampledSequence[])[]> {
    return this.#decoder(request.useReference ?? false).sample(request, watch);
  }

  /** After an update or a load: the arrays are the same, their values are not. */
  weightsChanged(): void {
    this.#policy?.updateWeights();
  }

  async referenceChanged(): Promise<void> {
    await this.#reference?.close();
    this.#reference = undefined;
  }

  async close(): Promise<void> {
    await this.#policy?.close();
    await this.#reference?.close();
  }

  #decoder(useReference: boolean): Decoder {
    if (useReference) {
      this.#reference ??= this.#create(true);
      return this.#reference;
    }
    this.#policy ??= this.#create(false);
    return this.#policy;
  }

  #create(useReference: boolean): Decoder {
    const { store, options } = this.#trainer;
    const { lora, threads } = options;
    // Decoders make tables for every position: those that the policy never uses would take memory for nothing.
    const maxPositions = Math.min(options.config.maxPositions, options.maxLength);
    const config = { ...options.config, maxPositions };
    const trained = useReference ? this.#trainer.referenceWeights() : store.trainable();
    const frozen = store.frozen();
    // All weights train, or none does.
    if (lora === undefined)
      return createDecoder({ config, weights: frozen.size > 0 ? frozen : trained!, threads });
    const adapter = trained === undefined ? undefined : { config: lora.config, weights: trained };
    return createDecoder({ config, weights: frozen, adapter, threads });
  }
}
