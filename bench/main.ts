/** `npm run bench -- SUITE [--json] [--quick] [--set name=value]`: runs `bench/SUITE.ts`, one JSON line a measurement. */
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type BenchModule, type BenchOptions, findPython, type Measurement } from './harness.ts';

const folder = dirname(fileURLToPath(import.meta.url));
const notSuites = new Set(['main.ts', 'harness.ts']);

function suiteNames(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !notSuites.has(file))
    .map((file) => file.slice(0, -3))
    .sort();
}

function describe(m: Measurement): string {
  const digits = (value: number) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(4));
  const against =
    m.baseline === null || m.ratio === null
      ? (m.baselineName ?? 'no baseline')
      : `${m.baselineName ?? 'baseline'} ${digits(m.baseline)} ${m.unit}, ratio ${m.ratio.toFixed(2)}`;
  return `${m.name}: ${digits(m.value)} ${m.unit} (${against})`;
}

function parseSettings(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return at < 0 ? [pair, 'true'] : [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      threads: { type: 'string' },
      set: { type: 'string', multiple: true, default: [] },
    },
  });
  const known = suiteNames();
  const wanted = positionals[0] === 'all' ? known : positionals;
  const unknown = wanted.filter((name) => !known.includes(name));
  if (wanted.length === 0 || unknown.length > 0) {
    if (unknown.length > 0) console.error(`error: no benchmark named ${unknown.join(', ')}`);
    console.error('usage: npm run bench -- SUITE… [--json] [--quick] [--threads N] [--set name=value]');
    console.error(`suites: ${known.join(', ') || '(none)'}, all`);
    process.exitCode = 2;
    return;
  }
  const options: BenchOptions = {
    quick: values.quick,
    python: findPython(),
    threads: values.threads === undefined ? Math.min(2, availableParallelism()) : Number(values.threads),
    settings: parseSettings(values.set),
    log: (message) => console.error(message),
  };
  if (options.python === undefined) {
    options.log('no Python environment (.venv or QUERENT_PYTHON): Python baselines are skipped');
  }
  for (const name of wanted) {
    const module = (await import(new URL(`./${name}.ts`, import.meta.url).href)) as BenchModule;
    for await (const measurement of module.run(options)) {
      if (!values.json) console.error(describe(measurement));
      console.log(JSON.stringify(measurement));
    }
  }
}

await main();
