/** Neighbours of the databases that an evaluation asks: built in a temporary folder, and removed with it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgreementJudge, createAgreementJudge } from '../../data/neighbours/agreement.ts';
import { buildNeighbours } from '../../data/neighbours/neighbours.ts';
import type { Sandbox } from '../../database/sandbox.ts';

export interface NeighbourKeeper {
  /**
   * Of one database. Its gold queries alone say which values the neighbours have: whoever is judged, they are the same.
   */
  judgeOf(databasePath: string, golds: readonly string[]): Promise<AgreementJudge>;
  /** Waits for what is being built, so that nothing is written into a folder that is gone. */
  close(): Promise<void>;
}

export interface KeepNeighboursOptions {
  readonly sandbox: Sandbox;
  /** Of each database. */
  readonly count: number;
}

export async function keepNeighbours({ sandbox, count }: KeepNeighboursOptions): Promise<NeighbourKeeper> {
  const directory = await mkdtemp(join(tmpdir(), 'querent-neighbours-'));
  let building: Promise<unknown> = Promise.resolve();
  return {
    judgeOf: async (databasePath, queries) => {
      const built = buildNeighbours({ databasePath, queries, count, directory });
      building = Promise.allSettled([building, built]);
      return createAgreementJudge({ sandbox, neighbours: await built });
    },
    close: async () => {
      await building;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
