/** PAC_MNT_RESOURCES: the firm's people in a tree of line managers, at most five levels below the top. */
import type { Random } from '../../foundation/random.ts';
import { type Day, dayOf, FIRST_DAY, isoOf, SNAPSHOT_DAY } from './dates.ts';
import { DEPARTMENT_SHARES, DEPARTMENTS, type Department } from './departments.ts';
import { between, clamp, roundTo, type Weighted, weighted } from './draw.ts';
import type { PersonNames } from './people.ts';
import { OFFICE_CITIES } from './places.ts';

export type ResourceType = 'Employee' | 'Contractor' | 'Consultant' | 'Intern';

export interface Resource {
  readonly id: number;
  readonly code: string;
  readonly name: string;
  readonly type: ResourceType;
  readonly department: string;
  readonly jobTitle: string;
  readonly skill: string | null;
  readonly grade: number;
  readonly city: string;
  readonly hourlyRate: number;
  readonly hired: Day;
  readonly terminated: Day | null;
  readonly managerId: number | null;
}

const TYPES: Weighted<ResourceType> = [
  ['Employee', 70],
  ['Contractor', 15],
  ['Consultant', 10],
  ['Intern', 5],
];
const GRADES: Weighted<number> = [
  [1, 14],
  [2, 24],
  [3, 27],
  [4, 20],
  [5, 11],
  [6, 4],
];
const RATE_OF_GRADE = [0, 32, 41, 52, 64, 79, 98, 125];
const RATE_FACTOR: Readonly<Record<ResourceType, number>> = {
  Employee: 1,
  Contractor: 1.35,
  Consultant: 1.7,
  Intern: 0.6,
};

/** What is fixed by a person's place in the tree; the rest is drawn. */
interface Post {
  readonly department: Department;
  readonly jobTitle?: string;
  readonly grade?: number;
  readonly managerId: number | null;
  readonly isLeader: boolean;
}

function hireDay(random: Random, isLeader: boolean): Day {
  if (isLeader) return FIRST_DAY + random.int(500);
  const span = SNAPSHOT_DAY - 14 - FIRST_DAY;
  // A third was there when the records begin; after that the firm grew evenly.
  return FIRST_DAY + (random.chance(0.33) ? random.int(240) : random.int(span));
}

function terminationDay(random: Random, hired: Day, type: ResourceType): Day | null {
  const leaves = random.chance(type === 'Employee' ? 0.14 : type === 'Intern' ? 0.55 : 0.3);
  if (!leaves) return null;
  const latest = type === 'Intern' ? hired + 360 : SNAPSHOT_DAY;
  const day = hired + between(random, 90, Math.max(90, latest - hired));
  return day < SNAPSHOT_DAY ? day : null;
}

function drawResource(random: Random, names: PersonNames, post: Post, id: number): Resource {
  const type = post.isLeader ? 'Employee' : weighted(random, TYPES);
  const grade = type === 'Intern' ? 1 : (post.grade ?? weighted(random, GRADES));
  const hired = hireDay(random, post.isLeader);
  const rate = RATE_OF_GRADE[grade]! * RATE_FACTOR[type] * (1 + 0.08 * clamp(random.normal(), -2, 2));
  return {
    id,
    code: `R${String(id).padStart(5, '0')}`,
    name: names.next(),
    type,
    department: post.department.name,
    jobTitle: post.jobTitle ?? random.pick(post.department.jobTitles),
    skill: random.chance(0.12) ? null : random.pick(post.department.skills),
    grade,
    city: weighted(random, OFFICE_CITIES),
    hourlyRate: roundTo(rate, 0.5),
    hired,
    terminated: post.isLeader ? null : terminationDay(random, hired, type),
    managerId: post.managerId,
  };
}

const TOP_TITLES = ['Chief Executive Officer', 'Chief Operating Officer', 'Chief Financial Officer'];

export function drawResources(random: Random, names: PersonNames, count: number): Resource[] {
  const resources: Resource[] = [];
  const add = (post: Post): number => {
    resources.push(drawResource(random, names, post, resources.length + 1));
    return resources.length;
  };
  const lead = (department: Department, jobTitle: string, grade: number, managerId: number | null) =>
    add({ department, jobTitle, grade, managerId, isLeader: true });

  const operations = DEPARTMENTS.find((department) => department.name === 'Operations')!;
  const tops = TOP_TITLES.map((title) => lead(operations, title, 7, null));
  const teamLeads = new Map<string, number[]>();
  for (const department of DEPARTMENTS) {
    const top =
      department.name === 'Finance' || department.name === 'Procurement'
        ? tops[2]!
        : random.pick(tops.slice(0, 2));
    const head = lead(department, `Head of ${department.name}`, 7, top);
    const leads: number[] = [];
    for (let manager = 0; manager < 1 + department.share / 8; manager++) {
      const managerId = lead(department, 'Department Manager', 6, head);
      for (let n = between(random, 2, 4); n > 0; n--) leads.push(lead(department, 'Team Lead', 5, managerId));
    }
    teamLeads.set(department.name, leads);
  }
  while (resources.length < count) {
    const department = weighted(random, DEPARTMENT_SHARES);
    const leads = teamLeads.get(department.name)!;
    // The first teams of a department are the large ones.
    const managerId = leads[Math.floor(leads.length * random.next() ** 1.4)]!;
    add({ department, managerId, isLeader: false });
  }
  return withSupervisedInterns(random, resources);
}

/** Interns report to an experienced colleague of their department, one level below the team leads. */
function withSupervisedInterns(random: Random, resources: readonly Resource[]): Resource[] {
  const mentors = resources.filter(
    (one) => one.type === 'Employee' && one.grade >= 3 && one.grade <= 4 && one.terminated === null,
  );
  return resources.map((one) => {
    if (one.type !== 'Intern') return one;
    const near = mentors.filter((mentor) => mentor.department === one.department && mentor.hired < one.hired);
    return near.length === 0 ? one : { ...one, managerId: random.pick(near).id };
  });
}

/** Those who joined in the last weeks, and a few others, are on no project. */
export function isAssignable(resource: Resource): boolean {
  return resource.hired < dayOf('2025-05-15') && resource.id % 17 !== 0;
}

export function resourceRow(one: Resource) {
  return [
    one.id,
    one.code,
    one.name,
    one.type,
    one.department,
    one.jobTitle,
    one.skill,
    one.grade,
    one.city,
    one.hourlyRate,
    isoOf(one.hired),
    one.terminated === null ? null : isoOf(one.terminated),
    one.managerId,
  ];
}
