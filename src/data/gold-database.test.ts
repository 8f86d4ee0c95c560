import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createSandbox } from '../database/sandbox.ts';
import { introspectSqlite } from '../schema/introspect.ts';
import { writeGoldDatabase } from './gold-database.ts';

it('has every table, column and text that the statements name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'querent-gold-'));
  const path = join(folder, 'gold.sqlite');
  const sandbox = createSandbox();
  try {
    const statements = [
      "SELECT f.ID FROM FLIGHT AS f , CITY AS c WHERE f.TO_CODE = c.CODE AND c.NAME = 'BOSTON' AND f.STOPS = 0",
      "SELECT c.CODE FROM CITY AS c WHERE c.NAME IN ( 'DALLAS' , 'BOSTON' )",
    ];
    await writeGoldDatabase(path, statements);
    const schema = await introspectSqlite(path, { databaseId: 'gold' });
    const columns = Object.fromEntries(
      schema.tables.map((table) => [
        table.name,
        table.columns.map(({ name, kind }) => `${name} ${kind}`).sort(),
      ]),
    );
    expect(columns.FLIGHT).toEqual(
      ['ID text', 'STOPS integer', 'TO_CODE text'].map((text) =>
        expect.stringContaining(text.split(' ')[0]!),
      ),
    );
    expect(columns.FLIGHT).toContain('STOPS integer');
    expect(columns.CITY).toContain('NAME text');
    const texts = schema.tables
      .find(({ name }) => name === 'CITY')!
      .columns.find(({ name }) => name === 'NAME')!;
    expect([...texts.textValues].sort()).toEqual(['BOSTON', 'DALLAS']);
    for (const sql of statements) expect((await sandbox.execute(path, sql)).outcome).toBe('rows');
  } finally {
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  }
});
