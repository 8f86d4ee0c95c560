/** Where the cells of one column of a neighbour come from, as its style wants them. */
import type { SqlValue } from '../../database/execution.ts';
import type { Random } from '../../foundation/random.ts';
import { freshValue } from './column-values.ts';
import type { ColumnProfile } from './profile.ts';
import type { Style } from './styles.ts';
import { inTiers } from './tiers.ts';

/** Under which two values are the same key; a number and its text are, as for the comparison of unlike columns. */
export function keyOf(value: SqlValue): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
}

export interface ColumnSource {
  /** A value, not yet remembered as used. */
  readonly draw: () => SqlValue;
  /** Whether the style wants no second one of it. */
  readonly isTaken: (value: SqlValue) => boolean;
  readonly use: (value: SqlValue) => void;
  /** Texts that must not repeat: not even where a query would like two rows to agree. */
  readonly isDistinct: boolean;
}

const ATTEMPTS = 12;

const greatestOf = (values: readonly SqlValue[]): SqlValue =>
  values.reduce((greatest, value) => (value! > greatest! ? value : greatest), values[0]!);

function mostFrequentOf(values: readonly SqlValue[]): SqlValue | undefined {
  const counts = new Map<SqlValue, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

export function createColumnSource(
  { values, constants, choices }: ColumnProfile,
  style: Style,
  random: Random,
  size: number,
): ColumnSource {
  const { kind } = values;
  const used = new Set<string>();
  const isQuantity = kind === 'amount' || kind === 'date';
  const isDistinct = values.isNameLike && !style.repeatsTexts;
  const allowed = allowedOf();
  const palette = paletteOf();
  const nextInTiers = inTiers(random.shuffle(allowed));

  /** The values to choose from, less the one that the style leaves out. */
  function allowedOf(): readonly SqlValue[] {
    const isClosed = kind === 'category' || kind === 'code';
    if (!isClosed || choices.length < 2 || style.omits === 'none') return choices;
    const omitted = style.omits === 'greatest' ? greatestOf(choices) : mostFrequentOf(values.observed);
    return choices.filter((value) => value !== omitted);
  }
  /** Few values where the style wants many repeats. */
  function paletteOf(): readonly SqlValue[] {
    const variety = kind === 'text' ? Math.max(3, Math.ceil(size * 0.6)) : 2 + random.int(4);
    const few: SqlValue[] = random.shuffle(allowed).slice(0, variety);
    while (kind === 'text' && few.length < variety) few.push(freshValue(values, random));
    return few;
  }
  /** Beyond what was observed, once everything within is taken. */
  function beyond(): SqlValue {
    if (kind === 'amount') {
      const value = Math.ceil(values.high) + used.size;
      return values.isNumberAsText ? String(value) : value;
    }
    const value = freshValue(values, random);
    return kind === 'text' ? `${String(value)} ${used.size + 100}` : value;
  }
  function fresh(): SqlValue {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const value = freshValue(values, random);
      if (!used.has(keyOf(value))) return value;
    }
    return beyond();
  }
  const isTaken = (value: SqlValue): boolean =>
    value !== null && (isDistinct || (style.isSpread && isQuantity)) && used.has(keyOf(value));
  function drawAny(): SqlValue {
    if (random.chance(values.nullShare)) return null;
    if (isDistinct) return fresh();
    if (style.isTiered && !isQuantity && allowed.length > 0) return nextInTiers();
    if (constants.length > 0 && random.chance(style.constantShare)) return random.pick(constants);
    if (style.repeatsTexts) return palette.length === 0 ? null : random.pick(palette);
    if (isQuantity && (style.isSpread || random.chance(0.5))) return fresh();
    if (kind === 'text' && random.chance(0.3)) return fresh();
    if (allowed.length === 0) return null;
    const observed = random.pick(values.observed.length === 0 ? allowed : values.observed);
    return random.chance(0.5) && allowed.includes(observed) ? observed : random.pick(allowed);
  }
  return {
    isDistinct,
    isTaken,
    draw: () => {
      const value = drawAny();
      return isTaken(value) ? fresh() : value;
    },
    use: (value) => void used.add(keyOf(value)),
  };
}

/** New values of a column that a constraint makes unique. */
export function createKeySource({ values }: ColumnProfile, random: Random): () => SqlValue {
  let next = Math.floor(values.high) + 1;
  return () => {
    next += random.chance(0.2) ? 2 : 1;
    if (values.kind === 'amount' || values.kind === 'code')
      return values.isNumberAsText ? String(next) : next;
    return values.kind === 'other' ? null : `${String(random.pick(values.observed))} ${next}`;
  };
}
