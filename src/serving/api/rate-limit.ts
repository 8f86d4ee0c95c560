/** So many requests a minute for each key, with a burst of a tenth of them. In memory: two servers count each for itself. */
import { QuerentError } from '../../foundation/errors.ts';

export interface RateLimit {
  /** Throws `api/rate-limit` where the key has used up its share. */
  take(key: string, perMinute: number): void;
}

interface Bucket {
  tokens: number;
  at: number;
}

export function createRateLimit(now: () => number = () => performance.now()): RateLimit {
  const buckets = new Map<string, Bucket>();
  return {
    take: (key, perMinute) => {
      const capacity = Math.max(1, perMinute / 10);
      const bucket = buckets.get(key) ?? { tokens: capacity, at: now() };
      const elapsedMs = now() - bucket.at;
      bucket.tokens = Math.min(capacity, bucket.tokens + (elapsedMs * perMinute) / 60_000);
      bucket.at = now();
      buckets.set(key, bucket);
      if (bucket.tokens < 1) {
        const retryAfterSeconds = Math.max(1, Math.ceil(((1 - bucket.tokens) * 60) / perMinute));
        throw new QuerentError('api/rate-limit', `this key may ask ${perMinute} times a minute`, {
          next: 'Wait as long as Retry-After says, or ask for a key with a higher limit.',
          details: { retryAfterSeconds },
          isRetryable: true,
        });
      }
      bucket.tokens -= 1;
    },
  };
}
