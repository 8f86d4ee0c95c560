/** Which parent each row refers to: a part of the parents, some far more often than others, some never. */
import type { SqlValue } from '../../database/execution.ts';
import type { Random } from '../../foundation/random.ts';
import { keyOf } from './column-source.ts';
import type { DrawOptions, Entry, TableRows } from './drawn-table.ts';
import type { TableProfile } from './profile.ts';
import type { Link } from './source.ts';
import type { Style } from './styles.ts';
import { inTiers } from './tiers.ts';

/** How often a row keeps to a foreign key that the source breaks too, or that only a query speaks of. */
const LOOSE_LINK_SHARE = 0.7;

interface Parents {
  /** Whether the row refers to one that is in use. */
  readonly hasParentOf: (row: readonly SqlValue[]) => boolean;
  readonly pick: () => readonly SqlValue[] | undefined;
}

function keyOfColumns(row: readonly SqlValue[], columns: readonly number[]): string {
  return columns.map((column) => keyOf(row[column]!)).join('\0');
}

/** One child for the first parent, two for the second, …; without tiers the first ones are merely preferred. */
function chooseParents(
  link: Link,
  rows: TableRows,
  { usedParentShare, isTiered }: Style,
  random: Random,
): Parents {
  const used = random.shuffle(rows).slice(0, Math.max(1, Math.ceil(rows.length * usedParentShare)));
  const keys = new Set(used.map((row) => keyOfColumns(row, link.targets)));
  return {
    hasParentOf: (row) => keys.has(keyOfColumns(row, link.columns)),
    pick: isTiered ? inTiers(used) : () => used[Math.floor(random.next() ** 2 * used.length)],
  };
}

function refer(row: SqlValue[], link: Link, parent: readonly SqlValue[]): void {
  link.columns.forEach((column, at) => {
    row[column] = parent[link.targets[at]!]!;
  });
}

export function fillLinks(
  entries: readonly Entry[],
  { table, columns, links }: TableProfile,
  options: DrawOptions,
): void {
  const { style, random, drawn } = options;
  links.forEach((link, number) => {
    const own = random.fork(`link ${number}`);
    const isSelf = link.parent === table.name;
    const rows = isSelf ? entries.map(({ row }) => row) : (drawn.get(link.parent)?.rows ?? []);
    const parents = chooseParents(link, rows, style, own);
    const { observed, nullShare } = columns[link.columns[0]!]!.values;
    const redraw = (row: SqlValue[]) => {
      const parent = own.chance(nullShare) ? null : parents.pick();
      if (parent === null) for (const column of link.columns) row[column] = null;
      else if (!link.isValid && observed.length > 0 && !own.chance(LOOSE_LINK_SHARE)) {
        row[link.columns[0]!] = own.pick(observed);
      } else if (parent !== undefined) refer(row, link, parent);
    };
    for (const { row, isKept, planted } of entries) {
      const wanted = link.columns.filter((column) => planted?.wanted.has(column));
      const plan = planted?.plans.find((candidate) => drawn.get(link.parent)?.planted.has(candidate));
      const relatives = plan === undefined || isSelf ? undefined : drawn.get(link.parent)!.planted.get(plan);
      // A pair of rows of one table is made of two different ones.
      const before = links.slice(0, number).filter((other) => other.parent === link.parent).length;
      const relative = relatives?.[(planted!.at + before) % relatives.length];
      if (wanted.length > 0) for (const column of wanted) row[column] = planted!.wanted.get(column)!;
      else if (relative !== undefined) refer(row, link, relative);
      else if (!isKept || !parents.hasParentOf(row) || own.chance(style.changedShare)) redraw(row);
    }
  });
}

/**
 * The rows of all tables with valid foreign keys mended: where tables refer to each other one is drawn before its parents,
 * and a parent may have been left out because its key was taken.
 */
export function mendLinks(
  drawn: ReadonlyMap<string, TableRows>,
  profiles: ReadonlyMap<string, TableProfile>,
  random: Random,
): ReadonlyMap<string, TableRows> {
  const mended = new Map([...drawn].map(([name, rows]) => [name, rows.map((row) => [...row])] as const));
  for (const [name, { links }] of profiles) {
    for (const link of links) {
      const parents = mended.get(link.parent) ?? [];
      if (!link.isValid || parents.length === 0) continue;
      const keys = new Set(parents.map((row) => keyOfColumns(row, link.targets)));
      for (const row of mended.get(name)!) {
        const isSet = link.columns.every((column) => row[column] !== null);
        if (isSet && !keys.has(keyOfColumns(row, link.columns))) refer(row, link, random.pick(parents));
      }
    }
  }
  return mended;
}
