/**
 * Where training examples come from: an endless stream whose place can be saved. It knows the order of examples; it
 * does not know prompts or tokens.
 */
import { z } from 'zod';
import type { Example } from '../data/example.ts';
import { QuerentError } from '../foundation/errors.ts';
import { createRandom, type Random, type RandomState } from '../foundation/random.ts';

export interface ExampleStream {
  /** The next example; never ends. */
  next(): Example | Promise<Example>;
  /** JSON-safe; a stream of the same origin continues after `restore` with the same examples. */
  state(): unknown;
  restore(state: unknown): void;
  /** Examples of one pass; undefined where the stream is generated. */
  readonly epochSize?: number;
}

const randomStateSchema = z.tuple([z.number(), z.number(), z.number(), z.number()]);

function parseState<S extends z.ZodType>(schema: S, state: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(state);
  if (parsed.success) return parsed.data;
  throw new QuerentError('training/bad-checkpoint', `the saved place in the ${what} cannot be read`, {
    next: 'Resume with the same kind of data as the run was started with, or start a new run.',
    details: { problems: parsed.error.issues.map((issue) => issue.message) },
  });
}

/** A list, shuffled anew each epoch; the order of an epoch depends on the seed and the epoch's number alone. */
export function epochStream(examples: readonly Example[], seed: number): ExampleStream {
  if (examples.length === 0) {
    throw new QuerentError('training/no-examples', 'there are no training examples', {
      next: 'Give at least one example, or check the filter that removed them.',
    });
  }
  const base = createRandom(seed).fork('data-order');
  const schema = z.strictObject({ epoch: z.int().min(0), position: z.int().min(0), size: z.int() });
  let epoch = 0;
  let position = 0;
  let order = base.fork(epoch).shuffle(examples);
  return {
    epochSize: examples.length,
    next: () => {
      if (position === order.length) {
        epoch += 1;
        position = 0;
        order = base.fork(epoch).shuffle(examples);
      }
      const example = order[position]!;
      position += 1;
      return example;
    },
    state: () => ({ epoch, position, size: examples.length }),
    restore: (state) => {
      const saved = parseState(schema, state, 'example list');
      if (saved.size !== examples.length) {
        throw new QuerentError(
          'training/data-changed',
          `the run was started with ${saved.size} examples and now has ${examples.length}`,
          { next: 'Resume with the same examples, or start a new run.' },
        );
      }
      ({ epoch, position } = saved);
      order = base.fork(epoch).shuffle(examples);
    },
  };
}

/** Examples made on the fly: `generate` draws all its randomness from the generator it is handed. */
export function generatedStream(
  generate: (random: Random) => Example | Promise<Example>,
  seed: number,
): ExampleStream {
  let random = createRandom(seed).fork('generated-examples');
  return {
    next: () => generate(random),
    state: () => random.state(),
    restore: (state) => {
      random = createRandom(parseState(randomStateSchema, state, 'example generator') as RandomState);
    },
  };
}

/** Several streams, each drawn with a probability proportional to its weight. */
export function mixedStream(
  parts: readonly { readonly stream: ExampleStream; readonly weight: number }[],
  seed: number,
): ExampleStream {
  let random = createRandom(seed).fork('mixed-examples');
  const schema = z.strictObject({
    random: randomStateSchema,
    parts: z.array(z.unknown()).length(parts.length),
  });
  return {
    next: () => random.pickWeighted(parts, (part) => part.weight).stream.next(),
    state: () => ({ random: random.state(), parts: parts.map((part) => part.stream.state()) }),
    restore: (state) => {
      const saved = parseState(schema, state, 'mixture of examples');
      random = createRandom(saved.random as RandomState);
      parts.forEach((part, i) => {
        part.stream.restore(saved.parts[i]);
      });
    },
  };
}
