/**
 * Opens a model directory as the commands do by default, and says how long it took and what the process took at most: one JSON
 * line. `sample`: as `querent serve` and `evaluate`; `lora`: as `querent train` with an adapter of rank 16.
 */
import { Engine } from '../../src/engine/engine.ts';

const [, , directory, purpose] = process.argv as [string, string, string, 'sample' | 'lora'];
const how = purpose === 'sample' ? { frozen: true } : { lora: { rank: 16, alpha: 32 } };
const startedAt = performance.now();
const engine = await Engine.create({ directory, seed: 1, ...how });
const seconds = (performance.now() - startedAt) / 1000;
// maxRSS is in kilobytes. The weights are still needed here: nothing of them was given back.
const peakBytes = process.resourceUsage().maxRSS * 1024;
const { parameterCount } = engine.facts();
await engine.close();
process.stdout.write(JSON.stringify({ seconds, peakBytes, parameterCount }));
