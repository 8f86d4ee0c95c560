/** PAC_MNT_PROJECTS: programmes with up to two levels of children, and single projects. */
import type { Random } from '../../foundation/random.ts';
import type { Company } from './companies.ts';
import { type Day, dayOf, isoOf, SNAPSHOT_DAY, yearOf } from './dates.ts';
import { between, clamp, drawUntil, roundMoney, skewed, type Weighted, weighted } from './draw.ts';
import { PROJECT_CITIES } from './places.ts';
import { type ProjectPlan, type ProjectType, planProjects } from './project-plans.ts';
import type { Resource } from './resources.ts';

export type ProjectStatus = 'Active' | 'Completed' | 'On Hold' | 'Planned' | 'Cancelled';

export interface Project {
  readonly id: number;
  readonly code: string;
  readonly name: string;
  readonly parentId: number | null;
  readonly companyId: number | null;
  readonly managerId: number | null;
  readonly department: string;
  readonly type: ProjectType;
  readonly status: ProjectStatus;
  readonly priority: string;
  readonly city: string;
  readonly budget: number;
  readonly actualCost: number | null;
  readonly fiscalYear: number;
  readonly start: Day;
  readonly end: Day | null;
}

const PRIORITIES: Weighted<string> = [
  ['Low', 22],
  ['Medium', 43],
  ['High', 26],
  ['Critical', 9],
];
const BUDGET_MEDIAN: Readonly<Record<ProjectType, number>> = {
  Client: 420_000,
  Internal: 90_000,
  Capital: 1_600_000,
  Maintenance: 130_000,
  Research: 260_000,
};
const START_LATEST = dayOf('2026-03-31');

interface Window {
  readonly start: Day;
  readonly end: Day | null;
}

/** A child lies within its parent; a project at the top starts anywhere from 2019 to early 2026. */
function drawWindow(random: Random, parent: Window | undefined, hasChildren: boolean): Window {
  const first = parent === undefined ? dayOf('2019-01-07') : parent.start + random.int(60);
  const last = parent === undefined ? START_LATEST : Math.min(START_LATEST, (parent.end ?? first + 500) - 90);
  const start = between(random, first, Math.max(first, last));
  if (random.chance(parent === undefined ? 0.07 : 0.03)) return { start, end: parent?.end ?? null };
  const length = clamp(
    Math.round(skewed(random, hasChildren ? 700 : 300, 0.6)),
    hasChildren ? 300 : 45,
    1600,
  );
  const end = start + length;
  return { start, end: parent?.end === undefined || parent.end === null ? end : Math.min(end, parent.end) };
}

function statusOf(random: Random, { start, end }: Window): ProjectStatus {
  if (start > SNAPSHOT_DAY) return random.chance(0.94) ? 'Planned' : 'Cancelled';
  if (end !== null && end <= SNAPSHOT_DAY) {
    return weighted<ProjectStatus>(random, [
      ['Completed', 83],
      ['Cancelled', 8],
      ['Active', 6],
      ['On Hold', 3],
    ]);
  }
  return weighted<ProjectStatus>(random, [
    ['Active', 82],
    ['On Hold', 11],
    ['Cancelled', 7],
  ]);
}

/** Spent so far: the share of the time that has passed times how the project is doing; three in ten overrun. */
function actualCost(random: Random, status: ProjectStatus, window: Window, budget: number): number | null {
  if (status === 'Planned' || window.start > SNAPSHOT_DAY - 30) return null;
  if (random.chance(0.02)) return null;
  const thrift = clamp(0.93 + 0.15 * random.normal() + (random.chance(0.08) ? 0.35 : 0), 0.45, 1.9);
  const length = (window.end ?? window.start + 900) - window.start;
  const elapsed = clamp((SNAPSHOT_DAY - window.start) / length, 0.02, 1);
  const share =
    status === 'Completed' ? 1 : status === 'Active' ? elapsed : elapsed * (0.1 + 0.6 * random.next());
  return Math.max(100, Math.round((budget * thrift * share) / 50) * 50);
}

function clientOf(random: Random, clients: readonly Company[], type: ProjectType, start: Day): number | null {
  const share = { Client: 1, Maintenance: 0.6, Capital: 0.25, Research: 0.3, Internal: 0 }[type];
  if (!random.chance(share)) return null;
  // Early clients of the list get the most projects, a third of them none.
  const draw = () => clients[Math.floor(clients.length * 0.68 * random.next() ** 1.8)]!;
  const client = drawUntil(draw, (one) => one.registered <= start, 200);
  return client === undefined ? null : client.id;
}

function managerOf(
  random: Random,
  resources: readonly Resource[],
  plan: ProjectPlan,
  window: Window,
  status: ProjectStatus,
) {
  if (random.chance(status === 'Planned' ? 0.3 : 0.03)) return null;
  const until = Math.min(window.end ?? SNAPSHOT_DAY, SNAPSHOT_DAY);
  const fits = (one: Resource) =>
    one.grade >= 4 &&
    one.type !== 'Intern' &&
    one.hired <= Math.min(window.start, SNAPSHOT_DAY) &&
    (one.terminated === null || one.terminated >= until);
  const isNear = random.chance(0.85);
  const manager = drawUntil(
    () => random.pick(resources),
    (one) => fits(one) && (!isNear || one.department === plan.department),
    400,
  );
  return manager?.id ?? null;
}

function approvalYear(random: Random, start: Day): number {
  const year = yearOf(start);
  // Work that starts in the first quarter was often approved in the year before.
  const isEarly = start - dayOf(`${year}-01-01`) < 90;
  return clamp(isEarly && random.chance(0.4) ? year - 1 : year, 2019, 2025);
}

export function drawProjects(
  random: Random,
  companies: readonly Company[],
  resources: readonly Resource[],
  count: number,
): Project[] {
  const clients = random.shuffle(companies.filter(({ type }) => type === 'Client' || type === 'Partner'));
  const windows: Window[] = [];
  return planProjects(random, count).map((plan, index) => {
    const parent = plan.parentId === null ? undefined : windows[plan.parentId - 1];
    const window = drawWindow(random, parent, plan.hasChildren);
    windows.push(window);
    const status = statusOf(random, window);
    const budget = roundMoney(skewed(random, BUDGET_MEDIAN[plan.type] * (plan.hasChildren ? 2 : 1), 0.85), 3);
    return {
      id: index + 1,
      code: `PRJ-${String(index + 1).padStart(4, '0')}`,
      name: plan.name,
      parentId: plan.parentId,
      companyId: clientOf(random, clients, plan.type, Math.min(window.start, SNAPSHOT_DAY)),
      managerId: managerOf(random, resources, plan, window, status),
      department: plan.department,
      type: plan.type,
      status,
      priority: weighted(random, PRIORITIES),
      city: weighted(random, PROJECT_CITIES),
      budget,
      actualCost: actualCost(random, status, window, budget),
      fiscalYear: approvalYear(random, window.start),
      start: window.start,
      end: window.end,
    };
  });
}

export function projectRow(project: Project) {
  return [
    project.id,
    project.code,
    project.name,
    project.parentId,
    project.companyId,
    project.managerId,
    project.department,
    project.type,
    project.status,
    project.priority,
    project.city,
    project.budget,
    project.actualCost,
    project.fiscalYear,
    isoOf(project.start),
    project.end === null ? null : isoOf(project.end),
  ];
}
