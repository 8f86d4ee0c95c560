/** SRM_COMPANIES: independent companies and groups with subsidiaries. */
import type { Random } from '../../foundation/random.ts';
import { COMPANY_LEADS, GROUP_MEMBERS, INDUSTRY_TRADES } from './company-names.ts';
import { type Day, FIRST_DAY, isoOf, SNAPSHOT_DAY } from './dates.ts';
import { between, drawUntil, roundMoney, skewed, type Weighted, weighted } from './draw.ts';
import { COMPANY_PLACES } from './places.ts';

export type CompanyType = 'Client' | 'Supplier' | 'Subcontractor' | 'Partner';

export interface Company {
  readonly id: number;
  readonly code: string;
  readonly name: string;
  readonly type: CompanyType;
  readonly industry: string;
  readonly city: string;
  readonly country: string;
  readonly status: 'Active' | 'Inactive' | 'Blocked';
  readonly creditLimit: number | null;
  readonly rating: number | null;
  readonly registered: Day;
  readonly parentId: number | null;
}

const TYPES: Weighted<CompanyType> = [
  ['Client', 44],
  ['Supplier', 28],
  ['Subcontractor', 19],
  ['Partner', 9],
];
const STATUSES: Weighted<Company['status']> = [
  ['Active', 84],
  ['Inactive', 12],
  ['Blocked', 4],
];
const INDUSTRIES: Weighted<string> = [
  ['Energy', 16],
  ['Construction', 18],
  ['Software', 17],
  ['Logistics', 14],
  ['Healthcare', 11],
  ['Retail', 10],
  ['Banking', 8],
  ['Telecom', 6],
];
const RATINGS: Weighted<number | null> = [
  [null, 18],
  [1, 4],
  [2, 11],
  [3, 27],
  [4, 26],
  [5, 14],
];
const CREDIT_MEDIAN: Readonly<Record<CompanyType, number>> = {
  Client: 400_000,
  Partner: 250_000,
  Supplier: 120_000,
  Subcontractor: 80_000,
};

interface Seat {
  readonly name: string;
  readonly industry: string;
  readonly parentId: number | null;
}

/** Names first: a group's members share its lead word, so that they can be asked for together. */
function planNames(random: Random, count: number): Seat[] {
  const seats: Seat[] = [];
  const taken = new Set<string>();
  const leads = random.shuffle(COMPANY_LEADS);
  const add = (name: string, industry: string, parentId: number | null) => {
    taken.add(name);
    seats.push({ name, industry, parentId });
    return seats.length;
  };
  for (const lead of leads.slice(0, 18)) {
    const group = add(`${lead} Group`, weighted(random, INDUSTRIES), null);
    for (const [member, industry] of random.shuffle(GROUP_MEMBERS).slice(0, between(random, 2, 6))) {
      const child = add(`${lead} ${member}`, industry, group);
      if (random.chance(0.25))
        add(`${lead} ${member} ${random.pick(['North', 'South', 'Iberia', 'Asia'])}`, industry, child);
    }
  }
  const standalone = leads.slice(18);
  while (seats.length < count) {
    const industry = weighted(random, INDUSTRIES);
    const name = drawUntil(
      () => `${random.pick(standalone)} ${random.pick(INDUSTRY_TRADES[industry]!)}`,
      (candidate) => !taken.has(candidate),
      1000,
    );
    if (name !== undefined) add(name, industry, null);
  }
  return seats.slice(0, count);
}

function registrationDay(random: Random): Day {
  // Half of them were entered when the system was new; the rest came evenly.
  const span = SNAPSHOT_DAY - 20 - FIRST_DAY;
  return FIRST_DAY + Math.floor(span * (random.chance(0.5) ? random.next() ** 3 : random.next()));
}

function drawCompany(random: Random, seat: Seat, id: number): Company {
  const type = weighted(random, TYPES);
  const { city, country } = weighted(random, COMPANY_PLACES);
  const isGroup = seat.name.endsWith(' Group');
  return {
    id,
    code: `C${String(id).padStart(4, '0')}`,
    name: seat.name,
    type: isGroup && random.chance(0.6) ? 'Client' : type,
    industry: seat.industry,
    city,
    country,
    status: weighted(random, STATUSES),
    creditLimit: random.chance(0.15) ? null : roundMoney(skewed(random, CREDIT_MEDIAN[type], 0.9), 2),
    rating: weighted(random, RATINGS),
    registered: isGroup ? FIRST_DAY + random.int(120) : registrationDay(random),
    parentId: seat.parentId,
  };
}

export function drawCompanies(random: Random, count: number): Company[] {
  return planNames(random, count).map((seat, index) => drawCompany(random, seat, index + 1));
}

export function companyRow(company: Company) {
  const { id, code, name, type, industry, city, country, status, creditLimit, rating } = company;
  return [
    id,
    code,
    name,
    type,
    industry,
    city,
    country,
    status,
    creditLimit,
    rating,
    isoOf(company.registered),
    company.parentId,
  ];
}
