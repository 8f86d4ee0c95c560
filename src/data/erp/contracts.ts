/** PROJCNTRTS: what suppliers and subcontractors were hired for, each contract for one project. */
import type { Random } from '../../foundation/random.ts';
import type { Company } from './companies.ts';
import { type Day, isoOf, SNAPSHOT_DAY } from './dates.ts';
import {
  between,
  clamp,
  drawUntil,
  roundMoney,
  skewed,
  type Weighted,
  weighted,
  weightedPool,
} from './draw.ts';
import { currencyOf } from './places.ts';
import type { Project } from './projects.ts';

export type ContractStatus = 'Draft' | 'Signed' | 'Expired' | 'Terminated';

export interface Contract {
  readonly projectCode: string;
  readonly companyId: number;
  readonly type: string;
  readonly status: ContractStatus;
  readonly value: number;
  readonly currency: string;
  readonly signed: Day | null;
  readonly start: Day;
  readonly end: Day | null;
  readonly paymentTerms: number;
  readonly penaltyPct: number | null;
}

const TYPES: Weighted<string> = [
  ['Fixed Price', 44],
  ['Time and Materials', 33],
  ['Cost Plus', 10],
  ['Retainer', 13],
];
const PAYMENT_TERMS: Weighted<number> = [
  [14, 10],
  [30, 48],
  [45, 14],
  [60, 20],
  [90, 8],
];
const PENALTIES: Weighted<number | null> = [
  [null, 46],
  [0.5, 8],
  [1, 12],
  [2, 12],
  [2.5, 6],
  [5, 12],
  [10, 4],
];

/** A contract of a project starts within it and usually ends with it at the latest. */
function drawWindow(random: Random, project: Project): { start: Day; end: Day | null } {
  const last = Math.min(project.end ?? SNAPSHOT_DAY + 90, Math.max(project.start, SNAPSHOT_DAY) + 120);
  const start = between(
    random,
    project.start,
    project.start + Math.floor(Math.max(0, last - project.start) * 0.8),
  );
  if (random.chance(project.end === null ? 0.4 : 0.05)) return { start, end: null };
  const length = Math.round(skewed(random, 200, 0.6)) + 14;
  const end = start + length;
  return { start, end: project.end === null ? end : Math.max(start, Math.min(end, project.end)) };
}

function statusOf(random: Random, project: Project, start: Day, end: Day | null): ContractStatus {
  if (start > SNAPSHOT_DAY - 21 && random.chance(start > SNAPSHOT_DAY ? 0.75 : 0.4)) return 'Draft';
  if (random.chance(project.status === 'Cancelled' ? 0.6 : 0.04)) return 'Terminated';
  return end !== null && end < SNAPSHOT_DAY ? 'Expired' : 'Signed';
}

function signatureDay(random: Random, company: Company, start: Day): Day {
  const latest = Math.min(start, SNAPSHOT_DAY);
  return Math.max(company.registered, latest - Math.floor(75 * random.next() ** 1.5));
}

function drawValue(random: Random, budget: number): number {
  const share = clamp(skewed(random, 0.035, 1.1), 0.002, 0.6);
  return roundMoney(Math.max(1_500 * (1 + random.next()), budget * share), random.chance(0.6) ? 2 : 3);
}

type Pick = (random: Random) => Company;

function drawContract(random: Random, project: Project, supplier: Pick): Contract | undefined {
  const { start, end } = drawWindow(random, project);
  const company = drawUntil(
    () => supplier(random),
    (one) => one.registered <= Math.min(start, SNAPSHOT_DAY) && one.id !== project.companyId,
    200,
  );
  if (company === undefined) return undefined;
  const status = statusOf(random, project, start, end);
  return {
    projectCode: project.code,
    companyId: company.id,
    type: weighted(random, TYPES),
    status,
    value: drawValue(random, project.budget),
    currency: random.chance(0.12) ? 'EUR' : currencyOf(company.country),
    signed: status === 'Draft' ? null : signatureDay(random, company, start),
    start,
    end,
    paymentTerms: weighted(random, PAYMENT_TERMS),
    penaltyPct: weighted(random, PENALTIES),
  };
}

/** A few suppliers hold most contracts, some none; now and then a client is contracted too. */
function supplierPool(random: Random, companies: readonly Company[]): Pick {
  const share = { Supplier: 1, Subcontractor: 0.9, Partner: 0.5, Client: 0.02 } as const;
  const demand = companies.map(
    (one) => share[one.type] * skewed(random, 1, 0.9) * (random.chance(0.06) ? 0 : 1),
  );
  return weightedPool(companies, (one) => demand[one.id - 1]!);
}

export function drawContracts(
  random: Random,
  projects: readonly Project[],
  companies: readonly Company[],
  count: number,
): Contract[] {
  const supplier = supplierPool(random, companies);
  const appetite = projects.map(({ budget, status }) =>
    random.chance(0.07) ? 0 : skewed(random, Math.sqrt(budget) * (status === 'Planned' ? 0.3 : 1), 0.6),
  );
  const project = weightedPool(projects, (one) => appetite[one.id - 1]!);
  const contracts: Contract[] = [];
  for (let attempt = 0; contracts.length < count && attempt < count * 4; attempt++) {
    const contract = drawContract(random, project(random), supplier);
    if (contract !== undefined) contracts.push(contract);
  }
  return contracts.sort((a, b) => (a.signed ?? a.start) - (b.signed ?? b.start) || a.companyId - b.companyId);
}

export function contractRow(one: Contract, index: number) {
  return [
    index + 1,
    `CT-${String(index + 1).padStart(5, '0')}`,
    one.projectCode,
    one.companyId,
    one.type,
    one.status,
    one.value,
    one.currency,
    one.signed === null ? null : isoOf(one.signed),
    isoOf(one.start),
    one.end === null ? null : isoOf(one.end),
    one.paymentTerms,
    one.penaltyPct,
  ];
}
