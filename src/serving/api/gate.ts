/** How many questions are worked on at once, and how many may wait. Who finds no place is told when to come again. */
import { draining, overloaded } from '../http/answer.ts';
import { createRate } from '../rewards/rate.ts';

export interface GateLimits {
  readonly runningMax: number;
  readonly waitingMax: number;
}

export interface Gate {
  /**
   * Resolves to the way out. Throws `http/overloaded` where too many wait (who is patient waits all the same), and the
   * signal's reason if it is aborted first.
   */
  enter(signal: AbortSignal, options?: { readonly isPatient?: boolean }): Promise<() => void>;
  /** Throws what `enter` would throw now. */
  refuseIfFull(): void;
  readonly running: number;
  readonly waiting: number;
  /** From now on nobody enters; who waits is sent away. */
  close(): void;
}

interface Waiter {
  readonly admit: () => void;
  readonly refuse: (error: unknown) => void;
}

export function createGate({ runningMax, waitingMax }: GateLimits): Gate {
  const rate = createRate();
  const waiters = new Set<Waiter>();
  let running = 0;
  let isClosed = false;

  const leaveOnce = (): (() => void) => {
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      rate.add(1);
      const next = waiters.values().next().value;
      // The place goes on to who waited longest; nobody who comes in between can take it.
      if (next === undefined) running -= 1;
      else {
        waiters.delete(next);
        next.admit();
      }
    };
  };

  const refuseIfFull = (): void => {
    if (isClosed) throw draining();
    if (running >= runningMax && waiters.size >= waitingMax)
      throw overloaded(`${running + waiters.size} questions wait already`, rate.secondsFor(waiters.size + 1));
  };

  return {
    refuseIfFull,
    get running() {
      return running;
    },
    get waiting() {
      return waiters.size;
    },
    enter: async (signal, { isPatient = false } = {}) => {
      if (isClosed) throw draining();
      if (!isPatient) refuseIfFull();
      signal.throwIfAborted();
      if (running >= runningMax) {
        await new Promise<void>((resolve, reject) => {
          const giveUp = (): void => {
            waiters.delete(waiter);
            reject(signal.reason);
          };
          const done = (): void => signal.removeEventListener('abort', giveUp);
          const waiter: Waiter = {
            admit: () => {
              done();
              resolve();
            },
            refuse: (error) => {
              done();
              reject(error);
            },
          };
          waiters.add(waiter);
          signal.addEventListener('abort', giveUp, { once: true });
        });
      } else running += 1;
      return leaveOnce();
    },
    close: () => {
      isClosed = true;
      for (const { refuse } of waiters) refuse(draining());
      waiters.clear();
    },
  };
}
