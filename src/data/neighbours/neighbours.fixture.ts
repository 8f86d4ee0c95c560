/** A small database of concerts for the tests of neighbours: keys, foreign keys, a text code with its meaning, NULLs, ties. */
import { writeFile } from 'node:fs/promises';
import { sharedSqlite } from '../../database/wasm.ts';

const SINGERS = [
  [1, 'Joe Sharp', 'NL', 'Netherlands', 52, 'T'],
  [2, 'Timbaland', 'US', 'United States', 32, 'T'],
  [3, 'Justin Brown', 'FR', 'France', 29, 'T'],
  [4, 'Rose White', 'FR', 'France', 41, 'F'],
  [5, 'John Nizinik', 'FR', 'France', 43, 'T'],
  [6, 'Tribal King', 'FR', 'France', 25, null],
  [7, 'Ann Miller', 'US', 'United States', 25, 'F'],
  [8, 'Bo Larsen', 'NL', 'Netherlands', 36, 'T'],
  [9, 'Cleo Diaz', 'US', 'United States', 61, 'F'],
  [10, 'Dan Ode', 'NL', 'Netherlands', 48, 'T'],
  [11, 'Eve Stone', 'FR', 'France', 33, 'F'],
  [12, 'Finn Hale', 'US', 'United States', 27, 'T'],
] as const;

export async function writeConcertDatabase(path: string): Promise<string> {
  const sqlite = await sharedSqlite();
  const database = new sqlite.oo1.DB(':memory:');
  database.exec(`
    CREATE TABLE singer (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL, country_code TEXT, country TEXT, age INTEGER CHECK (age > 0), is_male TEXT
    );
    CREATE TABLE concert (id INTEGER PRIMARY KEY, title TEXT UNIQUE, year INTEGER, held_on TEXT, price REAL);
    CREATE TABLE performance (
      singer_id INTEGER NOT NULL REFERENCES singer(id), concert_id INTEGER NOT NULL REFERENCES concert(id), minutes INTEGER,
      PRIMARY KEY (singer_id, concert_id)
    );
    CREATE INDEX performance_concert ON performance(concert_id);
    CREATE VIEW french AS SELECT name FROM singer WHERE country_code = 'FR';
  `);
  for (const singer of SINGERS)
    database.exec({ sql: 'INSERT INTO singer VALUES (?, ?, ?, ?, ?, ?)', bind: [...singer] });
  for (let at = 0; at < 10; at++) {
    database.exec({
      sql: 'INSERT INTO concert VALUES (?, ?, ?, ?, ?)',
      bind: [
        at + 1,
        `Evening ${at + 1}`,
        2013 + (at % 4),
        `201${3 + (at % 4)}-0${1 + (at % 9)}-15`,
        10.5 + at * 2,
      ],
    });
  }
  for (let at = 0; at < 24; at++) {
    database.exec({
      sql: 'INSERT OR IGNORE INTO performance VALUES (?, ?, ?)',
      bind: [1 + ((at * 5) % 12), 1 + ((at * 7) % 10), 30 + ((at * 13) % 50)],
    });
  }
  await writeFile(path, sqlite.capi.sqlite3_js_db_export(database));
  database.close();
  return path;
}
