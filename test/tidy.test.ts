/** The source tree keeps its own rules: layers, cycles, orphans, file sizes, words, and what docs/architecture.md describes. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../src/foundation/files.ts';
import {
  blank,
  cyclesOf,
  forbiddenWords,
  importsBeyondTypes,
  importsOf,
  layerOf,
  layers,
  machinePaths,
  orphansOf,
  type SourceFile,
  wrongDirections,
} from './tidy-rules.ts';

const root = packageRoot();
const linesMax = 400;

function filesUnder(folder: string, ending: RegExp): string[] {
  const absolute = join(root, folder);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !path.includes('node_modules/') && !path.includes('__pycache__/'))
    .sort();
}

const read = (path: string): SourceFile => ({ path, text: readFileSync(join(root, path), 'utf8') });
const isTest = (path: string): boolean => /\.test(-d)?\.ts$/.test(path) || path.startsWith('test/');
/** Helpers that only tests use say so in their name. */
const isTestHelper = (path: string): boolean => /\/testing\/|\/test-[\w-]+\.ts$|\.fixture\.ts$/.test(path);

const typescript = ['src', 'test', 'bench', 'examples', 'recipes']
  .flatMap((f) => filesUnder(f, /\.ts$/))
  .map(read);
const python = ['python', 'bench', 'test'].flatMap((f) => filesUnder(f, /\.py$/)).map(read);
const product = typescript.filter((file) => !isTest(file.path));
/** Without this file: its examples of bad imports are strings. */
const imports = typescript.filter((file) => file.path !== 'test/tidy.test.ts').flatMap(importsOf);
const productImports = product.flatMap(importsOf);

describe('the source tree', () => {
  it('imports only upwards in the list of layers', () => {
    const shipped = productImports.filter(({ from }) => !isTestHelper(from));
    expect(wrongDirections(shipped)).toEqual([]);
  });

  it('has no folder in src/ that is not a layer', () => {
    const folders = new Set(product.map((file) => layerOf(file.path)).filter((name) => name !== undefined));
    expect([...folders].filter((name) => !(layers as readonly string[]).includes(name))).toEqual([]);
  });

  it('has no import cycle', () => {
    expect(cyclesOf(productImports)).toEqual([]);
  });

  it('has no file that nothing uses', () => {
    const candidates = product.map((file) => file.path).filter((path) => path.startsWith('src/'));
    const entryPoints = [
      'src/cli/main.ts',
      ...product.map((file) => file.path).filter((path) => !path.startsWith('src/')),
    ];
    const shipped = candidates.filter((path) => !isTestHelper(path));
    expect(orphansOf(shipped, productImports, entryPoints)).toEqual([]);
    const helpers = candidates.filter(isTestHelper);
    const everyTest = typescript.map((file) => file.path).filter(isTest);
    expect(orphansOf(helpers, imports, [...everyTest, ...entryPoints])).toEqual([]);
  });

  it('imports files that exist, and packages that package.json lists for use at run time', () => {
    const manifest = JSON.parse(read('package.json').text) as { dependencies: Record<string, string> };
    const missing = imports
      .filter(({ target }) => target !== undefined && !existsSync(join(root, target)))
      .map(({ from, specifier }) => `${from}: ${specifier}`);
    const undeclared = productImports
      .filter(({ from, target, specifier }) => {
        if (!from.startsWith('src/') || isTestHelper(from) || target !== undefined) return false;
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/');
        return !specifier.startsWith('node:') && !(name in manifest.dependencies);
      })
      .map(({ from, specifier }) => `${from}: ${specifier}`);
    expect([...missing, ...undeclared]).toEqual([]);
  });

  it('has no console, process.exit, any, enum or unseeded randomness', () => {
    expect(typescript.flatMap(forbiddenWords)).toEqual([]);
  });

  it(`has no source file over ${linesMax} lines`, () => {
    const long = [...product, ...python]
      .map((file) => ({ path: file.path, lines: file.text.trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > linesMax);
    expect(long).toEqual([]);
  });

  it('opens every source file with a comment that says what it knows', () => {
    const bare = product
      .filter((file) => !/^(#![^\n]*\n)?\s*\/(\*|\/)/.test(file.text))
      .map((file) => file.path);
    expect(bare).toEqual([]);
  });

  it('tracks no symbolic link', () => {
    const entries = execFileSync('git', ['ls-files', '-s'], { cwd: root, encoding: 'utf8' }).split('\n');
    expect(entries.length).toBeGreaterThan(1);
    expect(entries.filter((entry) => entry.startsWith('120000'))).toEqual([]);
  });

  it('names no folder of anybody’s machine', () => {
    const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
    })
      .split('\n')
      .filter((path) => /\.(ts|tsx|py|md|json|ya?ml|sql|sh|html|toml)$|^\.ci\//.test(path))
      .filter((path) => path !== 'package-lock.json' && existsSync(join(root, path)));
    expect(tracked.map(read).flatMap(machinePaths)).toEqual([]);
  });
});

describe('the web page', () => {
  const files = filesUnder('web/src', /\.tsx?$/).map(read);
  const shipped = files.filter((file) => !isTest(file.path));
  const webImports = shipped.flatMap(importsOf);

  it('takes nothing of the rest but types', () => {
    expect(files.length).toBeGreaterThan(0);
    expect(files.flatMap(importsBeyondTypes)).toEqual([]);
  });

  it('is used by nothing else', () => {
    expect(imports.filter(({ target }) => target?.startsWith('web/')).map(({ from }) => from)).toEqual([]);
  });

  it('has no cycle and no file that nothing uses, imports files that exist and packages that are listed', () => {
    const { devDependencies } = JSON.parse(read('package.json').text) as {
      devDependencies: Record<string, string>;
    };
    const inside = webImports.filter(({ target }) => target?.startsWith('web/'));
    expect(cyclesOf(inside)).toEqual([]);
    const paths = shipped.map((file) => file.path);
    expect(orphansOf(paths, webImports, ['web/src/main.tsx'])).toEqual([]);
    expect(inside.filter(({ target }) => !existsSync(join(root, target!)))).toEqual([]);
    const packages = webImports.filter(({ target }) => target === undefined);
    expect(packages.length).toBeGreaterThan(0);
    expect(
      packages.filter(
        ({ specifier }) =>
          !Object.keys(devDependencies).some(
            (name) => specifier === name || specifier.startsWith(`${name}/`),
          ),
      ),
    ).toEqual([]);
  });

  it('keeps the rules of all source: length, opening comment, words', () => {
    const lines = (file: SourceFile): number => file.text.trimEnd().split('\n').length;
    const styles = filesUnder('web/src', /\.css$/).map(read);
    expect([...shipped, ...styles].filter((file) => lines(file) > linesMax).map((file) => file.path)).toEqual(
      [],
    );
    expect(
      [...shipped, ...styles].filter((file) => !/^\s*\/[*/]/.test(file.text)).map((file) => file.path),
    ).toEqual([]);
    expect(files.flatMap(forbiddenWords)).toEqual([]);
    expect(files.filter((file) => /(?<![.\w])console\s*\./.test(blank(file.text, true)))).toEqual([]);
  });
});

describe('docs/architecture.md', () => {
  const text = existsSync(join(root, 'docs/architecture.md')) ? read('docs/architecture.md').text : '';

  it('describes every folder of src/ and every folder at the top', () => {
    const inSource = product
      .filter((file) => file.path.startsWith('src/'))
      .map((file) => `${dirname(file.path)}/`);
    const atTop = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
    })
      .split('\n')
      .filter((path) => path.includes('/'))
      .map((path) => `${path.split('/')[0]}/`);
    const undescribed = [...new Set([...inSource, ...atTop])].filter(
      (folder) => !text.includes(`\`${folder}\``),
    );
    expect(undescribed.sort()).toEqual([]);
  });

  it('describes no folder of src/ that is not there', () => {
    const described = [...text.matchAll(/`(src\/[\w/-]+\/)`/g)].map((found) => found[1]!);
    expect(described.length).toBeGreaterThan(5);
    expect(described.filter((folder) => !existsSync(join(root, folder)))).toEqual([]);
  });

  it('lists the layers in the order that this test holds', () => {
    const listed = [...text.matchAll(/^\| `src\/([\w-]+)\/` \|/gm)].map((found) => found[1]!);
    expect(listed).toEqual([...layers].filter((layer) => listed.includes(layer)));
  });
});

describe('the rules themselves', () => {
  const file = (path: string, text: string): SourceFile => ({ path, text });

  it('blank comments and strings, and tell a regular expression from a division', () => {
    const source = `const a = /['"]/g; // any\nconst b = 'any'; /* enum X */ const c = a / b / 2; // '\nlet d: any;`;
    const code = blank(source, true);
    expect(code.match(/any/g)).toHaveLength(1);
    expect(code).toContain('a / b / 2');
    expect(code.split('\n')).toHaveLength(3);
  });

  it.each([
    ['src/engine/a.ts', "import { x } from '../data/example.ts';", 1],
    ['src/engine/a.ts', "import type { x } from '../foundation/errors.ts';", 0],
    ['src/engine/a.ts', "export * from '../schema/schema.ts';", 1],
    ['src/training/a.ts', "const x = await import('../evaluation/metrics.ts');", 1],
    ['src/training/a.ts', "import {\n  x,\n} from '../rewards/reward.ts';", 0],
    ['src/training/a.ts', "// import { x } from '../cli/main.ts';", 0],
    ['src/schema/a.ts', "spawnWorker('../engine/worker.ts', import.meta.url);", 1],
    ['src/schema/a.ts', "import { x } from '../../bench/harness.ts';", 1],
  ])('%s with %j: %d wrong directions', (path, text, count) => {
    expect(wrongDirections(importsOf(file(path, text)))).toHaveLength(count);
  });

  it.each([
    ["import type { A } from '../../src/agents/pipeline.ts';", 0],
    ["import type {\n  A,\n  B,\n} from '../../src/agents/pipeline.ts';", 0],
    ["export type { A } from '../../src/agents/pipeline.ts';", 0],
    ["import { type A } from '../../src/agents/pipeline.ts';", 1],
    ["import { a } from '../../src/agents/pipeline.ts';", 1],
    ["import type { A } from './b.ts';\nimport { a } from '../../src/agents/pipeline.ts';", 1],
    ["import { b } from './b.ts';", 0],
  ])('%j leaves web/ as more than types %d times', (text, count) => {
    expect(importsBeyondTypes(file('web/src/a.ts', text))).toHaveLength(count);
  });

  it('find a cycle and an orphan', () => {
    const files = [
      file('src/data/a.ts', "import './b.ts';"),
      file('src/data/b.ts', "import { c } from './c.ts';"),
      file('src/data/c.ts', "import type { A } from './a.ts';"),
      file('src/data/alone.ts', ''),
    ];
    const edges = files.flatMap(importsOf);
    expect(cyclesOf(edges)).toEqual(['src/data/a.ts -> src/data/b.ts -> src/data/c.ts -> src/data/a.ts']);
    expect(
      orphansOf(
        files.map((f) => f.path),
        edges,
        ['src/data/a.ts'],
      ),
    ).toEqual(['src/data/alone.ts']);
  });

  it.each([
    ['const x: any = 1;', 1],
    ['f(x as any)', 1],
    ['Promise.any([])', 0],
    ['// any\nconst words = "any";', 0],
    ['export enum Color { Red }', 1],
    ['console.log(1)', 1],
    ['process.exit(1)', 1],
    ['const x = Math.random();', 1],
    ['const sentence = random.next();', 0],
  ])('%j has %d forbidden words', (text, count) => {
    expect(forbiddenWords(file('src/data/x.ts', text))).toHaveLength(count);
  });

  it.each([
    [`see ${['', 'work', 'main', 'src'].join('/')}`, 1],
    [`open('${['', 'tmp', 'x'].join('/')}')`, 1],
    ['GET /api/work/items', 0],
    ['https://example.org/home/page', 0],
    ['../shared/notes', 0],
  ])('%j has %d machine paths', (text, count) => {
    expect(machinePaths(file('docs/x.md', text))).toHaveLength(count);
  });
});
