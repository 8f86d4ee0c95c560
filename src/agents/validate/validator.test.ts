import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';
import { loadParser } from '../../schema/syntax/parser.ts';
import { createShop, type ShopDatabase } from '../agents.fixture.ts';
import { parseBusinessRules } from './business-rules.ts';
import { createValidator } from './validator.ts';

let shop: ShopDatabase;
let sandbox: Sandbox;
beforeAll(async () => {
  await loadParser();
  shop = await createShop();
  sandbox = createSandbox({ workers: 1 });
});
afterAll(async () => {
  await sandbox.close();
  shop.remove();
});

const rulesText = `
rules:
  - name: no-emails
    message: e-mail addresses are not shown
    severity: error
    forbid: { columns: ["*.email"], as: [output] }
  - name: dated-totals
    message: totals need a period
    when: { columns: [orders.total], as: [aggregate] }
    require: { columns: [orders.ordered_on] }
`;

describe('the validator', () => {
  const codesOf = async (sql: string): Promise<string[]> => {
    const { schema, path } = shop;
    const rules = parseBusinessRules(rulesText, 'rules', schema);
    const validator = createValidator({ schema, rules, execute: (text) => sandbox.execute(path, text) });
    return (await validator.validate(sql)).issues.map(({ code }) => code);
  };

  it.each([
    ['SELECT COUNT(*) FROM orders', []],
    ['', ['statement/empty']],
    ['SELECT 1; SELECT 2', ['statement/several']],
    ['DELETE FROM orders', ['statement/not-a-query']],
    ['WITH x AS (SELECT 1) DELETE FROM orders', ['statement/not-a-query']],
    ['PRAGMA user_version = 3', ['statement/not-a-query']],
    ['SELECT nonsense FROM orders', ['schema/no-such-name', 'database/no-such-column']],
    ['SELECT * FROM nowhere', ['schema/no-such-name', 'database/no-such-table']],
    ["SELECT order_id FROM orders WHERE total = 'much'", ['schema/type']],
    ["SELECT order_id FROM orders WHERE ordered_on > 'soon'", ['schema/type']],
    ["SELECT full_name FROM customers WHERE city = 'lisbon'", ['schema/no-such-value']],
    ['SELECT email FROM customers', ['rule/no-emails']],
    ['SELECT * FROM customers', ['rule/no-emails']],
    ['SELECT upper(c.email) FROM customers AS c', ['rule/no-emails']],
    ['SELECT x FROM (SELECT email AS x FROM customers)', ['rule/no-emails']],
    ['WITH e AS (SELECT * FROM customers) SELECT full_name FROM e', ['rule/no-emails']],
    ['SELECT COUNT(email) FROM customers', []],
    ["SELECT full_name FROM customers WHERE email LIKE 'a%'", []],
    ['SELECT full_name FROM customers WHERE EXISTS (SELECT * FROM customers)', []],
    ['SELECT SUM(total) FROM orders', ['rule/dated-totals']],
    ["SELECT SUM(total) FROM orders WHERE ordered_on >= '2024-01-01'", []],
    ['SELECT a.order_id FROM orders a, orders b', ['cost/cross-join']],
  ])('%s: %j', async (sql, codes) => {
    expect(await codesOf(sql)).toEqual(codes);
  });

  it('refuses rules that name what the database does not have, or that are none', () => {
    const { schema } = shop;
    const bad = rulesText.replace('orders.ordered_on', 'orders.orderd_on');
    expect(() => parseBusinessRules(bad, 'rules', schema)).toThrow(/orders\.orderd_on/);
    expect(() => parseBusinessRules('rules: [{name: x}]', 'rules', schema)).toThrow(/message/);
    expect(() => parseBusinessRules('rules: [', 'rules', schema)).toThrow(/not YAML/);
  });

  it('holds the rules of the demonstration to its schema', async () => {
    const { introspectSqlite } = await import('../../schema/introspect.ts');
    const { buildErpDatabase } = await import('../../data/erp/build.ts');
    const { packageRoot } = await import('../../foundation/files.ts');
    const { loadBusinessRules } = await import('./business-rules.ts');
    const path = join(shop.path, '..', 'erp.sqlite');
    await buildErpDatabase({ path });
    const schema = await introspectSqlite(path, { databaseId: 'erp' });
    const rules = await loadBusinessRules(join(packageRoot(), 'datasets', 'erp', 'rules.yaml'), schema);
    const validator = createValidator({ schema, rules });
    expect((await validator.validate('SELECT Email FROM SRM_CONTACTS')).isValid).toBe(false);
    expect((await validator.validate('SELECT SUM(Budget) FROM PAC_MNT_PROJECTS')).issues).toMatchObject([
      { code: 'rule/fiscal-year' },
    ]);
  });
});
