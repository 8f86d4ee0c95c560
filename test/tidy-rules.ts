/**
 * The rules of the source tree as pure functions over (path, text): layers, cycles, orphans, words that must not
 * appear. It knows TypeScript only as text: a small scanner blanks comments and strings, nothing is compiled.
 */

/** A folder of `src/` may import itself and the folders before it in this list. */
export const layers = [
  'foundation',
  'database',
  'schema',
  'data',
  'engine',
  'prompts',
  'rewards',
  'training',
  'agents',
  'evaluation',
  'serving',
  'cli',
] as const;

/** Narrower than the list: these import nothing but what is named here. */
export const onlyImports: Readonly<Record<string, readonly string[]>> = { engine: ['foundation'] };

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  readonly from: string;
  readonly specifier: string;
  /** The file it names, from the repository's root; undefined for packages and `node:` modules. */
  readonly target: string | undefined;
}

/** A `/` starts a regular expression (and not a division) after one of these or at the start. */
const beforeRegex = /(?:[=([{,;:!&|?+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|throw|await|yield))\s*$/;

/** Source with comments blanked and, if asked, the insides of strings, templates and regular expressions too. */
export function blank(source: string, blankStrings: boolean): string {
  let out = '';
  let at = 0;
  const take = (end: number, visible: boolean): void => {
    const piece = source.slice(at, end);
    out += visible ? piece : piece.replace(/[^\n]/g, ' ');
    at = end;
  };
  const match = (pattern: RegExp): number => {
    pattern.lastIndex = at;
    return pattern.test(source) ? pattern.lastIndex : -1;
  };
  while (at < source.length) {
    const plainEnd = match(/[^/'"`]+/y);
    if (plainEnd > at) take(plainEnd, true);
    const char = source[at];
    if (char === undefined) break;
    let end = -1;
    if (char === '/' && source[at + 1] === '/') {
      const newline = source.indexOf('\n', at);
      take(newline < 0 ? source.length : newline, false);
      continue;
    }
    if (char === '/' && source[at + 1] === '*') {
      const close = source.indexOf('*/', at + 2);
      take(close < 0 ? source.length : close + 2, false);
      continue;
    }
    if (char === "'" || char === '"') end = match(/(['"])(?:\\[\s\S]|(?!\1)[^\\\n])*\1/y);
    else if (char === '`') end = match(/`(?:\\[\s\S]|[^\\`])*`/y);
    else if (char === '/' && (out.trim() === '' || beforeRegex.test(out.slice(-40))))
      end = match(/\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^\\/[\n])+\/[a-z]*/y);
    take(end > at ? end : at + 1, end <= at || !blankStrings);
  }
  return out;
}

function resolvePath(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** Static and dynamic imports, re-exports, and files started by address (`new URL('./x.ts', …)`, `spawnWorker('./x.ts'`). */
export function importsOf(file: SourceFile): Import[] {
  const code = blank(file.text, false);
  const patterns = [
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^\s*import\s*['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
    /\bnew URL\(\s*['"](\.[^'"]+\.ts)['"]/g,
    /\bspawnWorker\(\s*['"](\.[^'"]+\.ts)['"]/g,
    /\bmoduleUrl\b[^\n'"]*['"](\.[^'"]+\.ts)['"]/g,
  ];
  const specifiers = new Set(
    patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((found) => found[1]!)),
  );
  return [...specifiers].map((specifier) => ({
    from: file.path,
    specifier,
    target: specifier.startsWith('.') ? resolvePath(file.path, specifier) : undefined,
  }));
}

export function layerOf(path: string): string | undefined {
  const parts = path.split('/');
  return parts[0] === 'src' && parts.length > 2 ? parts[1] : undefined;
}

/** Imports that go down the list, out of `src/`, or past a narrower rule. */
export function wrongDirections(imports: readonly Import[]): string[] {
  const problems: string[] = [];
  for (const { from, target } of imports) {
    const layer = layerOf(from);
    if (layer === undefined || target === undefined) continue;
    const other = layerOf(target);
    if (other === layer) continue;
    const allowed = onlyImports[layer] ?? layers.slice(0, layers.indexOf(layer as (typeof layers)[number]));
    if (other === undefined || !(allowed as readonly string[]).includes(other)) {
      problems.push(`${from} imports ${target}: ${layer} may import ${allowed.join(', ') || 'nothing'}`);
    }
  }
  return problems;
}

/** The page shares the types of the HTTP API with `src/` and no line of code: imports that leave `web/` as more than types. */
export function importsBeyondTypes(file: SourceFile): string[] {
  const code = blank(file.text, false);
  return importsOf(file)
    .filter(({ target }) => target !== undefined && !target.startsWith('web/'))
    .filter(({ specifier }) => {
      const name = specifier.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
      const typesOnly = new RegExp(
        String.raw`^\s*(?:import|export)\s+type\b[^'";]*?\bfrom\s*['"]${name}['"]`,
        'm',
      );
      return !typesOnly.test(code);
    })
    .map(({ from, specifier }) => `${from}: ${specifier}`);
}

/** Every import cycle, once, as the list of its files. */
export function cyclesOf(imports: readonly Import[]): string[] {
  const next = new Map<string, string[]>();
  for (const { from, target } of imports) {
    if (target !== undefined && target !== from) next.set(from, [...(next.get(from) ?? []), target]);
  }
  const done = new Set<string>();
  const problems: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(path);
    if (seenAt >= 0) {
      problems.push([...trail.slice(seenAt), path].join(' -> '));
      return;
    }
    if (done.has(path)) return;
    for (const target of next.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  return problems;
}

/** Files of `paths` that cannot be reached from the entry points. */
export function orphansOf(
  paths: readonly string[],
  imports: readonly Import[],
  entryPoints: readonly string[],
): string[] {
  const reached = new Set(entryPoints);
  const queue = [...entryPoints];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    for (const { from, target } of imports) {
      if (from === path && target !== undefined && !reached.has(target)) {
        reached.add(target);
        queue.push(target);
      }
    }
  }
  return paths.filter((path) => !reached.has(path));
}

/** Words that code must not contain, looked for outside comments and strings. */
const forbiddenCode: readonly (readonly [RegExp, string, (path: string) => boolean])[] = [
  [
    /(?<![.\w])console\s*\./,
    'console (emit a RunEvent; only sinks print)',
    (path) => path.startsWith('src/'),
  ],
  [/\bprocess\.(?:stdout|stderr)\b/, 'process.stdout outside cli', (path) => /^src\/(?!cli\/)/.test(path)],
  [/\bprocess\.exit\(/, 'process.exit outside cli', (path) => /^src\/(?!cli\/)/.test(path)],
  [/\bMath\.random\(/, 'Math.random (use a seeded Random)', (path) => path.startsWith('src/')],
  [/(?<![.\w'"-])any\b(?!\s*[(:])/, 'any', () => true],
  [/^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s+\w/m, 'enum', () => true],
  [/^\s*namespace\s+\w+\s*\{/m, 'namespace', () => true],
];

export function forbiddenWords(file: SourceFile): string[] {
  const code = blank(file.text, true);
  return forbiddenCode
    .filter(([pattern, , applies]) => applies(file.path) && pattern.test(code))
    .map(([pattern, what]) => {
      const line = code.slice(0, code.search(pattern)).split('\n').length;
      return `${file.path}:${line}: ${what}`;
    });
}

const machinePath = (folders: readonly string[]): RegExp =>
  new RegExp(String.raw`(?:^|[^A-Za-z0-9_.~$}/-])/(?:${folders.join('|')})/[\w.]`);
const ownFolders = machinePath(['work', 'farm', 'home', 'root', 'Users']);
/** Every machine has it, and a test of the sandbox must name a file that may not be written. */
const sharedFolder = machinePath(['tmp']);

/** Lines that name a folder of somebody's machine. */
export function machinePaths(file: SourceFile): string[] {
  return file.text
    .split('\n')
    .flatMap((line, index) =>
      ownFolders.test(line) || (!file.path.endsWith('.test.ts') && sharedFolder.test(line))
        ? [`${file.path}:${index + 1}: ${line.trim().slice(0, 120)}`]
        : [],
    );
}
