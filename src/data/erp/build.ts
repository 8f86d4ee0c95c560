/**
 * Builds the ERP demonstration database of `datasets/erp/schema.sql` from a seed: same seed, same bytes.
 * Knows how rows become a file; what the rows say is in the files beside it.
 */
import { join } from 'node:path';
import type { SqlValue } from '../../database/execution.ts';
import { type Sqlite3Static, sharedSqlite } from '../../database/wasm.ts';
import { packageRoot, readTextFile, writeFileAtomic } from '../../foundation/files.ts';
import { createRandom } from '../../foundation/random.ts';
import { companyRow, drawCompanies } from './companies.ts';
import { contactRow, drawContacts } from './contacts.ts';
import { contractRow, drawContracts } from './contracts.ts';
import { createPersonNames } from './people.ts';
import { drawProjects, projectRow } from './projects.ts';
import { drawResources, resourceRow } from './resources.ts';
import { assignmentRow, drawAssignments } from './staff.ts';

export const ERP_TABLES = [
  'SRM_COMPANIES',
  'SRM_CONTACTS',
  'PAC_MNT_RESOURCES',
  'PAC_MNT_PROJECTS',
  'PROJSTAFF',
  'PROJCNTRTS',
] as const;

export type ErpTable = (typeof ERP_TABLES)[number];
export type ErpRowCounts = Readonly<Record<ErpTable, number>>;
type ErpRows = Readonly<Record<ErpTable, readonly (readonly SqlValue[])[]>>;

export const ERP_SEED = 7;

export const ERP_ROW_COUNTS: ErpRowCounts = {
  SRM_COMPANIES: 400,
  SRM_CONTACTS: 1_200,
  PAC_MNT_RESOURCES: 1_500,
  PAC_MNT_PROJECTS: 800,
  PROJSTAFF: 12_000,
  PROJCNTRTS: 6_000,
};

/** As a database administrator would index it; without these a correlated subquery scans whole tables. */
const INDEXES = `
CREATE INDEX IX_CONTACTS_COMPANY ON SRM_CONTACTS(Company_ID);
CREATE INDEX IX_RESOURCES_MANAGER ON PAC_MNT_RESOURCES(Manager_ID);
CREATE INDEX IX_PROJECTS_PARENT ON PAC_MNT_PROJECTS(Parent_Project_ID);
CREATE INDEX IX_PROJECTS_COMPANY ON PAC_MNT_PROJECTS(Company_ID);
CREATE INDEX IX_PROJECTS_MANAGER ON PAC_MNT_PROJECTS(Manager_ID);
CREATE INDEX IX_STAFF_PROJECT ON PROJSTAFF(Project_Code);
CREATE INDEX IX_STAFF_RESOURCE ON PROJSTAFF(Resource_ID);
CREATE INDEX IX_CONTRACTS_PROJECT ON PROJCNTRTS(Project_Code);
CREATE INDEX IX_CONTRACTS_COMPANY ON PROJCNTRTS(Company_ID);`;

function drawRows(seed: number): ErpRows {
  const random = createRandom(seed);
  const fork = (label: string) => random.fork(label);
  const namesTaken = new Set<string>();
  const contactNames = createPersonNames(fork('contact-names'), namesTaken);
  const resourceNames = createPersonNames(fork('resource-names'), namesTaken);
  const companies = drawCompanies(fork('companies'), ERP_ROW_COUNTS.SRM_COMPANIES);
  const contacts = drawContacts(fork('contacts'), contactNames, companies, ERP_ROW_COUNTS.SRM_CONTACTS);
  const resources = drawResources(fork('resources'), resourceNames, ERP_ROW_COUNTS.PAC_MNT_RESOURCES);
  const projects = drawProjects(fork('projects'), companies, resources, ERP_ROW_COUNTS.PAC_MNT_PROJECTS);
  const assignments = drawAssignments(fork('staff'), projects, resources, ERP_ROW_COUNTS.PROJSTAFF);
  const contracts = drawContracts(fork('contracts'), projects, companies, ERP_ROW_COUNTS.PROJCNTRTS);
  return {
    SRM_COMPANIES: companies.map(companyRow),
    SRM_CONTACTS: contacts.map(contactRow),
    PAC_MNT_RESOURCES: resources.map(resourceRow),
    PAC_MNT_PROJECTS: projects.map(projectRow),
    PROJSTAFF: assignments.map(assignmentRow),
    PROJCNTRTS: contracts.map(contractRow),
  };
}

function serialise(sqlite: Sqlite3Static, ddl: string, rows: ErpRows): Uint8Array {
  const database = new sqlite.oo1.DB(':memory:');
  try {
    database.exec('PRAGMA page_size = 4096; PRAGMA journal_mode = OFF;');
    database.exec('BEGIN');
    database.exec(ddl);
    for (const table of ERP_TABLES) {
      const placeholders = rows[table][0]!.map(() => '?').join(', ');
      const insert = database.prepare(`INSERT INTO ${table} VALUES (${placeholders})`);
      for (const row of rows[table]) insert.bind([...row]).stepReset();
      insert.finalize();
    }
    database.exec(INDEXES);
    database.exec('COMMIT');
    return sqlite.capi.sqlite3_js_db_export(database);
  } finally {
    database.close();
  }
}

/** Writes the whole file or nothing. */
export async function buildErpDatabase(options: {
  readonly path: string;
  readonly seed?: number;
}): Promise<{ readonly path: string; readonly rowCounts: ErpRowCounts }> {
  const ddl = await readTextFile(join(packageRoot(), 'datasets', 'erp', 'schema.sql'), 'ERP schema');
  const rows = drawRows(options.seed ?? ERP_SEED);
  const bytes = serialise(await sharedSqlite(), ddl, rows);
  await writeFileAtomic(options.path, bytes);
  const rowCounts = Object.fromEntries(ERP_TABLES.map((table) => [table, rows[table].length]));
  return { path: options.path, rowCounts: rowCounts as ErpRowCounts };
}
