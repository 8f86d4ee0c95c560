/** Calendar days as integers (days since 1970-01-01, UTC), so that date arithmetic has no time zone. */

const DAY_MS = 86_400_000;

/** Days since the epoch. */
export type Day = number;

export function dayOf(iso: string): Day {
  return Math.round(Date.parse(`${iso}T00:00:00Z`) / DAY_MS);
}

export function isoOf(day: Day): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

export function yearOf(day: Day): number {
  return new Date(day * DAY_MS).getUTCFullYear();
}

/** "Today" in the data: nothing that has happened lies after it. */
export const SNAPSHOT_DAY: Day = dayOf('2025-06-30');

/** The first day that anything in the data bears. */
export const FIRST_DAY: Day = dayOf('2018-01-02');
