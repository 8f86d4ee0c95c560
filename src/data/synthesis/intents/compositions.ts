/** Deeper compositions: averages of totals, CTEs, hierarchies, self-joins, set operations, CASE, time series, durations. */
import type { Column } from '../../../schema/schema.ts';
import {
  correlatedRowsMax,
  labelMarks,
  relationsToChildren,
  roundBetween,
  type SynthesisContext,
  sayNumber,
  type TableFacts,
} from '../context.ts';
import { fromPhrase, nounPhrase } from '../noun-phrase.ts';
import { namedRow } from '../related-filters.ts';
import { col, identifier, renderSelect, resolveMarks } from '../select.ts';
import { pickGroup } from './aggregates.ts';
import { type Intent, phraseSlots } from './intent.ts';

function anyTable(context: SynthesisContext): TableFacts {
  return context.facts.get(context.random.pick(context.tables).name)!;
}

/** "average number of contracts per project": an aggregate of an aggregate. */
export const nestedAggregate: Intent = {
  name: 'nested-aggregate',
  weight: 3,
  frames: {
    count: [
      'average number of {np} per {group}',
      'how many {np} does a {group} have on average',
      'on average how many {np} are there per {group}',
      'mean count of {np} per {group}',
      'what is the average {np} count by {group}',
      'how many {np} per {group} on average',
    ],
    maxCount: [
      'what is the largest number of {np} in any {group}',
      'highest count of {np} for a single {group}',
      'maximum number of {np} per {group}',
      'most {np} that any {group} has, just the number',
    ],
    sum: [
      'average of the {agg} per {group}',
      'what is the average {agg} of a {group}',
      'mean {agg} per {group} over all {groups}',
      'on average what {agg} does a {group} have',
    ],
    above: [
      'which {groups} have a {agg} above the average of all {groups}',
      '{groups} whose {agg} is higher than the average over {groups}',
      '{groups} with above-average {agg}',
      'list {groups} with a {agg} above the mean {agg} per {group}',
    ],
    aboveCount: [
      'which {groups} have more {np} than the average {group}',
      '{groups} with an above-average number of {np}',
      '{groups} that have more {np} than average',
    ],
  },
  build: (context) => {
    const { random } = context;
    const facts = anyTable(context);
    const group = pickGroup(context, facts);
    if (group === undefined) return undefined;
    const measure = facts.measures.filter((candidate) => candidate.canSum && candidate.column !== undefined);
    const phrase = nounPhrase(context, facts, {
      avoid: group.avoid,
      ownOnly: true,
      filterCount: random.chance(0.4) ? 1 : 0,
    });
    const slots = { ...phraseSlots(phrase), group: group.noun, groups: group.plural };
    const grouped = { from: facts.table.name, joins: group.joins, where: phrase.where, groupBy: group.by };
    const roll = random.next();
    if (roll < 0.45 || measure.length === 0) {
      const inner = renderSelect({ columns: ['COUNT(*) AS n'], ...grouped });
      const max = random.chance(0.3);
      return {
        variant: max ? 'maxCount' : 'count',
        slots,
        sql: `SELECT ${max ? 'MAX' : 'AVG'}(n) FROM (${inner})`,
      };
    }
    if (roll < 0.6) {
      const inner = renderSelect({
        columns: [...group.columns.map((column, i) => `${column} AS g${i || ''}`), 'COUNT(*) AS n'],
        ...grouped,
      });
      const names = group.columns.map((_, i) => `g${i || ''}`).join(', ');
      return {
        variant: 'aboveCount',
        slots,
        sql: `WITH counts AS (${inner}) SELECT ${names} FROM counts WHERE n > (SELECT AVG(n) FROM counts)`,
      };
    }
    const chosen = random.pick(measure);
    const agg = random.pick(chosen.sumNouns);
    if (roll < 0.78) {
      const inner = renderSelect({ columns: [`SUM(${chosen.sql}) AS total`], ...grouped, where: [] });
      return { variant: 'sum', slots: { ...slots, agg }, sql: `SELECT AVG(total) FROM (${inner})` };
    }
    const inner = renderSelect({
      columns: [
        ...group.columns.map((column, i) => `${column} AS g${i || ''}`),
        `SUM(${chosen.sql}) AS total`,
      ],
      ...grouped,
      where: [],
    });
    const names = group.columns.map((_, i) => `g${i || ''}`).join(', ');
    return {
      variant: 'above',
      slots: { ...slots, agg },
      sql: `WITH totals AS (${inner}) SELECT ${names} FROM totals WHERE total > (SELECT AVG(total) FROM totals)`,
    };
  },
};

/** "projects with a budget above the average of their department": a correlated subquery. */
export const aboveGroupAverage: Intent = {
  name: 'above-group-average',
  weight: 2,
  frames: {
    above: [
      '{np} with a {noun} above the average of their {group}',
      '{np} whose {noun} is higher than the average in their {group}',
      'which {np} have more {noun} than the average of their {group}',
      '{np} above their {group} average in {noun}',
      'list {np} with {noun} above the {group} average',
    ],
    below: [
      '{np} with a {noun} below the average of their {group}',
      '{np} whose {noun} is lower than the average in their {group}',
      'which {np} have less {noun} than the average of their {group}',
      '{np} below their {group} average in {noun}',
    ],
  },
  build: (context) => {
    const { random, lexicon } = context;
    const candidates = [...context.facts.values()].filter(
      (facts) =>
        facts.categories.length > 0 &&
        facts.table.rowCount <= correlatedRowsMax &&
        facts.measures.some((measure) => measure.column !== undefined),
    );
    if (candidates.length === 0) return undefined;
    const facts = random.pick(candidates);
    const measure = random.pick(facts.measures.filter((candidate) => candidate.column !== undefined));
    const column = random.pick(facts.categories);
    if (column.name === measure.column!.name) return undefined;
    const table = identifier(facts.table.name);
    const [group, value] = [identifier(column.name), identifier(measure.column!.name)];
    const label = facts.label.map((labelColumn) => identifier(labelColumn.name)).join(', ');
    const above = random.chance(0.7);
    const counted = random.chance(0.2);
    const sql = `SELECT ${counted ? 'COUNT(*)' : label} FROM ${table} WHERE ${value} ${above ? '>' : '<'} (SELECT AVG(b.${value}) FROM ${table} AS b WHERE b.${group} = ${table}.${group})`;
    const nouns = lexicon.table(facts.table.name).nouns[0]!;
    const np = counted ? `number of ${nouns[1]}` : nouns[1];
    return {
      variant: above ? 'above' : 'below',
      slots: {
        np,
        noun: random.pick(measure.nouns),
        group: random.pick(lexicon.column(facts.table.name, column.name).nouns),
      },
      sql,
    };
  },
};

/** Trees: everything below a row, its depth, direct children, rows above their parent. */
export const hierarchy: Intent = {
  name: 'hierarchy',
  weight: 3,
  frames: {
    below: [
      'everything below {name}',
      'all {np} under {name} at any level',
      'the whole tree of {np} under {name}',
      'which {np} are directly or indirectly under {name}',
      'list all {np} below {name} including indirect ones',
      'all direct and indirect {np} under {name}',
      'full hierarchy below {name}',
      'every {np1} anywhere under {name}',
    ],
    countBelow: [
      'how many {np} are directly or indirectly under {name}',
      'number of {np} below {name} at all levels',
      'count everything under {name}',
      'size of the whole tree under {name}',
      'how many {np} does {name} have at any level below',
    ],
    above: [
      'all levels above {name}',
      'the chain of {role}s above {name}',
      'who or what is above {name} up to the top',
      'full path upwards from {name}',
      'every {role} above {name} at any level',
    ],
    direct: [
      'which {np} have {name} as {role}',
      '{np} directly under {name}',
      'direct {np} of {name}',
      'first level {np} below {name}',
    ],
    pair: [
      '{np} with the name of their {role}',
      'each {np1} and its {role}',
      'list {np} together with their {role}',
      'show every {np1} with its {role}',
    ],
    exceeds: [
      '{np} with a higher {noun} than their {role}',
      'which {np} have more {noun} than their {role}',
      '{np} whose {noun} exceeds that of their {role}',
      'who has a higher {noun} than the own {role} among {np}',
    ],
    countDirect: [
      'number of {np} directly under each {role}',
      'how many {np} does each {role} have',
      'count of direct {np} per {role}',
    ],
  },
  build: (context) => {
    const { random, lexicon } = context;
    const relations = lexicon.relations.filter(
      (relation) => relation.child.name === relation.parent.name && context.facts.has(relation.child.name),
    );
    if (relations.length === 0) return undefined;
    const relation = random.pick(relations);
    const facts = context.facts.get(relation.child.name)!;
    const table = identifier(facts.table.name);
    const key = identifier(relation.parentColumn.name);
    const parent = identifier(relation.childColumn.name);
    const label = facts.label.map((column) => identifier(column.name));
    const nouns = lexicon.table(facts.table.name).nouns[0]!;
    const role = random.pick(relation.words.role ?? [`parent ${nouns[0]}`]);
    const slots = { np: nouns[1], np1: nouns[0], role };
    const of = (alias: string): string => label.map((name) => `${alias}.${name}`).join(', ');
    const roll = random.next();
    if (roll < 0.18)
      return {
        variant: 'pair',
        slots,
        sql: `SELECT ${of('a')}, ${of('b')} FROM ${table} AS a JOIN ${table} AS b ON a.${parent} = b.${key}`,
      };
    if (roll < 0.3)
      return {
        variant: 'countDirect',
        slots,
        sql: `SELECT ${of('b')}, COUNT(*) FROM ${table} AS a JOIN ${table} AS b ON a.${parent} = b.${key} GROUP BY b.${key}`,
      };
    const plain = facts.measures.filter((measure) => measure.column !== undefined);
    if (roll < 0.48 && plain.length > 0) {
      const measure = random.pick(plain);
      const value = identifier(measure.column!.name);
      const sql = `SELECT ${of('a')} FROM ${table} AS a JOIN ${table} AS b ON a.${parent} = b.${key} WHERE a.${value} > b.${value}`;
      return { variant: 'exceeds', slots: { ...slots, noun: random.pick(measure.nouns) }, sql };
    }
    const named = namedRow(context, facts);
    if (named === undefined) return undefined;
    const start = resolveMarks(named.sql, 'bare');
    const named_ = { ...slots, name: named.name };
    if (roll < 0.55)
      return {
        variant: 'direct',
        slots: named_,
        sql: `SELECT ${label.join(', ')} FROM ${table} WHERE ${parent} IN (SELECT ${key} FROM ${table} WHERE ${start})`,
      };
    if (roll < 0.65) {
      const tree = `WITH RECURSIVE chain AS (SELECT ${parent} AS id FROM ${table} WHERE ${start} UNION ALL SELECT ${table}.${parent} FROM ${table} JOIN chain ON ${table}.${key} = chain.id)`;
      return {
        variant: 'above',
        slots: named_,
        sql: `${tree} SELECT ${label.join(', ')} FROM ${table} WHERE ${key} IN (SELECT id FROM chain)`,
      };
    }
    const tree = `WITH RECURSIVE tree AS (SELECT ${key} FROM ${table} WHERE ${parent} IN (SELECT ${key} FROM ${table} WHERE ${start}) UNION ALL SELECT ${table}.${key} FROM ${table} JOIN tree ON ${table}.${parent} = tree.${key})`;
    if (roll < 0.82)
      return {
        variant: 'below',
        slots: named_,
        sql: `${tree} SELECT ${label.join(', ')} FROM ${table} WHERE ${key} IN (SELECT ${key} FROM tree)`,
      };
    return { variant: 'countBelow', slots: named_, sql: `${tree} SELECT COUNT(*) FROM tree` };
  },
};

/** Values of two tables: in both, in one only, in either. */
export const setOperation: Intent = {
  name: 'set-operation',
  weight: 2,
  frames: {
    both: [
      '{values} that have both {np} and {np2}',
      'in which {values} do we have {np} and also {np2}',
      '{values} with {np} as well as {np2}',
      'common {values} of {np} and {np2}',
      'which {values} occur for both {np} and {np2}',
    ],
    only: [
      '{values} that have {np} but no {np2}',
      'in which {values} do we have {np} but not {np2}',
      '{values} with {np} and without {np2}',
      '{values} of {np} that do not occur for {np2}',
    ],
    either: [
      'all {values} of {np} or {np2}',
      'every {value} where we have {np} or {np2}',
      '{values} of {np} and {np2} combined',
      'one list of the {values} of {np} and {np2}',
    ],
  },
  build: (context) => {
    const { random, lexicon } = context;
    const pairs: { a: TableFacts; b: TableFacts; x: Column; y: Column }[] = [];
    for (const a of context.facts.values()) {
      for (const b of context.facts.values()) {
        if (a === b) continue;
        for (const x of a.categories) {
          const y = b.categories.find(
            (column) =>
              column.kind === x.kind &&
              column.textValues.some((value) => x.textValues.includes(value)) &&
              column.name === x.name,
          );
          if (y !== undefined) pairs.push({ a, b, x, y });
        }
      }
    }
    if (pairs.length === 0) return undefined;
    const { a, b, x, y } = random.pick(pairs);
    const first = nounPhrase(context, a, {
      avoid: [x.name],
      ownOnly: true,
      filterCount: random.chance(0.5) ? 1 : 0,
    });
    const second = nounPhrase(context, b, {
      avoid: [y.name],
      ownOnly: true,
      filterCount: random.chance(0.5) ? 1 : 0,
    });
    const kind = random.pick(['both', 'only', 'either'] as const);
    const operator = { both: 'INTERSECT', only: 'EXCEPT', either: 'UNION' }[kind];
    const left = renderSelect({ columns: [col(a.table.name, x.name)], ...fromPhrase(first) });
    const right = renderSelect({ columns: [col(b.table.name, y.name)], ...fromPhrase(second) });
    const words = lexicon.column(a.table.name, x.name);
    const value = words.nouns[0]!;
    return {
      variant: kind,
      slots: { np: first.plural, np2: second.plural, value, values: words.plurals?.[0] ?? `${value}s` },
      sql: `${left} ${operator} ${right}`,
    };
  },
};

/** CASE buckets with the limits said in the question. */
export const buckets: Intent = {
  name: 'buckets',
  weight: 2,
  frames: {
    count: [
      'how many {np} are {low} (under {a}), {mid} (up to {b}) or {high} by {noun}',
      'count {np} by {noun} band: {low} below {a}, {mid} below {b}, {high} otherwise',
      'group {np} into {low} under {a}, {mid} under {b} and {high} above by {noun} and count them',
      'number of {np} that are {low} (below {a}), {mid} (below {b}), {high} in {noun}',
    ],
    label: [
      'classify {np} as {low} (under {a}), {mid} (under {b}) or {high} by {noun}',
      'label each of the {np} {low} if the {noun} is below {a}, {mid} below {b}, else {high}',
      'show {np} with a {noun} class: {low} below {a}, {mid} below {b}, {high} otherwise',
      'for {np} give {low}, {mid} or {high} depending on {noun} with limits {a} and {b}',
    ],
  },
  build: (context) => {
    const { random } = context;
    const candidates = [...context.facts.values()].filter((facts) =>
      facts.measures.some((measure) => measure.column !== undefined),
    );
    if (candidates.length === 0) return undefined;
    const facts = random.pick(candidates);
    const measure = random.pick(facts.measures.filter((candidate) => candidate.column !== undefined));
    const column = measure.column!;
    const a = roundBetween(random, Number(column.min), Number(column.max) / 2);
    const b = roundBetween(random, Number(column.max) / 2, Number(column.max));
    if (a >= b) return undefined;
    const names = random.pick([
      ['low', 'medium', 'high'],
      ['small', 'medium', 'large'],
      ['Low', 'Medium', 'High'],
      ['Small', 'Medium', 'Large'],
    ]) as [string, string, string];
    const phrase = nounPhrase(context, facts, {
      avoid: [column.name],
      ownOnly: true,
      filterCount: random.chance(0.3) ? 1 : 0,
    });
    const bucket = `CASE WHEN ${measure.sql} < ${a} THEN '${names[0]}' WHEN ${measure.sql} < ${b} THEN '${names[1]}' ELSE '${names[2]}' END`;
    const slots = {
      ...phraseSlots(phrase),
      noun: random.pick(measure.nouns),
      a: sayNumber(random, a),
      b: sayNumber(random, b),
      low: names[0],
      mid: names[1],
      high: names[2],
    };
    if (random.chance(0.5))
      return {
        variant: 'label',
        slots,
        sql: renderSelect({ columns: [...labelMarks(facts), bucket], ...fromPhrase(phrase) }),
      };
    return {
      variant: 'count',
      slots,
      sql: renderSelect({
        columns: [`${bucket} AS band`, 'COUNT(*)'],
        ...fromPhrase(phrase),
        groupBy: ['band'],
      }),
    };
  },
};

/** Figures by year or by month of a date column. */
export const timeSeries: Intent = {
  name: 'time-series',
  weight: 4,
  frames: {
    count: [
      'number of {np} {verb} per {unit}',
      'how many {np} {verb} per {unit}',
      'count of {np} by {unit} {verb}',
      '{np} {verb} by {unit}',
      'how many {np} were {verb} in each {unit}',
      '{unit}ly number of {np} {verb}',
      'for every {unit} the number of {np} {verb}',
      'trend of {np} {verb} by {unit}',
    ],
    sum: [
      '{agg} of {np} {verb} per {unit}',
      '{agg} of {np} by {unit} {verb}',
      'how much {noun} did {np} {verb} have per {unit}',
      '{agg} per {unit} for {np} {verb}',
      '{agg} of {np} for each {unit} {verb}',
    ],
    best: [
      'in which {unit} were the most {np} {verb}',
      'which {unit} had the most {np} {verb}',
      '{unit} with the most {np} {verb}',
      'what was the best {unit} for {np} {verb}',
    ],
  },
  build: (context) => {
    const { random, lexicon } = context;
    const candidates = [...context.facts.values()].filter((facts) => facts.dates.length > 0);
    if (candidates.length === 0) return undefined;
    const facts = random.pick(candidates);
    const column = random.pick(facts.dates);
    const words = lexicon.column(facts.table.name, column.name);
    const participles = (words.dateVerbs ?? []).filter((verb) => /^\w+(ed|ing)$/.test(verb));
    const verb = participles.length > 0 ? random.pick(participles) : `by ${words.nouns[0]}`;
    const unit = random.pick(['year', 'year', 'month', 'quarter'] as const);
    const mark = col(facts.table.name, column.name);
    const quarter = `strftime('%Y', ${mark}) || '-Q' || ((strftime('%m', ${mark}) + 2) / 3)`;
    const bucket =
      unit === 'year' ? `strftime('%Y', ${mark})` : unit === 'month' ? `strftime('%Y-%m', ${mark})` : quarter;
    const phrase = nounPhrase(context, facts, {
      avoid: [column.name],
      ownOnly: true,
      filterCount: random.chance(0.45) ? 1 : 0,
    });
    const where = [...phrase.where, ...(column.nullCount > 0 ? [`${mark} IS NOT NULL`] : [])];
    const base = { from: facts.table.name, where, groupBy: [bucket] };
    const slots = { ...phraseSlots(phrase), verb, unit };
    const measures = facts.measures.filter((measure) => measure.canSum && measure.column !== undefined);
    if (random.chance(0.15))
      return {
        variant: 'best',
        slots,
        sql: renderSelect({ columns: [bucket], ...base, orderBy: ['COUNT(*) DESC'], limit: 1 }),
      };
    if (measures.length === 0 || random.chance(0.6))
      return { variant: 'count', slots, sql: renderSelect({ columns: [bucket, 'COUNT(*)'], ...base }) };
    const measure = random.pick(measures);
    const sum = random.chance(0.7);
    const agg = random.pick(sum ? measure.sumNouns : measure.averageNouns);
    return {
      variant: 'sum',
      slots: { ...slots, agg, noun: random.pick(measure.nouns) },
      sql: renderSelect({ columns: [bucket, `${sum ? 'SUM' : 'AVG'}(${measure.sql})`], ...base }),
    };
  },
};

/** Days between two date columns of one row. */
export const duration: Intent = {
  name: 'duration',
  weight: 2,
  frames: {
    longer: [
      '{np} lasting longer than {n} days',
      '{np} that took more than {n} days',
      'which {np} run for more than {n} days',
      '{np} with a duration over {n} days',
      '{np} longer than {n} days',
    ],
    shorter: [
      '{np} lasting less than {n} days',
      '{np} that took fewer than {n} days',
      'which {np} run for less than {n} days',
      '{np} shorter than {n} days',
    ],
    average: [
      'average duration of {np} in days',
      'how many days do {np} last on average',
      'how long do {np} take on average in days',
      'mean length of {np} in days',
      'on average how long are {np} in days',
    ],
    longest: [
      'which {np1} lasted the longest',
      '{np1} with the longest duration',
      'longest running {np1} from start to end',
      'what is the longest {np1} in days from start to end',
    ],
    one: [
      'how many days did {name} last',
      'duration of {name} in days',
      'how long is {name} in days',
      'how many days does {name} take',
    ],
  },
  build: (context) => {
    const { random } = context;
    const candidates = [...context.facts.values()].filter(
      (facts) =>
        facts.dates.length >= 2 &&
        facts.dates.some((column) => /^(start|begin|assigned|hire|from|open|order|ship)/i.test(column.name)),
    );
    if (candidates.length === 0) return undefined;
    const facts = random.pick(candidates);
    const start = facts.dates.find((column) =>
      /^(start|begin|assigned|hire|from|open|order)/i.test(column.name),
    );
    const end = facts.dates.find((column) =>
      /^(end|finish|release|termination|to|clos|shipped)/i.test(column.name),
    );
    if (start === undefined || end === undefined) return undefined;
    const days = `julianday(${col(facts.table.name, end.name)}) - julianday(${col(facts.table.name, start.name)})`;
    const phrase = nounPhrase(context, facts, {
      avoid: [start.name, end.name],
      ownOnly: true,
      filterCount: random.chance(0.4) ? 1 : 0,
    });
    const from = fromPhrase(phrase);
    const roll = random.next();
    const n = random.pick([30, 60, 90, 100, 180, 200, 300, 365, 500, 730]);
    const slots = { ...phraseSlots(phrase), n: String(n) };
    if (roll < 0.25)
      return {
        variant: 'longer',
        slots,
        sql: renderSelect({
          columns: labelMarks(facts),
          ...from,
          where: [...phrase.where, `${days} > ${n}`],
        }),
      };
    if (roll < 0.4)
      return {
        variant: 'shorter',
        slots,
        sql: renderSelect({
          columns: labelMarks(facts),
          ...from,
          where: [...phrase.where, `${days} < ${n}`],
        }),
      };
    if (roll < 0.7)
      return { variant: 'average', slots, sql: renderSelect({ columns: [`AVG(${days})`], ...from }) };
    if (roll < 0.85)
      return {
        variant: 'longest',
        slots,
        sql: renderSelect({ columns: labelMarks(facts), ...from, orderBy: [`${days} DESC`], limit: 1 }),
      };
    const named = namedRow(context, facts);
    if (named === undefined) return undefined;
    return {
      variant: 'one',
      slots: { ...slots, name: named.name },
      sql: renderSelect({ columns: [days], from: facts.table.name, where: [named.sql] }),
    };
  },
};

/** Sums and averages of a child's figures for one named parent or per parent, with the parent's rows first. */
export const childTotals: Intent = {
  name: 'child-totals',
  weight: 4,
  frames: {
    named: [
      '{agg} of the {np} of {name}',
      '{agg} for {name}',
      'what is the {agg} of {name}',
      'how much {noun} do the {np} of {name} have in total',
      'sum of {noun} of all {np} for {name}',
      '{name} {agg}',
      'what is the {agg} of {np} for {name}',
      'add up the {noun} of {name}',
    ],
    ranked: [
      'top {n} {nouns} by {agg}',
      'which {n} {nouns} have the highest {agg}',
      'the {n} {nouns} with the largest {agg} of {np}',
      'top {n} {nouns} in terms of {agg} of their {np}',
      '{nouns} with the most {noun}, top {n}',
    ],
  },
  build: (context) => {
    const { random, lexicon } = context;
    const facts = anyTable(context);
    const relations = relationsToChildren(context, facts.table.name).filter(
      (relation) => relation.child.name !== facts.table.name,
    );
    if (relations.length === 0) return undefined;
    const relation = random.pick(relations);
    const child = context.facts.get(relation.child.name)!;
    const measures = child.measures.filter((measure) => measure.canSum);
    if (measures.length === 0) return undefined;
    const measure = random.pick(measures);
    const phrase = nounPhrase(context, child, {
      ownOnly: true,
      filterCount: random.chance(0.3) ? 1 : 0,
      avoid: [relation.childColumn.name, measure.column?.name ?? ''],
    });
    const join = {
      table: facts.table.name,
      left: col(child.table.name, relation.childColumn.name),
      right: col(facts.table.name, relation.parentColumn.name),
    };
    const key = `SUM(${measure.sql.replace(/^\((.*)\)$/, '$1')})`;
    const nouns = relation.words.roleHas?.[0] ?? lexicon.table(facts.table.name).nouns[0]![1];
    const slots = {
      ...phraseSlots(phrase),
      agg: random.pick(measure.sumNouns),
      noun: random.pick(measure.nouns),
      nouns,
    };
    if (random.chance(0.6)) {
      const named = namedRow(context, facts);
      if (named === undefined) return undefined;
      const where = [named.sql, ...phrase.where];
      const variantNeedsNp = phrase.filters.length > 0;
      const sql = renderSelect({ columns: [key], from: child.table.name, joins: [join], where });
      return {
        variant: 'named',
        slots: { ...slots, name: variantNeedsNp ? `${named.name} for ${phrase.plural}` : named.name },
        sql,
      };
    }
    const n = random.pick([3, 5, 10]);
    const sql = renderSelect({
      columns: labelMarks(facts),
      from: child.table.name,
      joins: [join],
      where: phrase.where,
      groupBy: [col(facts.table.name, relation.parentColumn.name)],
      orderBy: [`${key} DESC`],
      limit: n,
    });
    return {
      variant: 'ranked',
      slots: {
        ...slots,
        agg: phrase.filters.length > 0 ? `${slots.agg} of ${phrase.plural}` : slots.agg,
        n: sayNumber(random, n),
      },
      sql,
    };
  },
};
