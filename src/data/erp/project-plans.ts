/** Which projects there are – name, kind, place in the hierarchy – before anything about time or money is known. */
import type { Random } from '../../foundation/random.ts';
import { DEPARTMENT_SHARES } from './departments.ts';
import { between, drawUntil, type Weighted, weighted } from './draw.ts';
import {
  OBJECTS,
  PHASES,
  PROGRAMME_CODE_NAMES,
  PROGRAMME_ENDINGS,
  WORKS,
  WORKSTREAMS,
} from './project-names.ts';

export type ProjectType = 'Client' | 'Internal' | 'Capital' | 'Maintenance' | 'Research';

export interface ProjectPlan {
  readonly name: string;
  /** One-based position of the parent in the list, which is its Project_ID. */
  readonly parentId: number | null;
  readonly department: string;
  readonly type: ProjectType;
  readonly hasChildren: boolean;
}

const TYPES: Weighted<ProjectType> = [
  ['Client', 46],
  ['Internal', 20],
  ['Capital', 12],
  ['Maintenance', 14],
  ['Research', 8],
];

function planProgramme(random: Random, codeName: string, plans: ProjectPlan[]): void {
  const department = weighted(random, DEPARTMENT_SHARES).name;
  const type = weighted(random, TYPES);
  plans.push({
    name: `${codeName} ${random.pick(PROGRAMME_ENDINGS)}`,
    parentId: null,
    department,
    type,
    hasChildren: true,
  });
  const programmeId = plans.length;
  for (const workstream of random.shuffle(WORKSTREAMS).slice(0, between(random, 3, 8))) {
    const phases = random.chance(0.14) ? PHASES.slice(0, between(random, 2, 3)) : [];
    const own = random.chance(0.8) ? department : weighted(random, DEPARTMENT_SHARES).name;
    const name = `${codeName} ${workstream}`;
    plans.push({ name, parentId: programmeId, department: own, type, hasChildren: phases.length > 0 });
    const workstreamId = plans.length;
    for (const phase of phases) {
      plans.push({
        name: `${name} ${phase}`,
        parentId: workstreamId,
        department: own,
        type,
        hasChildren: false,
      });
    }
  }
}

function planSingle(random: Random, taken: ReadonlySet<string>): ProjectPlan | undefined {
  const department = weighted(random, DEPARTMENT_SHARES).name;
  const type = weighted(random, TYPES);
  const name = drawUntil(
    () => `${random.pick(OBJECTS[department]!)} ${random.pick(WORKS[type]!)}`,
    (candidate) => !taken.has(candidate),
    50,
  );
  return name === undefined ? undefined : { name, parentId: null, department, type, hasChildren: false };
}

/** Parents come before their children. */
export function planProjects(random: Random, count: number): ProjectPlan[] {
  const plans: ProjectPlan[] = [];
  const codeNames = random.shuffle(PROGRAMME_CODE_NAMES);
  const programmeCount = Math.min(codeNames.length, Math.floor(count / 15));
  const singles: ProjectPlan[] = [];
  const taken = new Set<string>();
  for (const codeName of codeNames.slice(0, programmeCount)) planProgramme(random, codeName, plans);
  for (let attempt = 0; plans.length + singles.length < count && attempt < count * 20; attempt++) {
    const single = planSingle(random, taken);
    if (single === undefined) continue;
    taken.add(single.name);
    singles.push(single);
  }
  return [...plans, ...singles].slice(0, count);
}
