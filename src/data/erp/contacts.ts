/** SRM_CONTACTS: the people at the companies; some companies have none. */
import type { Random } from '../../foundation/random.ts';
import type { Company } from './companies.ts';
import { type Day, isoOf, SNAPSHOT_DAY } from './dates.ts';
import { between, type Weighted, weighted } from './draw.ts';
import type { PersonNames } from './people.ts';
import { PHONE_PREFIX } from './places.ts';

export interface Contact {
  readonly id: number;
  readonly companyId: number;
  readonly name: string;
  readonly jobTitle: string;
  readonly email: string | null;
  readonly phone: string | null;
  readonly isPrimary: 0 | 1;
  readonly lastContact: Day | null;
}

const JOB_TITLES: Weighted<string> = [
  ['Purchasing Manager', 20],
  ['Account Manager', 18],
  ['Finance Director', 8],
  ['Project Coordinator', 12],
  ['Sales Representative', 12],
  ['Chief Executive Officer', 4],
  ['Legal Counsel', 5],
  ['Operations Manager', 9],
  ['IT Manager', 7],
  ['Office Assistant', 5],
];

function emailOf(name: string, company: Company): string {
  const user = name.toLowerCase().replaceAll(' ', '.');
  return `${user}@${company.name.toLowerCase().replaceAll(' ', '-')}.example`;
}

function phoneOf(random: Random, company: Company): string {
  return `${PHONE_PREFIX[company.country] ?? '+49'} ${between(random, 20, 99)} ${between(random, 1_000_000, 9_999_999)}`;
}

function lastContactDay(random: Random, company: Company): Day {
  const span = SNAPSHOT_DAY - company.registered;
  return SNAPSHOT_DAY - Math.floor(span * random.next() ** 2.5);
}

function drawContact(
  random: Random,
  names: PersonNames,
  company: Company,
  isPrimary: boolean,
): Omit<Contact, 'id'> {
  const name = names.next();
  return {
    companyId: company.id,
    name,
    jobTitle: weighted(random, JOB_TITLES),
    email: random.chance(0.08) ? null : emailOf(name, company),
    phone: random.chance(0.15) ? null : phoneOf(random, company),
    isPrimary: isPrimary ? 1 : 0,
    lastContact: random.chance(isPrimary ? 0.04 : 0.18) ? null : lastContactDay(random, company),
  };
}

/** How many contacts each company has: none for about one in twelve, many for a few. */
function contactCounts(random: Random, companies: readonly Company[], count: number): number[] {
  const counts: number[] = companies.map(() => (random.chance(0.08) ? 0 : 1));
  const eager = companies.map(() => Math.exp(0.8 * random.normal()));
  const open = companies.map((_, index) => index).filter((index) => counts[index] === 1);
  let left = count - open.length;
  for (; left > 0; left--) counts[random.pickWeighted(open, (index) => eager[index]!)]! += 1;
  return counts;
}

export function drawContacts(
  random: Random,
  names: PersonNames,
  companies: readonly Company[],
  count: number,
): Contact[] {
  const counts = contactCounts(random, companies, count);
  const contacts: Contact[] = [];
  companies.forEach((company, index) => {
    const hasPrimary = random.chance(0.96);
    for (let n = 0; n < counts[index]!; n++) {
      contacts.push({
        id: contacts.length + 1,
        ...drawContact(random, names, company, hasPrimary && n === 0),
      });
    }
  });
  return contacts;
}

export function contactRow(contact: Contact) {
  const { id, companyId, name, jobTitle, email, phone, isPrimary, lastContact } = contact;
  return [
    id,
    companyId,
    name,
    jobTitle,
    email,
    phone,
    isPrimary,
    lastContact === null ? null : isoOf(lastContact),
  ];
}
