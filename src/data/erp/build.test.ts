import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharedSqlite } from '../../database/wasm.ts';
import { packageRoot } from '../../foundation/files.ts';
import { buildErpDatabase, ERP_ROW_COUNTS, ERP_TABLES } from './build.ts';

let folder: string;
let query: (sql: string) => unknown[][];
let close: () => void;

const digest = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'erp-'));
  await buildErpDatabase({ path: join(folder, 'erp.sqlite'), seed: 7 });
  const sqlite = await sharedSqlite();
  const bytes = new Uint8Array(await readFile(join(folder, 'erp.sqlite')));
  const database = new sqlite.oo1.DB(':memory:');
  const pointer = sqlite.wasm.allocFromTypedArray(bytes);
  sqlite.capi.sqlite3_deserialize(
    database.pointer!,
    'main',
    pointer,
    bytes.byteLength,
    bytes.byteLength,
    sqlite.capi.SQLITE_DESERIALIZE_FREEONCLOSE,
  );
  query = (sql) => database.exec(sql, { rowMode: 'array', returnValue: 'resultRows' }) as unknown[][];
  close = () => database.close();
});

afterAll(async () => {
  close();
  await rm(folder, { recursive: true, force: true });
});

describe('the ERP database', () => {
  test('has the six tables with the stated number of rows, whole and with sound keys', () => {
    for (const table of ERP_TABLES) {
      expect(query(`SELECT COUNT(*) FROM ${table}`)).toEqual([[ERP_ROW_COUNTS[table]]]);
    }
    expect(query('PRAGMA foreign_key_check')).toEqual([]);
    expect(query('PRAGMA integrity_check')).toEqual([['ok']]);
  });

  test('keeps the comments of the schema file', () => {
    const [[sql]] = query("SELECT sql FROM sqlite_master WHERE name = 'PROJSTAFF'") as [[string]];
    expect(sql).toContain('-- Assignments: who works on which project');
    expect(sql).toContain('-- NULL while still assigned');
  });

  test('every value that the schema file lists occurs, and no other', async () => {
    const ddl = await readFile(join(packageRoot(), 'datasets', 'erp', 'schema.sql'), 'utf8');
    let table = '';
    let checked = 0;
    for (const line of ddl.split('\n')) {
      table = /CREATE TABLE (\w+)/.exec(line)?.[1] ?? table;
      const column = /^ {2}(\w+) .*-- (.+)$/.exec(line);
      if (column === null) continue;
      const listed = column[2]!.split(', ');
      const isClosedList = listed.length >= 3 && listed.every((word) => /^[A-Z][\w ]+$/.test(word));
      if (!isClosedList) continue;
      const found = query(`SELECT DISTINCT ${column[1]} FROM ${table}`).map(([value]) => value);
      expect(found.sort(), `${table}.${column[1]}`).toEqual(listed.sort());
      checked += 1;
    }
    expect(checked).toBeGreaterThanOrEqual(12);
  });

  test.each([
    ['a project ends before it starts', 'PAC_MNT_PROJECTS WHERE End_Date < Start_Date'],
    [
      'a child lies outside its parent',
      'PAC_MNT_PROJECTS c JOIN PAC_MNT_PROJECTS p ON c.Parent_Project_ID = p.Project_ID WHERE c.Start_Date < p.Start_Date OR c.End_Date > p.End_Date',
    ],
    [
      'a person is assigned before being hired, after leaving, or stays on after leaving',
      'PROJSTAFF s JOIN PAC_MNT_RESOURCES r ON s.Resource_ID = r.Resource_ID WHERE Assigned_Date < Hire_Date OR Assigned_Date > Termination_Date OR Release_Date > Termination_Date OR (Release_Date IS NULL AND Termination_Date IS NOT NULL)',
    ],
    [
      'an assignment lies outside its project',
      'PROJSTAFF s JOIN PAC_MNT_PROJECTS p ON s.Project_Code = p.Project_Code WHERE Assigned_Date < Start_Date OR Assigned_Date > End_Date OR Release_Date < Assigned_Date OR Release_Date > End_Date',
    ],
    ['billable and the rate disagree', 'PROJSTAFF WHERE (Is_Billable = 1) <> (Billing_Rate IS NOT NULL)'],
    [
      'a contract is signed after it starts or with an unknown company',
      'PROJCNTRTS k JOIN SRM_COMPANIES c ON k.Company_ID = c.Company_ID WHERE Signed_Date > Start_Date OR Signed_Date < Registered_Date OR End_Date < Start_Date',
    ],
    [
      'a draft is signed or the other way round',
      "PROJCNTRTS WHERE (Status = 'Draft') <> (Signed_Date IS NULL)",
    ],
    [
      'an internal project has a client',
      "PAC_MNT_PROJECTS WHERE Project_Type = 'Internal' AND Company_ID IS NOT NULL",
    ],
    [
      'work is booked on a planned project',
      "PAC_MNT_PROJECTS WHERE Status = 'Planned' AND Actual_Cost IS NOT NULL",
    ],
    [
      'an assignment lies in the future',
      "PROJSTAFF WHERE Assigned_Date > '2025-06-30' OR Release_Date > '2025-06-30'",
    ],
    ['a signature lies in the future', "PROJCNTRTS WHERE Signed_Date > '2025-06-30'"],
    [
      'a hire or a leave lies in the future',
      "PAC_MNT_RESOURCES WHERE Hire_Date > '2025-06-30' OR Termination_Date > '2025-06-30'",
    ],
    [
      'a company or a call lies in the future',
      "SRM_COMPANIES JOIN SRM_CONTACTS USING (Company_ID) WHERE Registered_Date > '2025-06-30' OR Last_Contact_Date > '2025-06-30' OR Last_Contact_Date < Registered_Date",
    ],
    [
      'a project that has begun is planned',
      "PAC_MNT_PROJECTS WHERE Status = 'Planned' AND Start_Date <= '2025-06-30'",
    ],
    [
      'a main contact is not the only one',
      'SRM_CONTACTS WHERE Is_Primary = 1 GROUP BY Company_ID HAVING COUNT(*) > 1',
    ],
  ])('never: %s', (_, from) => {
    expect(query(`SELECT * FROM ${from}`)).toEqual([]);
  });

  test.each([
    ['projects over budget', 'PAC_MNT_PROJECTS WHERE Actual_Cost > Budget'],
    [
      'clients without projects',
      "SRM_COMPANIES c WHERE Company_Type = 'Client' AND NOT EXISTS (SELECT 1 FROM PAC_MNT_PROJECTS p WHERE p.Company_ID = c.Company_ID)",
    ],
    [
      'started projects without staff',
      "PAC_MNT_PROJECTS p WHERE Status = 'Active' AND NOT EXISTS (SELECT 1 FROM PROJSTAFF s WHERE s.Project_Code = p.Project_Code)",
    ],
    [
      'companies without contacts',
      'SRM_COMPANIES WHERE Company_ID NOT IN (SELECT Company_ID FROM SRM_CONTACTS)',
    ],
    [
      'resources never assigned',
      'PAC_MNT_RESOURCES WHERE Resource_ID NOT IN (SELECT Resource_ID FROM PROJSTAFF)',
    ],
    ['projects without a manager', 'PAC_MNT_PROJECTS WHERE Manager_ID IS NULL'],
    ['open-ended projects', 'PAC_MNT_PROJECTS WHERE End_Date IS NULL'],
    ['people who bear the same name', 'PAC_MNT_RESOURCES GROUP BY Resource_Name HAVING COUNT(*) > 1'],
    [
      'subsidiaries of subsidiaries',
      'SRM_COMPANIES c JOIN SRM_COMPANIES p ON c.Parent_Company_ID = p.Company_ID WHERE p.Parent_Company_ID IS NOT NULL',
    ],
    [
      'projects three levels down',
      'PAC_MNT_PROJECTS c JOIN PAC_MNT_PROJECTS p ON c.Parent_Project_ID = p.Project_ID WHERE p.Parent_Project_ID IS NOT NULL',
    ],
  ])('there are some: %s', (_, from) => {
    expect(query(`SELECT * FROM ${from}`).length).toBeGreaterThan(0);
  });

  test('the line of managers is five levels deep and reaches everybody', () => {
    const levels = query(`WITH RECURSIVE line(id, depth) AS (
      SELECT Resource_ID, 0 FROM PAC_MNT_RESOURCES WHERE Manager_ID IS NULL
      UNION ALL SELECT Resource_ID, depth + 1 FROM PAC_MNT_RESOURCES JOIN line ON Manager_ID = id
    ) SELECT MAX(depth), COUNT(*) FROM line`);
    expect(levels).toEqual([[5, ERP_ROW_COUNTS.PAC_MNT_RESOURCES]]);
  });

  test('the same seed gives the same bytes, another seed others', async () => {
    const again = join(folder, 'again.sqlite');
    const other = join(folder, 'other.sqlite');
    await buildErpDatabase({ path: again, seed: 7 });
    await buildErpDatabase({ path: other, seed: 8 });
    expect(await digest(again)).toBe(await digest(join(folder, 'erp.sqlite')));
    expect(await digest(other)).not.toBe(await digest(again));
  });
});
