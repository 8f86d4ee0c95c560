/**
 * The published predictions that the official script calls right on its one database, and that neighbours tell apart from
 * their gold query (`strict`, columns in any order, 4 neighbours, seed 0). Each was read by hand against its question.
 * `faultyGold`: the gold is at fault, and the prediction answers the question as well or better.
 */
export interface Inspected {
  readonly file: 'graphix3b' | 'spider_pred_example';
  readonly rows: readonly number[];
  readonly why: string;
  readonly faultyGold?: true;
}

export const inspected: readonly Inspected[] = [
  {
    file: 'graphix3b',
    rows: [35, 36],
    why: 'groups by the name for the key: two singers of one name become one',
  },
  { file: 'graphix3b', rows: [83, 84], why: 'lacks the condition that the pet is a cat' },
  {
    file: 'graphix3b',
    rows: [387, 388],
    why: 'another spelling of the town; neither is the one that the table holds',
  },
  { file: 'graphix3b', rows: [423], why: 'the most tickets in sum, not at once' },
  {
    file: 'graphix3b',
    rows: [448],
    why: 'two columns for one: first and last name of the player, not the name of the winner; both empty on the source',
  },
  { file: 'graphix3b', rows: [453, 454], why: 'the youngest for the oldest; the table is empty' },
  { file: 'graphix3b', rows: [457, 458], why: 'another code of the left hand; the table is empty' },
  { file: 'graphix3b', rows: [459, 460], why: 'counts rankings for the number of tours; the table is empty' },
  {
    file: 'graphix3b',
    rows: [465, 466],
    why: 'orders by the points of the ranking list, not of the match; the tables are empty',
  },
  {
    file: 'graphix3b',
    rows: [485, 486],
    why: 'counts matches for winners, and another code of the left hand',
  },
  { file: 'graphix3b', rows: [488], why: 'the points of all matches in sum, not of one' },
  {
    file: 'graphix3b',
    rows: [687],
    why: 'counts the states; the gold counts rows, of which a state may have several',
    faultyGold: true,
  },
  {
    file: 'graphix3b',
    rows: [866, 867],
    why: 'each grade once, not the grade of each student; the script removes DISTINCT',
  },
  {
    file: 'spider_pred_example',
    rows: [14, 15],
    why: 'compares with the word "terminal"; empty as the gold is',
  },
  { file: 'spider_pred_example', rows: [51, 52], why: 'no join with the pets, and compares with "terminal"' },
  {
    file: 'spider_pred_example',
    rows: [55, 56],
    why: 'counts pets for kinds of pets; the script removes DISTINCT',
  },
  { file: 'spider_pred_example', rows: [59, 60], why: 'compares with "terminal"; empty as the gold is' },
  { file: 'spider_pred_example', rows: [387, 388], why: 'compares with "terminal"' },
  {
    file: 'spider_pred_example',
    rows: [397, 398],
    why: 'compares a count with "terminal", which is never less; empty as the gold is',
  },
  { file: 'spider_pred_example', rows: [431, 432], why: 'counts another table; both are empty' },
  {
    file: 'spider_pred_example',
    rows: [433, 434, 457, 458, 465, 466],
    why: 'compares with "terminal"; the tables are empty',
  },
  {
    file: 'spider_pred_example',
    rows: [441, 442, 443, 444],
    why: 'counts rows for values; the script removes DISTINCT',
  },
  {
    file: 'spider_pred_example',
    rows: [445, 446, 477, 478],
    why: 'compares a count with "terminal"; the tables are empty',
  },
  {
    file: 'spider_pred_example',
    rows: [447, 448, 449, 450, 451, 452],
    why: 'compares with "terminal"; the tables are empty',
  },
  { file: 'spider_pred_example', rows: [483, 484], why: 'one winner for three; the table is empty' },
  {
    file: 'spider_pred_example',
    rows: [485, 486],
    why: 'OR for AND, and compares with "terminal"; the table is empty',
  },
  {
    file: 'spider_pred_example',
    rows: [502],
    why: 'counts battles for results; the script removes DISTINCT',
  },
  {
    file: 'spider_pred_example',
    rows: [597, 598],
    why: 'counts channels for series and contents; the script removes DISTINCT',
  },
  {
    file: 'spider_pred_example',
    rows: [685, 686],
    why: 'counts people for nationalities; the script removes DISTINCT',
  },
  {
    file: 'spider_pred_example',
    rows: [693],
    why: 'lists votes for their states and dates; the script removes DISTINCT',
  },
  {
    file: 'spider_pred_example',
    rows: [906, 907],
    why: 'any student for the one with the most likes: one group a student',
  },
  {
    file: 'spider_pred_example',
    rows: [908, 909],
    why: 'no join with the likes, and compares a count with "terminal"',
  },
  {
    file: 'spider_pred_example',
    rows: [1032],
    why: 'every type of property, also those that no property has',
  },
];
