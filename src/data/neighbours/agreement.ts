/**
 * Whether predictions agree with their gold queries on the neighbours of a database. A neighbour tells nothing of a pair
 * where the gold fails there, leaves its answer open, relies on texts being unique that repeat, or where both are empty.
 */
import type { ProtocolName } from '../../database/comparison/protocol.ts';
import type { JudgeBatchOptions, Pair } from '../../database/sandbox.ts';
import type { Verdict, VerdictReason } from '../../database/verdict.ts';
import { type ExecutingSandbox, type GoldAnswer, goldAnswerOf } from './determined.ts';
import { nameOfPlace } from './draw-neighbour.ts';
import type { Neighbour, NeighbourSet } from './neighbours.ts';
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
  /** After agreement on how many neighbours with another answer no more are asked. Default: all are asked. */
  readonly enough?: number;
}

export interface Agreement {
  /**
   * False: differs on some neighbour. True: agrees on all that tell, and on one at least the gold's answer is another than
   * on the source, so that repeating that answer would not have done. Null: neither.
   */
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

interface Said {
  readonly told: Told;
  /** The gold's answer is another than on the source. */
  readonly isNews: boolean;
  readonly reason: VerdictReason;
}

interface State {
  told: number;
  news: number;
  difference?: NonNullable<Agreement['difference']>;
}

function tellingOf({ match, reason, gold, predicted }: Verdict): Told {
  if (match === null || reason === 'both-empty' || (reason === 'same-text' && gold.isEmpty)) return 'nothing';
  // The machine may have been busy; that says nothing of the query.
  if (predicted.outcome === 'timeout' || predicted.outcome === 'out-of-memory') return 'nothing';
  return match ? 'agrees' : 'differs';
}

export function createAgreementJudge(options: AgreementOptions): AgreementJudge {
  const { sandbox, neighbours: set, protocol = 'strict', columnOrder = 'exact', enough = Infinity } = options;
  const known = new Map<string, Promise<GoldAnswer>>();
  const remember = (key: string, ask: () => Promise<GoldAnswer>): Promise<GoldAnswer> => {
    const answer = known.get(key) ?? ask();
    known.set(key, answer);
    return answer;
  };
  const assumesUnique = (gold: string, { repeated }: Neighbour): boolean =>
    repeated.length > 0 &&
    queryFactsOf(set.source, gold).assumedUnique.some((place) =>
      repeated.includes(nameOfPlace(set.source, place)),
    );
  /** What the neighbour can tell of this gold query; asked once. */
  const answerOn = (gold: string, neighbour: Neighbour): Promise<GoldAnswer> =>
    remember(`${neighbour.path}\0${gold}`, async () => {
      if (assumesUnique(gold, neighbour)) return { determination: 'depends-on-ties', digest: undefined };
      const { path: databasePath, twinPath } = neighbour;
      return goldAnswerOf(gold, { sandbox, databasePath, twinPath, protocol });
    });
  const answerOnSource = (gold: string): Promise<GoldAnswer> =>
    remember(gold, () => goldAnswerOf(gold, { sandbox, databasePath: set.databasePath, protocol }));
  /** Of pairs whose gold leaves only the order open, the rows are compared in any order. */
  const judgeAll = async (
    neighbour: Neighbour,
    pairs: readonly Pair[],
    isOpen: readonly boolean[],
  ): Promise<Verdict[]> => {
    const judgeThose = (wanted: boolean, options: JudgeBatchOptions) =>
      sandbox.judgeBatch(
        neighbour.path,
        pairs.filter((_, at) => isOpen[at] === wanted),
        options,
      );
    const [closed, open] = await Promise.all([
      judgeThose(false, { protocol, columnOrder }),
      judgeThose(true, {
        protocol: 'strict',
        columnOrder: protocol === 'spider' ? 'any' : columnOrder,
        rowOrder: 'any',
      }),
    ]);
    const [nextClosed, nextOpen] = [closed.values(), open.values()];
    return isOpen.map((its) => (its ? nextOpen : nextClosed).next().value!);
  };
  /**
   * Two things may bear one name here. A gold query that lists names without DISTINCT lists one for each thing; whether a
   * prediction lists it once more or less does not make it wrong.
   */
  const addedDistinct = async (
    neighbour: Neighbour,
    pairs: readonly Pair[],
    verdicts: readonly Verdict[],
  ) => {
    const differing = verdicts.flatMap((verdict, at) => {
      const mayRepeat = neighbour.repeated.length > 0 && !/\bdistinct\b/i.test(pairs[at]!.gold);
      return mayRepeat && tellingOf(verdict) === 'differs' ? [at] : [];
    });
    const asSets = await sandbox.judgeBatch(
      neighbour.path,
      differing.map((at) => pairs[at]!),
      { protocol: 'bird' },
    );
    return new Set(differing.filter((_, n) => asSets[n]!.match === true));
  };

  /** What one neighbour says of each pair, and whether the gold's answer there is another than on the source. */
  const askNeighbour = async (neighbour: Neighbour, pairs: readonly Pair[]): Promise<readonly Said[]> => {
    const answers = await Promise.all(pairs.map(({ gold }) => answerOn(gold, neighbour)));
    const atSource = await Promise.all(pairs.map(({ gold }) => answerOnSource(gold)));
    const isTelling = answers.map(({ determination }) =>
      ['determined', 'order-open'].includes(determination),
    );
    const asked = pairs.flatMap((_, at) => (isTelling[at] ? [at] : []));
    const askedPairs = asked.map((at) => pairs[at]!);
    const isOpen = asked.map((at) => answers[at]!.determination === 'order-open');
    const verdicts = await judgeAll(neighbour, askedPairs, isOpen);
    const forgiven = await addedDistinct(neighbour, askedPairs, verdicts);
    const said = pairs.map((): Said => ({ told: 'nothing', isNews: false, reason: 'same' }));
    for (const [n, at] of asked.entries()) {
      const { reason } = verdicts[n]!;
      const isNews = answers[at]!.digest !== atSource[at]!.digest;
      said[at] = { told: forgiven.has(n) ? 'nothing' : tellingOf(verdicts[n]!), isNews, reason };
    }
    return said;
  };

  return {
    judge: async (pairs) => {
      const states = pairs.map((): State => ({ told: 0, news: 0 }));
      for (const [index, neighbour] of set.neighbours.entries()) {
        const open = states.flatMap((state, at) => (state.difference || state.news >= enough ? [] : [at]));
        const said = await askNeighbour(
          neighbour,
          open.map((at) => pairs[at]!),
        );
        for (const [n, at] of open.entries()) {
          const { told, isNews, reason } = said[n]!;
          if (told === 'nothing') continue;
          states[at]!.told += 1;
          if (told === 'differs') states[at]!.difference = { neighbour: index, reason };
          else if (isNews) states[at]!.news += 1;
        }
      }
      return states.map(({ told, news, difference }) =>
        difference === undefined
          ? { match: news > 0 ? true : null, told }
          : { match: false, told, difference },
      );
    },
  };
}
