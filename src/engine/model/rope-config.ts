/**
 * The variants of rotary position embedding that a `config.json` may ask for: which we compute, and the names under which
 * the others are refused. Old checkpoints write `rope_theta` and `rope_scaling`, newer ones `rope_parameters`.
 */

export type RopeScaling =
  /** Every frequency divided by `factor` (position interpolation, arXiv 2306.15595). */
  | { readonly type: 'linear'; readonly factor: number }
  /** Long waves divided by `factor`, short ones kept, those between blended (Llama 3.1; `rotary-tables.ts` computes it). */
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      /** Longest sequence before the context was extended. */
      readonly originalPositions: number;
    };

export interface RopeSettings {
  readonly theta: number;
  readonly scaling: RopeScaling | undefined;
}

type RawConfig = Readonly<Record<string, unknown>>;

const positiveNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0;

const isRecord = (value: unknown): value is RawConfig =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What the config says about RoPE, or why it cannot be followed, as texts that name keys. */
export function readRope(raw: RawConfig): { rope: RopeSettings } | { refused: readonly string[] } {
  const key = isRecord(raw.rope_scaling) ? 'rope_scaling' : 'rope_parameters';
  const written = raw[key] ?? {};
  if (!isRecord(written))
    return { refused: [`"${key}" is ${JSON.stringify(written)}, an object was expected`] };
  const refused: string[] = [];
  if (Object.values(written).some(isRecord))
    refused.push(`"${key}" differs by kind of layer, supported is one for all layers`);
  const partial = written.partial_rotary_factor ?? raw.partial_rotary_factor ?? 1;
  if (partial !== 1) refused.push(`"partial_rotary_factor" is ${JSON.stringify(partial)}, supported is 1`);
  const parameters = isRecord(raw.rope_parameters) ? raw.rope_parameters : {};
  const theta = written.rope_theta ?? parameters.rope_theta ?? raw.rope_theta ?? 10000;
  if (!positiveNumber(theta)) refused.push(`"rope_theta" is ${JSON.stringify(theta)}`);
  const scaling = readScaling(written, raw, key, refused);
  return refused.length > 0 ? { refused } : { rope: { theta: theta as number, scaling } };
}

function readScaling(
  written: RawConfig,
  raw: RawConfig,
  key: string,
  refused: string[],
): RopeScaling | undefined {
  const type = written.rope_type ?? written.type ?? 'default';
  const number = (name: string, fallback?: unknown): number => {
    const value = written[name] ?? fallback;
    if (positiveNumber(value)) return value;
    refused.push(`"${key}.${name}" is ${JSON.stringify(value) ?? 'missing'}, a number above 0 was expected`);
    return Number.NaN;
  };
  switch (type) {
    case 'default':
      return undefined;
    case 'linear':
      return { type: 'linear', factor: number('factor') };
    case 'llama3':
      return {
        type: 'llama3',
        factor: number('factor'),
        lowFrequencyFactor: number('low_freq_factor'),
        highFrequencyFactor: number('high_freq_factor'),
        // As transformers: the key of the config itself goes first, its longest sequence last.
        originalPositions:
          (raw.original_max_position_embeddings as number | undefined) ??
          number('original_max_position_embeddings', raw.max_position_embeddings),
      };
    default:
      refused.push(
        `"${key}.rope_type" is ${JSON.stringify(type)}, supported are "default", "linear" and "llama3"`,
      );
      return undefined;
  }
}

/** The keys as both older and newer versions of Python's transformers read them. */
export function ropeKeys({ theta, scaling }: RopeSettings): Record<string, unknown> {
  if (scaling === undefined) return { rope_theta: theta };
  const { type, factor } = scaling;
  const written = { rope_type: type, factor };
  if (scaling.type === 'linear') return { rope_theta: theta, rope_scaling: written };
  return {
    rope_theta: theta,
    rope_scaling: {
      ...written,
      low_freq_factor: scaling.lowFrequencyFactor,
      high_freq_factor: scaling.highFrequencyFactor,
      original_max_position_embeddings: scaling.originalPositions,
    },
  };
}
