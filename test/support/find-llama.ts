/**
 * llama.cpp through node-llama-cpp, an optional package: the one installed here, or the one in the folder that
 * QUERENT_NODE_LLAMA_CPP names (a folder in which `npm install --ignore-scripts node-llama-cpp` was run).
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** As much of it as the tests use. */
export interface LlamaModel {
  createContext(options: { contextSize: number; threads: number }): Promise<{ getSequence(): LlamaSequence }>;
  tokenize(text: string, specialTokens: boolean): readonly number[];
  isEogToken(token: never): boolean;
  dispose(): Promise<void>;
}
interface LlamaSequence {
  evaluate(tokens: never, options: object): AsyncGenerator<number, void>;
  clearHistory(): Promise<void>;
}
export interface Llama {
  loadModel(options: { modelPath: string; gpuLayers: number }): Promise<LlamaModel>;
}

export async function findLlama(): Promise<Llama | undefined> {
  const folder = process.env.QUERENT_NODE_LLAMA_CPP;
  const from = folder === undefined ? import.meta.url : pathToFileURL(join(folder, 'index.js')).href;
  try {
    const path = createRequire(from).resolve('node-llama-cpp');
    const module = (await import(pathToFileURL(path).href)) as { getLlama(options: object): Promise<Llama> };
    return await module.getLlama({ gpu: false, build: 'never', logLevel: 'error' });
  } catch {
    return undefined;
  }
}
