/**
 * llama.cpp through node-llama-cpp, an optional package: where it is found, how it is started, and the slice of it that is used
 * (https://node-llama-cpp.withcat.ai). Knows no prompts and no sampling. Querent does not bring the package along, because it
 * compiles or fetches native code when its install script runs.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, QuerentError } from '../../foundation/errors.ts';

const packageName = 'node-llama-cpp';
/** The one that the tests run with. */
export const llamaVersion = '3.22.1';
/** Of what is asked for behind a token. */
export interface NextTokenWish {
  readonly token?: boolean;
  /** All, or the `includeTop` highest; after `options`, so divided by a temperature above 0. */
  readonly logits?: true | { readonly filter: { readonly includeTop: number } };
  /** Sum of exp(logit − highest logit) over all tokens that `options` leave. */
  readonly totalLogitWeight?: boolean;
  readonly options?: {
    readonly temperature: number;
    readonly topK?: number;
    readonly topP?: number;
    readonly minP?: number;
  };
}

export interface NextToken {
  readonly token?: number | null;
  readonly logits?: ReadonlyMap<number, number>;
  readonly totalLogitWeight?: number;
}

export interface LlamaSequence {
  /** How many tokens its cache holds. */
  readonly nextTokenIndex: number;
  /** Drops what differs from `tokens` from its cache; evaluates nothing. */
  adaptStateToTokens(tokens: readonly number[], allowShift: boolean): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
  controlledEvaluate(
    input: readonly (number | readonly [token: number, { readonly generateNext: NextTokenWish }])[],
  ): Promise<readonly ({ readonly next: NextToken } | undefined)[]>;
}

export interface LlamaContext {
  readonly contextSize: number;
  readonly batchSize: number;
  getSequence(): LlamaSequence;
  dispose(): Promise<void>;
}

export interface LlamaModel {
  readonly trainContextSize: number;
  readonly tokens: { readonly bos: number | null; readonly eos: number | null; readonly eot: number | null };
  readonly fileInfo: {
    /** Keys of the file, nested at their dots. */
    readonly metadata: Readonly<Record<string, unknown>>;
    readonly fullTensorInfo?: readonly { readonly dimensions: readonly (number | bigint)[] }[];
  };
  /** Adds no special token; `parsesSpecial`: those written in the text become theirs. */
  tokenize(text: string, parsesSpecial: boolean): readonly number[];
  detokenize(tokens: readonly number[], writesSpecial: boolean): string;
  isEogToken(token: number): boolean;
  createContext(options: { readonly contextSize: number; readonly threads?: number }): Promise<LlamaContext>;
  dispose(): Promise<void>;
}

export interface Llama {
  loadModel(options: { readonly modelPath: string; readonly gpuLayers?: number }): Promise<LlamaModel>;
}

interface LlamaModule {
  getLlama(options: object): Promise<Llama>;
}

export interface LlamaWish {
  /** `false`: the processor, also where there is a graphics card. Default "auto". */
  readonly gpu?: 'auto' | false | undefined;
  /** A folder in which the package was installed; default: the variable QUERENT_NODE_LLAMA_CPP, else beside Querent. */
  readonly folder?: string | undefined;
}

/** Where the package is software of this machine, as on a PATH, and not a setting of a run: hence the variable. */
function resolvePackage({ folder = process.env.QUERENT_NODE_LLAMA_CPP }: LlamaWish): string {
  const from = folder === undefined ? import.meta.url : pathToFileURL(join(folder, 'index.js')).href;
  try {
    return createRequire(from).resolve(packageName);
  } catch (thrown) {
    const where = folder === undefined ? 'where Querent is installed' : folder;
    throw new QuerentError(
      'gguf/no-llama',
      `a GGUF model runs in llama.cpp, and the package ${packageName} was expected ${where}`,
      {
        next: `Run \`npm install --ignore-scripts ${packageName}@${llamaVersion}\` there (with --global, if Querent is installed so), or name a folder that has it in QUERENT_NODE_LLAMA_CPP.`,
        details: { package: packageName, version: llamaVersion },
        cause: thrown,
      },
    );
  }
}

/** What llama.cpp last complained about: its exceptions say little. */
const complaints: string[] = [];

function complain(message: string): void {
  complaints.push(message.trim());
  if (complaints.length > 4) complaints.shift();
}

export function takeComplaints(): string {
  return complaints.splice(0).join('; ');
}

const started = new Map<string, Promise<Llama>>();

async function start(path: string, gpu: 'auto' | false): Promise<Llama> {
  try {
    const { getLlama } = (await import(pathToFileURL(path).href)) as LlamaModule;
    // Nothing is ever compiled or fetched here.
    const safe = { build: 'never', skipDownload: true, progressLogs: false };
    return await getLlama({
      ...safe,
      gpu,
      logLevel: 'error',
      logger: (_: string, text: string) => complain(text),
    });
  } catch (thrown) {
    throw new QuerentError('gguf/llama-failed', `${packageName} cannot be started: ${messageOf(thrown)}`, {
      next: `Install it again for this machine: npm install --ignore-scripts ${packageName}@${llamaVersion}.`,
      cause: thrown,
    });
  }
}

/** Started once a process; nothing keeps the process alive. Errors: `gguf/no-llama`, `gguf/llama-failed`. */
export async function loadLlama(wish: LlamaWish = {}): Promise<Llama> {
  const path = resolvePackage(wish);
  const gpu = wish.gpu ?? 'auto';
  const key = `${gpu} ${path}`;
  const known = started.get(key) ?? start(path, gpu);
  started.set(key, known);
  return known;
}
