/** What each department's people are called, can do and are paid. */
import type { Weighted } from './draw.ts';

export interface Department {
  readonly name: string;
  readonly share: number;
  readonly jobTitles: readonly string[];
  readonly skills: readonly string[];
}

export const DEPARTMENTS: readonly Department[] = [
  {
    name: 'Engineering',
    share: 30,
    jobTitles: ['Mechanical Engineer', 'Electrical Engineer', 'Design Engineer', 'Site Engineer'],
    skills: ['CAD', 'Scheduling', 'Structural Analysis', 'Python', 'Commissioning'],
  },
  {
    name: 'IT',
    share: 22,
    jobTitles: [
      'Software Developer',
      'Business Analyst',
      'Data Engineer',
      'Solution Architect',
      'Test Engineer',
    ],
    skills: ['Java', 'Python', 'SQL', 'SAP', 'Testing', 'DevOps'],
  },
  {
    name: 'Operations',
    share: 16,
    jobTitles: ['Operations Planner', 'Logistics Coordinator', 'Quality Inspector', 'Maintenance Technician'],
    skills: ['Scheduling', 'Logistics', 'SAP', 'Quality Management'],
  },
  {
    name: 'Finance',
    share: 9,
    jobTitles: ['Financial Controller', 'Accountant', 'Financial Analyst'],
    skills: ['Accounting', 'SAP', 'Controlling', 'SQL'],
  },
  {
    name: 'Research',
    share: 8,
    jobTitles: ['Research Scientist', 'Data Scientist', 'Laboratory Engineer'],
    skills: ['Python', 'Statistics', 'Machine Learning', 'Prototyping'],
  },
  {
    name: 'Procurement',
    share: 6,
    jobTitles: ['Buyer', 'Contract Manager', 'Category Manager'],
    skills: ['Negotiation', 'SAP', 'Contract Law'],
  },
  {
    name: 'Marketing',
    share: 5,
    jobTitles: ['Marketing Specialist', 'Content Designer', 'Market Analyst'],
    skills: ['Copywriting', 'Market Research', 'Graphic Design'],
  },
  {
    name: 'Human Resources',
    share: 4,
    jobTitles: ['Recruiter', 'HR Business Partner', 'Training Officer'],
    skills: ['Recruiting', 'Training', 'Labour Law'],
  },
];

export const DEPARTMENT_SHARES: Weighted<Department> = DEPARTMENTS.map((department) => [
  department,
  department.share,
]);
