/**
 * llama.cpp through node-llama-cpp, an optional package: in the folder that QUERENT_NODE_LLAMA_CPP names (one in which
 * `npm install --ignore-scripts node-llama-cpp` was run), or in `.llama`, which `.ci/run` makes. Tests without it are skipped.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Llama, type LlamaModel, loadLlama } from '../../src/engine/gguf/llama-module.ts';
import { packageRoot } from '../../src/foundation/files.ts';

const installed = join(packageRoot(), '.llama');
if (existsSync(installed)) process.env.QUERENT_NODE_LLAMA_CPP ??= installed;

export async function findLlama(): Promise<Llama | undefined> {
  try {
    return await loadLlama({ gpu: false });
  } catch {
    return undefined;
  }
}

/** What llama.cpp itself continues each prompt with, drawn by its own sampler; an end token is a token like others. */
export async function greedyInLlama(
  model: LlamaModel,
  prompts: readonly Int32Array[],
  newTokens: number,
): Promise<number[][]> {
  const context = await model.createContext({ contextSize: 1024, threads: 1 });
  const sequence = context.getSequence();
  const options = { temperature: 0 };
  const answers: number[][] = [];
  for (const prompt of prompts) {
    await sequence.adaptStateToTokens([], false);
    const answer: number[] = [];
    let rest = [...prompt];
    while (answer.length < newTokens) {
      const last = [rest.at(-1)!, { generateNext: { token: true, options } }] as const;
      const found = await sequence.controlledEvaluate([...rest.slice(0, -1), last]);
      const token = found.at(-1)!.next.token!;
      answer.push(token);
      rest = [token];
    }
    answers.push(answer);
  }
  await context.dispose();
  return answers;
}
