/** The two databases of the reward benchmarks: small as Spider's are, and one with tables of up to 100,000 rows. */
import { readFile, writeFile } from 'node:fs/promises';
import { buildErpDatabase } from '../../src/data/erp/build.ts';
import { sharedSqlite } from '../../src/database/wasm.ts';
import { createRandom } from '../../src/foundation/random.ts';

const SPIDER_LIKE = `
CREATE TABLE stadium (Stadium_ID INTEGER PRIMARY KEY, Name TEXT, Location TEXT, Capacity INTEGER, Average INTEGER);
CREATE TABLE singer (Singer_ID INTEGER PRIMARY KEY, Name TEXT, Country TEXT, Age INTEGER, Song_release_year TEXT);
CREATE TABLE concert (Concert_ID INTEGER PRIMARY KEY, Concert_Name TEXT, Theme TEXT, Stadium_ID INTEGER REFERENCES stadium, Year INTEGER);
CREATE TABLE singer_in_concert (Concert_ID INTEGER REFERENCES concert, Singer_ID INTEGER REFERENCES singer, PRIMARY KEY (Concert_ID, Singer_ID));`;

const countries = ['France', 'Netherlands', 'United States', 'Japan', 'Brazil', 'Norway', 'Kenya', 'India'];
const themes = ['Free choice', 'Bleeding Love', 'Wide Awake', 'Happy Tonight', 'Party All Night'];

/** About 100 KB: 60 stadiums, 400 singers, 500 concerts, 1,500 appearances. */
export async function writeSpiderLike(path: string): Promise<void> {
  const sqlite = await sharedSqlite();
  const random = createRandom(3);
  const database = new sqlite.oo1.DB(':memory:');
  database.exec(SPIDER_LIKE);
  const insert = (table: string, count: number, row: (id: number) => readonly (string | number)[]): void => {
    for (let id = 1; id <= count; id++) {
      const values = row(id);
      const places = values.map(() => '?').join(', ');
      database.exec({ sql: `INSERT OR IGNORE INTO ${table} VALUES (${places})`, bind: [...values] });
    }
  };
  const pick = <T>(values: readonly T[]): T => values[random.int(values.length)]!;
  insert('stadium', 60, (id) => [
    id,
    `Stadium ${id}`,
    `Town ${random.int(40)}`,
    1_000 + random.int(90_000),
    random.int(5_000),
  ]);
  insert('singer', 400, (id) => [
    id,
    `Singer ${id}`,
    pick(countries),
    17 + random.int(50),
    String(1990 + random.int(35)),
  ]);
  insert('concert', 500, (id) => [
    id,
    `Concert ${id}`,
    pick(themes),
    1 + random.int(60),
    2010 + random.int(15),
  ]);
  insert('singer_in_concert', 1_500, () => [1 + random.int(500), 1 + random.int(400)]);
  await writeFile(path, sqlite.capi.sqlite3_js_db_export(database));
  database.close();
}

/** The ERP demonstration with more of what grows in a company: 7 to 8 MB, some 70,000 assignments. */
export async function writeErpLike(path: string): Promise<void> {
  await buildErpDatabase({ path });
  const sqlite = await sharedSqlite();
  const { capi, wasm } = sqlite;
  const bytes = await readFile(path);
  const database = new sqlite.oo1.DB(':memory:');
  const pointer = wasm.allocFromTypedArray(new Uint8Array(bytes));
  const flags = capi.SQLITE_DESERIALIZE_FREEONCLOSE | capi.SQLITE_DESERIALIZE_RESIZEABLE;
  database.checkRc(capi.sqlite3_deserialize(database, 'main', pointer, bytes.length, bytes.length, flags));
  grow(database);
  await writeFile(path, capi.sqlite3_js_db_export(database));
  database.close();
}

type Database = InstanceType<Awaited<ReturnType<typeof sharedSqlite>>['oo1']['DB']>;

/** Copies of the assignments, each with another person; the rest stays as it is. */
function grow(database: Database): void {
  const rows = Number(database.selectValue('SELECT COUNT(*) FROM PROJSTAFF'));
  const people = Number(database.selectValue('SELECT COUNT(*) FROM PAC_MNT_RESOURCES'));
  for (let copy = 1; copy <= 5; copy++) {
    database.exec(`
INSERT INTO PROJSTAFF SELECT Staff_ID + ${copy * rows}, Project_Code, (Resource_ID + ${copy * 211}) % ${people} + 1, Project_Role,
  Assigned_Date, Release_Date, Allocation_Pct, Planned_Hours, Actual_Hours, Billing_Rate, Is_Billable
FROM PROJSTAFF WHERE Staff_ID <= ${rows};`);
  }
}
