/**
 * The model of a server with its pipeline. When the database has other tables, a new pipeline is put before the same weights;
 * who was asking the old one gets its answer. It knows directories of models; it does not know HTTP.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { confidenceFile, loadConfidenceMap } from '../../agents/confidence/confidence.ts';
import type { KnownExample } from '../../agents/generate/example-memory.ts';
import type { BaseFormat } from '../../engine/model/base-tensor.ts';
import type { Policy } from '../../engine/policy.ts';
import type { Observe } from '../../foundation/events.ts';
import type { ServedModel } from '../../serving/api/served-model.ts';
import { shareSampling } from '../../serving/api/shared-sampling.ts';
import type { DatabaseTools } from './database-tools.ts';
import { type Model, openModel } from './model.ts';
import { isGguf } from './model-source.ts';
import { compactSettingsOf, type OpenedPipeline, openPipeline } from './pipeline.ts';

export interface OpenServedModelOptions {
  /** The model's directory. */
  readonly directory: string;
  readonly tools: DatabaseTools;
  /** How its weights lie in memory; default: "auto". */
  readonly baseWeights?: BaseFormat | undefined;
  /** Asked whenever a pipeline is opened: people accept answers meanwhile. */
  readonly examples: () => readonly KnownExample[];
  /** Told of every call of the model. */
  readonly onBatch: (prompts: number) => void;
  readonly observe: Observe;
}

export interface AdaptableModel extends ServedModel {
  /** From now on questions are asked of this database. Where it rejects, they go on as before. */
  adapt(tools: DatabaseTools): Promise<void>;
}

/** The folder of a finished run is called final; its run has the telling name. */
function modelName(directory: string): string {
  const name = basename(directory);
  return name === 'final' || name === 'best' ? `${basename(dirname(directory))}/${name}` : name;
}

async function modelInfo(directory: string, policy: Policy): Promise<ServedModel['info']> {
  const isEmbedded = (await compactSettingsOf(directory)) !== undefined;
  const calibration = join(directory, confidenceFile);
  const map = existsSync(calibration) ? await loadConfidenceMap(calibration) : undefined;
  return {
    name: modelName(directory),
    kind: isGguf(directory) ? 'gguf' : isEmbedded ? 'embedded' : 'hugging-face',
    parameters: policy.parameterCount,
    prompt_format: isEmbedded ? 'compact' : 'chat',
    calibration_error: map?.ece?.after ?? null,
  };
}

export async function openServedModel(options: OpenServedModelOptions): Promise<AdaptableModel> {
  const { directory, baseWeights, observe, onBatch } = options;
  const open = (tools: DatabaseTools, weights?: Model): Promise<Model> =>
    openModel({ directory, database: tools.database, observe, weights, baseWeights, narrowsSchema: true });
  const opened = await open(options.tools);
  const model: Model = { ...opened, policy: shareSampling(opened.policy, { onBatch }) };
  const pipelineOf = (tools: DatabaseTools, its: Model): Promise<OpenedPipeline> =>
    openPipeline({ directory, tools, model: its, examples: options.examples(), observe });
  try {
    let current = await pipelineOf(options.tools, model);
    // The first question opens sessions and starts workers: better before anybody waits for it.
    const question = options.examples()[0]?.question ?? 'how many';
    await current.pipeline.ask({ question, options: { cache: false } });
    return {
      get pipeline() {
        return current.pipeline;
      },
      get memory() {
        return current.memory;
      },
      info: await modelInfo(directory, model.policy),
      adapt: async (tools) => {
        current = await pipelineOf(tools, await open(tools, model));
      },
      close: async () => {
        await current.close();
        await model.policy.close();
      },
    };
  } catch (thrown) {
    await model.policy.close();
    throw thrown;
  }
}
