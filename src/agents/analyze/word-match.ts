/** How well a word of a question fits a word of a name. Knows English endings; knows no schema and no meaning. */
import { singularOf } from '../../schema/words.ts';

/** Words that say how to ask, not what about. */
export const plainWords: ReadonlySet<string> = new Set(
  (
    'a about above after all also am an and any are as ask at average be been before being below best between bottom but by can compare compute could count date day days ' +
    'did different display distinct do does done each either equal every exactly fewer fewest fetch find first for from get give given greater had has have having he her here highest him his how i if in ' +
    'include including into is it its just kind last least less let like list lowest many maximum me mean min minimum max month months more most much must my name need new next no none nor not now number of off ' +
    'old on once one only or order other our out over own per percent percentage please provide rank ranked return same she should show since so some sort sorted such sum tell than that the their them then there these ' +
    'they this those three through times to today together top total two under unique until up us use using value values versus very want was we were what when where whether which while who whom whose why will with within ' +
    'without would year years yet you your both anything everything currently ever still same see know look across against along among around because during itself themselves something someone'
  ).split(/\s+/),
);

/** One form for singular and plural, and for the commonest endings of verbs. */
export function stemOf(word: string): string {
  const one = singularOf(word);
  if (/^\p{L}{7,}$/u.test(one) && one.endsWith('ing')) return one.slice(0, -3).replace(/(.)\1$/, '$1');
  if (/^\p{L}{6,}$/u.test(one) && one.endsWith('ed')) return one.slice(0, -2).replace(/(.)\1$/, '$1');
  if (/^\p{L}{5,}$/u.test(one) && one.endsWith('e')) return one.slice(0, -1);
  return one;
}

/** In [0, 1]: 1 for the same stem, less where one begins as the other does ("manager", "management"). */
export function likeness(a: string, b: string): number {
  if (a === b) return 1;
  const shorter = Math.min(a.length, b.length);
  if (shorter < 4) return 0;
  let shared = 0;
  while (shared < shorter && a[shared] === b[shared]) shared += 1;
  const share = shared / Math.max(a.length, b.length);
  if (shared < 4 || share < 0.6) return 0;
  return shared === shorter ? 0.4 + 0.4 * share : 0.6 * share;
}
