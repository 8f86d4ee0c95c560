/**
 * Whether predictions agree with their gold queries on the neighbours of a database. A neighbour tells nothing of a pair
 * where the gold fails there, leaves its answer open, relies on texts being unique that repeat, or where both are empty.
 */
import type { ProtocolName } from '../../database/comparison/protocol.ts';
import type { JudgeBatchOptions, Pair } from '../../database/sandbox.ts';
import type { Verdict, VerdictReason } from '../../database/verdict.ts';
import { determinationOf, type ExecutingSandbox } from './determined.ts';
import { type Neighbour, type NeighbourSet, nameOfPlace } from './neighbours.ts';
import { queryFactsOf } from './query-facts.ts';

/** The slice of the sandbox that is needed here. */
export interface AgreementSandbox extends ExecutingSandbox {
  judgeBatch(
    databasePath: string,
    items: readonly Pair[],
    options?: JudgeBatchOptions,
  ): Promise<readonly Verdict[]>;
}

export interface AgreementOptions {
  readonly sandbox: AgreementSandbox;
  readonly neighbours: NeighbourSet;
  readonly protocol?: ProtocolName;
  readonly columnOrder?: 'exact' | 'any';
  /** How many telling neighbours are enough. Default: all there are. */
  readonly enough?: number;
}

export interface Agreement {
  /** False: differs on some neighbour. True: agrees on all that tell. Null: none tells. */
  readonly match: boolean | null;
  /** Neighbours that told something. */
  readonly told: number;
  /** Where it differs: the position of the neighbour, and how. */
  readonly difference?: { readonly neighbour: number; readonly reason: VerdictReason };
}

export interface AgreementJudge {
  /** One an item, in order. */
  judge(pairs: readonly Pair[]): Promise<readonly Agreement[]>;
}

type Told = 'agrees' | 'differs' | 'nothing';

function tellingOf({ match, reason, gold, predicted }: Verdict): Told {
  if (match === null || reason === 'both-empty' || (reason === 'same-text' && gold.isEmpty)) return 'nothing';
  // The machine may have been busy; that says nothing of the query.
  if (predicted.outcome === 'timeout' || predicted.outcome === 'out-of-memory') return 'nothing';
  return match ? 'agrees' : 'differs';
}

export function createAgreementJudge(options: AgreementOptions): AgreementJudge {
  const { sandbox, neighbours: set, protocol = 'strict', columnOrder = 'exact', enough = Infinity } = options;
  const known = new Map<string, Promise<boolean>>();

  const assumesUnique = (gold: string, { repeated }: Neighbour): boolean =>
    repeated.length > 0 &&
    queryFactsOf(set.source, gold).assumedUnique.some((place) =>
      repeated.includes(nameOfPlace(set.source, place)),
    );
  /** Whether the neighbour can tell anything of this gold query; asked once. */
  const isTelling = (gold: string, neighbour: Neighbour): Promise<boolean> => {
    const key = `${neighbour.path}\0${gold}`;
    const promise =
      known.get(key) ??
      (async () => {
        if (assumesUnique(gold, neighbour)) return false;
        const { path: databasePath, twinPath } = neighbour;
        return (await determinationOf(gold, { sandbox, databasePath, twinPath, protocol })) === 'determined';
      })();
    known.set(key, promise);
    return promise;
  };

  return {
    judge: async (pairs) => {
      const results = pairs.map((): Agreement => ({ match: null, told: 0 }));
      for (const [index, neighbour] of set.neighbours.entries()) {
        const isOpen = (result: Agreement) => result.match !== false && result.told < enough;
        const open = results.flatMap((result, at) => (isOpen(result) ? [at] : []));
        const telling = await Promise.all(open.map((at) => isTelling(pairs[at]!.gold, neighbour)));
        const asked = open.filter((_, n) => telling[n]);
        const judged = asked.map((at) => pairs[at]!);
        const verdicts = await sandbox.judgeBatch(neighbour.path, judged, { protocol, columnOrder });
        for (const [n, at] of asked.entries()) {
          const told = tellingOf(verdicts[n]!);
          if (told === 'nothing') continue;
          const count = results[at]!.told + 1;
          results[at] =
            told === 'agrees'
              ? { match: true, told: count }
              : { match: false, told: count, difference: { neighbour: index, reason: verdicts[n]!.reason } };
        }
      }
      return results;
    },
  };
}
