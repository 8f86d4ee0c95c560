/** Opens a model directory and says how long it took and what the process took at most: one JSON line. */
import { loadModel } from '../../src/engine/checkpoint/model-directory.ts';

const startedAt = performance.now();
const { weights } = await loadModel(process.argv[2]!);
const seconds = (performance.now() - startedAt) / 1000;
// maxRSS is in kilobytes. The weights are still needed here: nothing of them was given back.
const peakBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify({ seconds, peakBytes, tensors: weights.size }));
