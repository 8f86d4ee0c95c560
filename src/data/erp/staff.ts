/** PROJSTAFF: who works on which project, from when to when, how much, at what price. */
import type { Random } from '../../foundation/random.ts';
import { type Day, isoOf, SNAPSHOT_DAY } from './dates.ts';
import { clamp, drawUntil, roundTo, skewed, type Weighted, weighted, weightedPool } from './draw.ts';
import type { Project } from './projects.ts';
import { isAssignable, type Resource } from './resources.ts';

export interface Assignment {
  readonly projectCode: string;
  readonly resourceId: number;
  readonly role: string;
  readonly assigned: Day;
  readonly released: Day | null;
  readonly allocationPct: number;
  readonly plannedHours: number;
  readonly actualHours: number | null;
  readonly billingRate: number | null;
}

const ROLES: Weighted<string> = [
  ['Developer', 30],
  ['Analyst', 22],
  ['Tester', 15],
  ['Architect', 8],
  ['Team Lead', 9],
  ['Coordinator', 10],
  ['Controller', 6],
];
const ALLOCATIONS: Weighted<number> = [
  [10, 8],
  [20, 14],
  [25, 10],
  [40, 10],
  [50, 24],
  [60, 8],
  [80, 12],
  [100, 14],
];

type Pick = (random: Random) => Resource;

interface Pools {
  readonly anyone: Pick;
  readonly ofDepartment: ReadonlyMap<string, Pick>;
}

/** A few people are on dozens of projects, most on a handful. */
function createPools(random: Random, resources: readonly Resource[]): Pools {
  const demand = new Map(resources.map((one) => [one.id, skewed(random, 1, 0.7)]));
  const assignable = resources.filter(isAssignable);
  const pool = (people: readonly Resource[]) => weightedPool(people, (one) => demand.get(one.id)!);
  const departments = new Set(assignable.map((one) => one.department));
  const ofDepartment = new Map(
    [...departments].map(
      (name) => [name, pool(assignable.filter((one) => one.department === name))] as const,
    ),
  );
  return { anyone: pool(assignable), ofDepartment };
}

/** Head counts that add up to `count`: none on planned projects and on some others, dozens on a few. */
function teamSizes(random: Random, projects: readonly Project[], count: number): number[] {
  const wishes = projects.map(({ status, budget, start }) => {
    if (start > SNAPSHOT_DAY || random.chance(status === 'Cancelled' ? 0.3 : 0.05)) return 0;
    return skewed(random, Math.sqrt(budget / 1000), 0.5);
  });
  const total = wishes.reduce((sum, wish) => sum + wish, 0);
  const sizes = wishes.map((wish) => (wish === 0 ? 0 : Math.max(1, Math.floor((wish / total) * count))));
  const staffed = sizes.map((_, index) => index).filter((index) => sizes[index]! > 0);
  let missing = count - sizes.reduce((sum, size) => sum + size, 0);
  for (; missing > 0; missing--) sizes[random.pick(staffed)]! += 1;
  return sizes;
}

function releaseDay(random: Random, project: Project, one: Resource, assigned: Day): Day | null {
  const projectEnd = project.end ?? Number.POSITIVE_INFINITY;
  const planned = assigned + Math.round(skewed(random, 160, 0.7)) + 5;
  const latest = Math.min(projectEnd, one.terminated ?? Number.POSITIVE_INFINITY);
  const isOver = project.status === 'Completed' || project.status === 'Cancelled';
  const staysOn =
    !isOver && one.terminated === null && random.chance(project.status === 'On Hold' ? 0.15 : 0.55);
  if (staysOn) return null;
  const day = Math.max(assigned, Math.min(planned, latest));
  if (day <= SNAPSHOT_DAY) return day;
  return isOver ? SNAPSHOT_DAY : null;
}

function hoursOf(
  random: Random,
  assigned: Day,
  released: Day | null,
  allocationPct: number,
  projectEnd: Day | null,
) {
  const until = released ?? Math.max(assigned + 30, Math.min(projectEnd ?? assigned + 240, assigned + 400));
  const weeks = Math.max(1, (until - assigned) / 7);
  const planned = Math.max(5, roundTo(weeks * 38 * (allocationPct / 100) * (0.8 + 0.3 * random.next()), 5));
  if (random.chance(0.03) || (released === null && SNAPSHOT_DAY - assigned < 20))
    return { planned, actual: null };
  const passed = released === null ? clamp((SNAPSHOT_DAY - assigned) / (until - assigned), 0.02, 1.2) : 1;
  const actual = Math.max(
    0.5,
    roundTo(planned * passed * clamp(0.98 + 0.18 * random.normal(), 0.4, 1.8), 0.5),
  );
  return { planned, actual };
}

function drawAssignment(
  random: Random,
  project: Project,
  pools: Pools,
  team: Set<number>,
): Assignment | undefined {
  const last = Math.min(project.end ?? SNAPSHOT_DAY, SNAPSHOT_DAY);
  const span = Math.max(0, last - project.start);
  const assigned = project.start + Math.floor(span * random.next() ** 2 * 0.95);
  const pool = random.chance(0.65) ? pools.ofDepartment.get(project.department)! : pools.anyone;
  const one = drawUntil(
    () => pool(random),
    ({ id, hired, terminated }) =>
      !team.has(id) && hired <= assigned && (terminated === null || terminated > assigned + 7),
    60,
  );
  if (one === undefined) return undefined;
  team.add(one.id);
  const released = releaseDay(random, project, one, assigned);
  const allocationPct = weighted(random, ALLOCATIONS);
  const hours = hoursOf(random, assigned, released, allocationPct, project.end);
  const isBillable = random.chance(project.companyId === null ? 0.02 : 0.82);
  return {
    projectCode: project.code,
    resourceId: one.id,
    role: weighted(random, ROLES),
    assigned,
    released,
    allocationPct,
    plannedHours: hours.planned,
    actualHours: hours.actual,
    billingRate: isBillable ? roundTo(one.hourlyRate * (1.3 + 0.9 * random.next()), 5) : null,
  };
}

export function drawAssignments(
  random: Random,
  projects: readonly Project[],
  resources: readonly Resource[],
  count: number,
): Assignment[] {
  const pools = createPools(random, resources);
  const sizes = teamSizes(random, projects, count);
  const staffed = projects.filter((_, index) => sizes[index]! > 0);
  const teams = new Map(projects.map((project) => [project.code, new Set<number>()]));
  const assignments: Assignment[] = [];
  const add = (project: Project) => {
    const assignment = drawAssignment(random, project, pools, teams.get(project.code)!);
    if (assignment !== undefined) assignments.push(assignment);
  };
  projects.forEach((project, index) => {
    for (let n = 0; n < sizes[index]!; n++) add(project);
  });
  for (let attempt = 0; assignments.length < count && attempt < count; attempt++) add(random.pick(staffed));
  // Entered as they happened, so that Staff_ID follows time and not the project.
  return assignments.sort((a, b) => a.assigned - b.assigned || a.resourceId - b.resourceId);
}

export function assignmentRow(one: Assignment, index: number) {
  return [
    index + 1,
    one.projectCode,
    one.resourceId,
    one.role,
    isoOf(one.assigned),
    one.released === null ? null : isoOf(one.released),
    one.allocationPct,
    one.plannedHours,
    one.actualHours,
    one.billingRate,
    one.billingRate === null ? 0 : 1,
  ];
}
