/**
 * A model of ours as llama.cpp names, orders and computes it. Architectures: qwen2, qwen3, llama (which also runs Mistral).
 * Names and layouts: https://github.com/ggml-org/llama.cpp, convert_hf_to_gguf.py and gguf-py/gguf/constants.py.
 */
import { QuerentError } from '../../foundation/errors.ts';
import type { ModelText } from '../checkpoint/text-files.ts';
import { longestSequence, type ModelConfig } from '../model/model-config.ts';
import type { RopeScaling } from '../model/rope-config.ts';
import { EMBEDDING_NAME, FINAL_NORM_NAME, OUTPUT_NAME, type WeightTensor } from '../model/weights.ts';
import { type ElementEncoding, encodeElements, q8BlockSize } from './element-encoding.ts';
import type { ExportSource } from './export-source.ts';
import { writePieces } from './file-writer.ts';
import { type GgufTensor, type GgufValue, writeGguf } from './gguf-file.ts';
import { ggufTokenizer } from './gguf-tokenizer.ts';

export type GgufEncoding = 'F32' | 'F16' | 'Q8_0';

/** `llama_ftype`. */
const fileTypes: Readonly<Record<GgufEncoding, number>> = { F32: 0, F16: 1, Q8_0: 7 };

const layerNames: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

const outerNames: Readonly<Record<string, string>> = {
  [EMBEDDING_NAME]: 'token_embd.weight',
  [FINAL_NORM_NAME]: 'output_norm.weight',
  [OUTPUT_NAME]: 'output.weight',
};

function ggufName(name: string): string {
  const outer = outerNames[name];
  if (outer !== undefined) return outer;
  const [, layer, module, kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name)!;
  return `blk.${layer}.${layerNames[module!]}.${kind}`;
}

type Architecture = 'qwen2' | 'qwen3' | 'llama';

function architectureOf(config: ModelConfig): Architecture {
  const refuse = (problem: string) =>
    new QuerentError('export/unsupported-model', `llama.cpp does not compute this model: ${problem}`, {
      next: 'Export as safetensors or onnx.',
    });
  if (config.family === 'qwen3' && (config.queryKeyValueBias || config.outputBias))
    throw refuse('a Qwen3 with attention biases');
  return config.family === 'mistral' ? 'llama' : config.family;
}

/**
 * Our heads keep the two halves of a rotated pair apart, llama.cpp's "llama" has them side by side: row j · D/2 + d of a head
 * becomes row 2d + j. The other architectures rotate as we do.
 */
function interleaved({ shape, data }: WeightTensor, heads: number): Float32Array {
  const width = shape[1] ?? 1;
  const headRows = shape[0]! / heads;
  const half = headRows / 2;
  const out = new Float32Array(data.length);
  for (let row = 0; row < shape[0]!; row++) {
    const inHead = row % headRows;
    const target = row - inHead + 2 * (inHead % half) + Math.floor(inHead / half);
    out.set(data.subarray(row * width, (row + 1) * width), target * width);
  }
  return out;
}

function rotatedHeads(config: ModelConfig, name: string): number | undefined {
  if (architectureOf(config) !== 'llama') return undefined;
  if (/\.q_proj\./.test(name)) return config.headCount;
  return /\.k_proj\./.test(name) ? config.keyValueHeadCount : undefined;
}

/** Vectors stay F32, and so does nothing else unless no block divides its rows: then it is F16. */
function encodingOf(shape: readonly number[], wanted: GgufEncoding): ElementEncoding {
  if (shape.length === 1) return 'F32';
  return wanted === 'Q8_0' && shape[1]! % q8BlockSize !== 0 ? 'F16' : wanted;
}

/** What llama.cpp divides each frequency by; the formula is that of `rotary-tables.ts`. */
function frequencyDivisors(
  config: ModelConfig,
  scaling: RopeScaling & { readonly type: 'llama3' },
): Float32Array {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions } = scaling;
  return Float32Array.from({ length: config.headSize / 2 }, (_, i) => {
    const wave = 2 * Math.PI * config.ropeTheta ** ((2 * i) / config.headSize);
    if (wave > originalPositions / low) return factor;
    if (wave < originalPositions / high) return 1;
    const share = (originalPositions / wave - low) / (high - low);
    return 1 / ((1 - share) / factor + share);
  });
}

function tensorsOf(source: ExportSource, wanted: GgufEncoding): GgufTensor[] {
  const { config } = source;
  const tensors = [...source.shapes].map(([name, shape]): GgufTensor => {
    const encoding = encodingOf(shape, wanted);
    const bytes = async (): Promise<Uint8Array> => {
      const tensor = await source.read(name);
      const heads = rotatedHeads(config, name);
      return encodeElements(heads === undefined ? tensor.data : interleaved(tensor, heads), encoding);
    };
    return { name: ggufName(name), shape, encoding, bytes };
  });
  const { ropeScaling } = config;
  if (ropeScaling?.type === 'llama3') {
    const divisors = frequencyDivisors(config, ropeScaling);
    const bytes = async () => encodeElements(divisors, 'F32');
    tensors.push({ name: 'rope_freqs.weight', shape: [divisors.length], encoding: 'F32', bytes });
  }
  return tensors;
}

const integer = (value: number): GgufValue => ({ type: 'uint32', value });
const float = (value: number): GgufValue => ({ type: 'float32', value });
const text = (value: string): GgufValue => ({ type: 'string', value });

function hyperparameters(config: ModelConfig): [string, GgufValue][] {
  const architecture = architectureOf(config);
  const scaling = config.ropeScaling?.type === 'linear' ? config.ropeScaling : undefined;
  const keys: [string, GgufValue][] = [
    ['block_count', integer(config.layerCount)],
    ['context_length', integer(longestSequence(config))],
    ['embedding_length', integer(config.hiddenSize)],
    ['feed_forward_length', integer(config.intermediateSize)],
    ['attention.head_count', integer(config.headCount)],
    ['attention.head_count_kv', integer(config.keyValueHeadCount)],
    ['attention.key_length', integer(config.headSize)],
    ['attention.value_length', integer(config.headSize)],
    ['attention.layer_norm_rms_epsilon', float(config.normEpsilon)],
    ['rope.dimension_count', integer(config.headSize)],
    ['rope.freq_base', float(config.ropeTheta)],
    ['vocab_size', integer(config.vocabSize)],
  ];
  if (scaling !== undefined)
    keys.push(['rope.scaling.type', text('linear')], ['rope.scaling.factor', float(scaling.factor)]);
  return keys.map(([key, value]) => [`${architecture}.${key}`, value]);
}

export interface GgufOptions {
  readonly name: string;
  readonly encoding: GgufEncoding;
}

export async function writeGgufModel(
  path: string,
  source: ExportSource,
  modelText: ModelText,
  { name, encoding }: GgufOptions,
): Promise<void> {
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', text(architectureOf(source.config))],
    ['general.name', text(name)],
    ['general.file_type', integer(fileTypes[encoding])],
    ['general.quantization_version', integer(2)],
    ...hyperparameters(source.config),
    ...ggufTokenizer(modelText, source.config.vocabSize),
  ]);
  await writePieces(path, (file) => writeGguf(file, metadata, tensorsOf(source, encoding)));
}
