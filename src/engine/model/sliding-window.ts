/**
 * Sliding-window attention in a `config.json`. The engine computes full attention only, which is the same thing as long as no
 * sequence is longer than the window: a model with a window is taken, and its sequences are kept that short.
 */

export interface SlidingWindow {
  /** A token sees itself and the `size` - 1 before it. */
  readonly size: number;
  /** Layers from this one on have the window. */
  readonly firstLayer: number;
}

type RawConfig = Readonly<Record<string, unknown>>;

/** As transformers, where a config leaves the key out (an explicit null is "none"). */
const defaultWindow = 4096;

function firstSlidingLayer(raw: RawConfig, refused: string[]): number {
  const layerTypes = raw.layer_types as unknown[] | null | undefined;
  if (layerTypes === undefined || layerTypes === null)
    return (raw.max_window_layers as number | undefined) ?? 28;
  const first = layerTypes.indexOf('sliding_attention');
  if (first < 0) return layerTypes.length;
  if (layerTypes.slice(first).some((type) => type !== 'sliding_attention'))
    refused.push('"layer_types" alternates, supported are full layers followed by sliding ones');
  return first;
}

/** The window that the model computes with; what cannot be followed is added to `refused`. */
export function readSlidingWindow(raw: RawConfig, refused: string[]): SlidingWindow | undefined {
  const layerTypes = (raw.layer_types ?? []) as unknown[];
  const unknown = layerTypes.find((type) => type !== 'full_attention' && type !== 'sliding_attention');
  if (unknown !== undefined)
    refused.push(`"layer_types" has ${JSON.stringify(unknown)}, supported is "full_attention"`);
  const family = raw.model_type;
  const isSwitchedOn = family === 'mistral' || raw.use_sliding_window === true;
  if (!isSwitchedOn && layerTypes.includes('sliding_attention'))
    refused.push('"layer_types" has "sliding_attention", but "use_sliding_window" is not true');
  // Python's Llama knows no window, whatever its config says: following the config would not be following the model.
  if (family === 'llama' && raw.use_sliding_window === true)
    refused.push('"use_sliding_window" is true for a Llama model');
  if (!isSwitchedOn) return undefined;
  const size = raw.sliding_window === undefined ? defaultWindow : raw.sliding_window;
  if (size === null) return undefined;
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 1) {
    refused.push(`"sliding_window" is ${JSON.stringify(size)}, a whole number above 0 was expected`);
    return undefined;
  }
  const firstLayer = family === 'mistral' ? 0 : firstSlidingLayer(raw, refused);
  return firstLayer < (raw.num_hidden_layers as number) ? { size, firstLayer } : undefined;
}
