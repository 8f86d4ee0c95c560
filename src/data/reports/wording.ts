/** How the clauses of a report are said: columns in a row, an order, a limit, and all of it put into sentences. */
import type { Random } from '../../foundation/random.ts';
import { capitalised } from '../../schema/words.ts';
import { sayNumber } from '../synthesis/context.ts';

/** "a, b and c" in one of the ways people list columns. */
export function listed(random: Random, items: readonly string[]): string {
  const [first, ...rest] = items;
  const last = rest.pop();
  if (first === undefined) return '';
  if (last === undefined) return first;
  if (rest.length > 0 && random.chance(0.1)) return [first, ...rest, last].join(', then ');
  if (random.chance(0.12)) return [first, ...rest, last].join(random.pick([', ', '; ', ' / ']));
  const and = random.pick([' and ', ' and ', ' and ', ', and ', ' as well as ', ' plus ', ' along with ']);
  return `${[first, ...rest].join(', ')}${and}${last}`;
}

/** A head and what is said after it, as one sentence or as several; what is undefined is not said. */
export function sentences(random: Random, head: string, tails: readonly (string | undefined)[]): string {
  const isCapital = random.chance(0.75);
  let text = isCapital ? capitalised(head) : head;
  const usual = random.pick([', ', '; ', '. ', '. ', ' - ', ', ']);
  let isOpen = /^(?:which|how|what|who)\b[^?]*$/i.test(head) && random.chance(0.5);
  for (const tail of tails.filter((each) => each !== undefined)) {
    const separator = isOpen ? '? ' : random.chance(0.75) ? usual : random.pick([', ', '; ', '. ']);
    isOpen = false;
    const isNew = separator === '. ' || separator === '? ';
    text += `${separator}${isNew && isCapital ? capitalised(tail) : tail}`;
  }
  return `${text}${isOpen ? '?' : random.pick(['.', '.', ''])}`;
}

export interface Order {
  readonly sql: string;
  readonly said: string;
}

export type OrderKind = 'number' | 'date' | 'text';

/** Texts are asked for from A to Z. */
const saidOrders: Readonly<
  Record<'numberDown' | 'numberUp' | 'dateDown' | 'dateUp' | 'textUp', readonly string[]>
> = {
  numberDown: [
    '{x} descending',
    'sorted by {x} from high to low',
    'largest {x} first',
    'in descending order of {x}',
    'highest {x} on top',
    'ordered by {x}, biggest first',
    'by {x} downwards',
    'sort it by {x}, largest first',
    'start with the largest {x}',
    'ranked by {x}',
  ],
  numberUp: [
    '{x} ascending',
    'sorted by {x} from low to high',
    'smallest {x} first',
    'in ascending order of {x}',
    'lowest {x} on top',
    'ordered by {x}, smallest first',
    'by {x} upwards',
    'start with the smallest {x}',
  ],
  dateDown: [
    'latest {x} first',
    'newest {x} on top',
    'sorted by {x}, most recent first',
    '{x} descending',
    'in descending order of {x}',
    'by {x}, newest first',
  ],
  dateUp: [
    'earliest {x} first',
    'oldest {x} on top',
    'sorted by {x}, earliest first',
    'in chronological order of {x}',
    'by {x}, oldest first',
    '{x} ascending',
  ],
  textUp: [
    'alphabetically by {x}',
    '{x} from A to Z',
    'sorted by {x}',
    'in alphabetical order of {x}',
    'ordered by {x}',
    'by {x}',
  ],
};

const tieWords = [
  'ties by {x}',
  'equal ones by {x}',
  '{x} breaking ties',
  'then by {x}',
  'then {x}',
  'where equal by {x}',
  'with {x} as the tie-break',
  'and by {x} within that',
];

/** "largest total value first, ties by name". */
export function order(
  random: Random,
  first: { readonly sql: string; readonly noun: string; readonly kind: OrderKind },
  then?: { readonly sql: string; readonly noun: string },
): Order {
  const isDown = first.kind !== 'text' && random.chance(0.72);
  const words = random.pick(
    first.kind === 'text' ? saidOrders.textUp : saidOrders[`${first.kind}${isDown ? 'Down' : 'Up'}`],
  );
  const said = words.replace('{x}', () => first.noun);
  const sql = `${first.sql}${isDown ? ' DESC' : ''}`;
  if (then === undefined) return { sql, said };
  const tie = random.pick(tieWords).replace('{x}', () => then.noun);
  return { sql: `${sql}, ${then.sql}`, said: `${said}, ${tie}` };
}

/** "only the first 5". */
export function limited(random: Random, n: number): string {
  const said = sayNumber(random, n);
  return random
    .pick([
      'only the first {n}',
      'just the top {n}',
      'top {n} only',
      'limit it to {n}',
      'the first {n} will do',
      'show no more than the first {n}',
      'cut after {n}',
      'only {n} lines',
    ])
    .replace('{n}', () => said);
}
