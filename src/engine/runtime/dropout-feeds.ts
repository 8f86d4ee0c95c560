/**
 * Dropout as graph inputs: a table of patterns of each width, made once from the seed, and for each token at each site
 * the pattern it draws. What a token draws depends on its datum's random number and its position, not on how the batch
 * was packed.
 */
import { createRandom } from '../../foundation/random.ts';
import { type Feeds, float32Feed, int32Feed } from '../batching/batch-feeds.ts';
import { DROPOUT_PATTERN_COUNT, type DropoutSite } from '../model/model-graph.ts';

/** Integer hash of Chris Wellons (https://nullprogram.com/blog/2018/07/31/, "lowbias32"). */
function mix32(value: number): number {
  let x = value | 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

export interface DroppedSequence {
  readonly draw: number;
  readonly start: number;
  readonly length: number;
}

export class DropoutFeeds {
  readonly seed: number;
  readonly #patterns = new Map<string, Feeds[string]>();

  /** The same seed after a resume: it makes the tables. */
  constructor(seed: number) {
    this.seed = seed;
  }

  #table({ patternsInput, probability, width }: DropoutSite): Feeds[string] {
    const known = this.#patterns.get(patternsInput);
    if (known !== undefined) return known;
    const own = createRandom(this.seed).fork(patternsInput);
    const kept = 1 / (1 - probability);
    const data = new Float32Array(DROPOUT_PATTERN_COUNT * width);
    for (let i = 0; i < data.length; i++) data[i] = own.next() < probability ? 0 : kept;
    const feed = float32Feed(data, [DROPOUT_PATTERN_COUNT, width]);
    this.#patterns.set(patternsInput, feed);
    return feed;
  }

  /** One entry a sequence: its random 32-bit number, its first flat token, its length. */
  feeds(sites: readonly DropoutSite[], sequences: readonly DroppedSequence[], tokenCount: number): Feeds {
    const feeds: Feeds = {};
    sites.forEach((site, siteIndex) => {
      feeds[site.patternsInput] = this.#table(site);
      const rows = new Int32Array(tokenCount);
      for (const { draw, start, length } of sequences) {
        const key = mix32(draw ^ Math.imul(siteIndex + 1, 0x9e3779b1));
        for (let i = 0; i < length; i++) rows[start + i] = mix32(key + i) & (DROPOUT_PATTERN_COUNT - 1);
      }
      feeds[site.rowsInput] = int32Feed(rows, [tokenCount]);
    });
    return feeds;
  }
}
