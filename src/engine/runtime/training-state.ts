/**
 * What a checkpoint needs beyond weights so that training goes on exactly: AdamW's moments and step (of matrices that Muon
 * updates the first moment is their momentum), and the engine's random state. Two files beside the model:
 * `optimizer.safetensors` (PyTorch's names for the moments) and `training_state.json`.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { QuerentError } from '../../foundation/errors.ts';
import { readTextFile, writeFileAtomic } from '../../foundation/files.ts';
import { readSafetensors, writeSafetensors } from '../checkpoint/safetensors.ts';
import type { NamedWeights } from '../model/weights.ts';
import type { Trainer } from './trainer.ts';

const MOMENTS_FILE = 'optimizer.safetensors';
const STATE_FILE = 'training_state.json';

const word = z.int().min(0).max(0xffffffff);
const stateSchema = z.strictObject({
  format: z.literal(1),
  optimizerStep: z.int().min(0),
  random: z.strictObject({ draws: z.tuple([word, word, word, word]), patternSeed: z.int() }),
});

export async function saveTrainingState(directory: string, trainer: Trainer): Promise<void> {
  if (trainer.store.hasGradient) {
    throw new QuerentError('engine/gradient-pending', 'accumulated gradients would be lost by saving now', {
      next: 'Save with the optimizer only after optimStep().',
    });
  }
  const moments: NamedWeights = new Map();
  for (const [key, flat] of momentArrays(trainer)) {
    for (const [name, weight] of trainer.store.named(flat)) moments.set(`${key}.${name}`, weight);
  }
  await writeSafetensors(join(directory, MOMENTS_FILE), moments);
  const state = { format: 1, optimizerStep: trainer.adam.step, random: trainer.randomState() };
  await writeFileAtomic(join(directory, STATE_FILE), `${JSON.stringify(state, null, 2)}\n`);
}

function momentArrays(trainer: Trainer): readonly (readonly [string, Float32Array])[] {
  return [
    ['exp_avg', trainer.adam.firstMoment],
    ['exp_avg_sq', trainer.adam.secondMoment],
  ];
}

function parseState(text: string, path: string): z.output<typeof stateSchema> {
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new QuerentError('engine/invalid-training-state', `${path} is not a training state`, {
      next: 'Resume from another checkpoint, or load without the optimizer.',
      cause,
    });
  }
}

/** Reads everything before it changes anything, so that a bad checkpoint leaves the trainer as it was. */
export async function loadTrainingState(directory: string, trainer: Trainer): Promise<void> {
  const path = join(directory, STATE_FILE);
  const state = parseState(await readTextFile(path, 'training state'), path);
  const moments = await readSafetensors(join(directory, MOMENTS_FILE));
  const found = momentArrays(trainer).map(([key, flat]) => {
    const copy = new Float32Array(flat.length);
    for (const { name, start, end } of trainer.store.slots) {
      const moment = moments.get(`${key}.${name}`);
      if (moment?.data.length !== end - start) {
        throw new QuerentError(
          'engine/optimizer-mismatch',
          `${MOMENTS_FILE} has no ${key}.${name} of ${end - start} values`,
          {
            next: 'The optimizer state belongs to another model: load without it, or use the right checkpoint.',
          },
        );
      }
      copy.set(moment.data, start);
    }
    return [flat, copy] as const;
  });
  for (const [flat, copy] of found) flat.set(copy);
  trainer.adam.step = state.optimizerStep;
  trainer.restoreRandom(state.random);
}
