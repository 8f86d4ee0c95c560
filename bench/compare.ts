/**
 * Milliseconds to compare two results of 10,000 rows and four columns – integer, text, fraction, NULL or text – under
 * each protocol, against plain Python with tuples and Counter, as evaluation scripts compare.
 *
 *   npm run bench -- compare [--quick] [--set rows=10000] [--set rounds=9]
 */
import { compareBird } from '../src/database/comparison/bird.ts';
import { compareSpider } from '../src/database/comparison/spider.ts';
import { compareResults, type ResultTable } from '../src/database/comparison/strict.ts';
import type { SqlValue } from '../src/database/execution.ts';
import { QuerentError } from '../src/foundation/errors.ts';
import { createRandom } from '../src/foundation/random.ts';
import {
  type BenchOptions,
  type Measurement,
  measurementOf,
  median,
  type PythonProcess,
  runAlternating,
  startPython,
} from './harness.ts';

type Case = 'same-order' | 'shuffled' | 'permuted-columns';
type Rule = 'strict' | 'spider' | 'bird';

const REPEATS = 5;
const NAMES = ['a', 'b', 'c', 'd'];

/** The cells of the Python side's table. `isTagged`: INTEGER as bigint, as the spider protocol reads it. */
function tableOf(count: number, isTagged: boolean): ResultTable {
  const rows = Array.from({ length: count }, (_, i): SqlValue[] => [
    isTagged ? BigInt(i) : i,
    `name ${i % 977}`,
    i / 7,
    i % 2 === 0 ? null : 'x',
  ]);
  return { columns: NAMES, rows };
}

function rearranged(gold: ResultTable, which: Case): ResultTable {
  // Copies, so that no row is found by being the same object.
  const copies = gold.rows.map((row) => [...row]);
  const rows = which === 'same-order' ? copies : createRandom(5).shuffle(copies);
  return { columns: NAMES, rows: which === 'permuted-columns' ? rows.map((row) => row.toReversed()) : rows };
}

const rules: Readonly<Record<Rule, (gold: ResultTable, predicted: ResultTable) => boolean>> = {
  strict: (gold, predicted) =>
    compareResults(gold, predicted, { ordering: { kind: 'unordered' }, columnOrder: 'any' }).match,
  spider: (gold, predicted) => compareSpider(gold, predicted, 'SELECT a, b, c, d FROM t').match,
  bird: (gold, predicted) => compareBird(gold, predicted).match,
};

function measureOurs(count: number, which: Case, rule: Rule): number {
  const gold = tableOf(count, rule === 'spider');
  const predicted = rearranged(gold, which);
  const times = Array.from({ length: REPEATS }, () => {
    const startedAt = performance.now();
    const isMatch = rules[rule](gold, predicted);
    const elapsedMs = performance.now() - startedAt;
    if (!isMatch)
      throw new QuerentError('bench/wrong-result', `${rule}, ${which}: equal results are called different`);
    return elapsedMs;
  });
  return median(times);
}

export async function* run(options: BenchOptions): AsyncGenerator<Measurement> {
  const rows = Number(options.settings.rows ?? (options.quick ? 1_000 : 10_000));
  const rounds = Number(options.settings.rounds ?? (options.quick ? 3 : 9));
  const python: PythonProcess | undefined =
    options.python === undefined
      ? undefined
      : startPython(options.python, 'compare_results.py', { threads: 1 });
  try {
    for (const rule of ['strict', 'spider', 'bird'] as const) {
      for (const which of ['same-order', 'shuffled', 'permuted-columns'] as const) {
        if (rule === 'bird' && which === 'permuted-columns') continue;
        const result = await runAlternating({
          rounds,
          ours: async () => measureOurs(rows, which, rule),
          baseline:
            python &&
            (async () => median(await python.call('measure', { rows, case: which, rule, repeats: REPEATS }))),
        });
        yield measurementOf(
          {
            suite: 'compare',
            name: `${rule}, ${which}`,
            unit: 'ms',
            better: 'lower',
            baselineName: python === undefined ? 'skipped: no Python' : 'Python tuples and Counter',
            details: { rows, columns: 4, repeats: REPEATS },
          },
          result,
        );
      }
    }
  } finally {
    await python?.close();
  }
}
