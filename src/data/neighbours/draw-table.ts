/** Draws the rows of one table of a neighbour: rows kept and changed, new ones, and those that queries need. */
import type { SqlValue } from '../../database/execution.ts';
import { type ColumnSource, createColumnSource, createKeySource, keyOf } from './column-source.ts';
import { fillDecided } from './draw-decided.ts';
import { fillLinks } from './draw-links.ts';
import type { DrawnTable, DrawOptions, Entry, Planted } from './drawn-table.ts';
import type { ColumnProfile, TableProfile } from './profile.ts';
import type { Style } from './styles.ts';

/** Rows that a primary key or a unique index would refuse are left out; the first one stays. */
function withoutClashes(entries: readonly Entry[], sets: readonly (readonly number[])[]): Entry[] {
  const taken = sets.map(() => new Set<string>());
  return entries.filter(({ row }) => {
    const keys = sets.map((set) =>
      set.some((at) => row[at] === null) ? undefined : set.map((at) => keyOf(row[at]!)).join('\0'),
    );
    if (keys.some((key, at) => key !== undefined && taken[at]!.has(key))) return false;
    for (const [at, key] of keys.entries()) if (key !== undefined) taken[at]!.add(key);
    return true;
  });
}

function fillColumn(
  entries: readonly Entry[],
  at: number,
  source: ColumnSource,
  { style, random }: DrawOptions,
): void {
  const firstOfPlan = new Map<number, SqlValue>();
  for (const { row, isKept, planted } of entries) {
    const plan = planted?.plans[0];
    if (planted?.wanted.has(at)) row[at] = planted.wanted.get(at)!;
    else if (planted?.agree && !source.isDistinct && firstOfPlan.has(plan!)) {
      row[at] = firstOfPlan.get(plan!)!;
    } else {
      const isStaying = isKept && !random.chance(style.changedShare) && !source.isTaken(row[at]!);
      if (!isStaying) row[at] = source.draw();
      if (plan !== undefined) firstOfPlan.set(plan, row[at]!);
    }
    source.use(row[at]!);
  }
}

/**
 * Where a name must not repeat, the plans that want it share one row, as far as they want the same of it; what contradicts
 * that row is not planted.
 */
function shareNames(
  planted: readonly Planted[],
  { columns }: TableProfile,
  style: Style,
): readonly Planted[] {
  const named = style.repeatsTexts ? [] : columns.flatMap((column, at) => (isSingular(column) ? [at] : []));
  const known = new Map<string, Planted>();
  const shared: Planted[] = [];
  for (const own of planted) {
    const keys = named.flatMap((at) => (own.wanted.has(at) ? [`${at} ${keyOf(own.wanted.get(at)!)}`] : []));
    const key = keys.find((name) => known.has(name));
    const other = key === undefined ? undefined : known.get(key)!;
    const isContrary = [...own.wanted].some(([at, value]) => (other?.wanted.get(at) ?? value) !== value);
    if (other !== undefined && isContrary) continue;
    const row =
      other === undefined
        ? own
        : {
            ...other,
            plans: [...new Set([...other.plans, ...own.plans])],
            wanted: new Map([...other.wanted, ...own.wanted]),
          };
    if (other === undefined) shared.push(row);
    else shared[shared.indexOf(other)] = row;
    for (const name of keys) known.set(name, row);
    if (key !== undefined) for (const [name, entry] of known) if (entry === other) known.set(name, row);
  }
  return shared;
}

const isSingular = ({ role, values }: ColumnProfile): boolean =>
  role === 'key' || (role === 'value' && values.isNameLike);

function startEntries(profile: TableProfile, options: DrawOptions): Entry[] {
  const { table, columns } = profile;
  const { style, random, rowsMax, rowsMin } = options;
  const kept = table.rows.filter(() => random.chance(style.keptShare)).slice(0, rowsMax);
  const wanted = Math.min(rowsMax, Math.max(rowsMin, Math.round(table.rows.length * style.growth)));
  const copy = (): SqlValue[] =>
    table.rows.length === 0 ? columns.map(() => null) : [...random.pick(table.rows)];
  return [
    ...shareNames(options.planted, profile, style).map((own) => ({
      row: copy(),
      isKept: false,
      planted: own,
    })),
    ...kept.map((row) => ({ row: [...row], isKept: true, planted: undefined })),
    ...Array.from({ length: Math.max(0, wanted - kept.length) }, () => ({
      row: copy(),
      isKept: false,
      planted: undefined,
    })),
  ];
}

export function drawTable(profile: TableProfile, options: DrawOptions): DrawnTable {
  const { table, columns, dependencies } = profile;
  const { style, random } = options;
  const entries = startEntries(profile, options);
  columns.forEach((column, at) => {
    const own = random.fork(`column ${at}`);
    if (column.role === 'key') {
      const nextKey = createKeySource(column, own);
      for (const { row, isKept, planted } of entries)
        if (!isKept) row[at] = planted?.wanted.get(at) ?? nextKey();
    } else if (column.role === 'value' && !dependencies.has(at)) {
      const source = createColumnSource(column, style, own, entries.length);
      fillColumn(entries, at, source, { ...options, random: own });
    }
  });
  fillLinks(entries, profile, options);
  fillDecided(entries, profile, random);

  const sets = [table.primaryKey, ...table.uniques].filter((set) => set.length > 0);
  const survivors = withoutClashes(entries, sets);
  const planted = new Map<number, SqlValue[][]>();
  for (const entry of survivors) {
    for (const plan of entry.planted?.plans ?? [])
      planted.set(plan, [...(planted.get(plan) ?? []), entry.row]);
  }
  // Mixed, so that no query finds the planted rows first.
  return { rows: random.shuffle(survivors.map(({ row }) => row)), planted };
}
