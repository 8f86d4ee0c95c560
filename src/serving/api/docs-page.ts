/**
 * The documentation of the API as one page without scripts, made from the OpenAPI document: it needs nothing but this server,
 * and its content security policy allows nothing else.
 */
import { createHash } from 'node:crypto';

type Json = Readonly<Record<string, unknown>>;

const STYLE = `:root{color-scheme:light dark;--line:light-dark(#d5d9e0,#353b45);--soft:light-dark(#f4f5f8,#1d2127);--accent:light-dark(#1d4ed8,#8ab4ff)}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem;background:light-dark(#fff,#14171b);color:light-dark(#16191d,#e6e9ee)}
a{color:var(--accent)}code,pre{font:13px/1.5 ui-monospace,monospace}pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.7rem;overflow:auto;margin:.4rem 0}
details{border:1px solid var(--line);border-radius:8px;margin:.5rem 0}summary{cursor:pointer;padding:.6rem .8rem;display:flex;gap:.8rem;flex-wrap:wrap;align-items:baseline}
summary:focus-visible{outline:2px solid var(--accent)}.inside{padding:0 .8rem .8rem}.method{font:700 13px ui-monospace,monospace;color:var(--accent);min-width:4rem}
table{border-collapse:collapse;width:100%}td,th{border-top:1px solid var(--line);padding:.3rem .5rem;text-align:left;vertical-align:top}h3{font-size:1rem;margin:1rem 0 .2rem}`;

const styleHash = createHash('sha256').update(STYLE).digest('base64');
export const docsPolicy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const escaped = (text: unknown): string =>
  String(text).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const at = (value: unknown, ...keys: readonly string[]): unknown =>
  keys.reduce<unknown>((inner, key) => (isJson(inner) ? inner[key] : undefined), value);

/** What a schema asks for, as one line a field; references by their names. */
function typeText(schema: unknown): string {
  if (!isJson(schema)) return 'anything';
  if (typeof schema.$ref === 'string') return schema.$ref.split('/').at(-1)!;
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const several = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(several)) return several.map(typeText).join(' | ');
  if (Array.isArray(schema.type)) return schema.type.join(' | ');
  if (schema.type === 'array') return `${typeText(schema.items)}[]`;
  return typeof schema.type === 'string' ? schema.type : 'anything';
}

function bounds(schema: unknown): string {
  const names: readonly (readonly [string, string])[] = [
    ['minimum', '≥'],
    ['maximum', '≤'],
    ['minLength', 'length ≥'],
    ['maxLength', 'length ≤'],
    ['minItems', 'items ≥'],
    ['maxItems', 'items ≤'],
    ['default', 'default'],
  ];
  return names
    .flatMap(([name, word]) => {
      const value = at(schema, name);
      const isHuge = typeof value === 'number' && Math.abs(value) >= Number.MAX_SAFE_INTEGER;
      return value === undefined || isHuge ? [] : [`${word} ${JSON.stringify(value)}`];
    })
    .join(', ');
}

function fieldRows(schema: unknown, prefix = ''): string {
  const properties = at(schema, 'properties');
  if (!isJson(properties)) return '';
  const required = at(schema, 'required');
  return Object.entries(properties)
    .map(([name, field]) => {
      const isRequired = Array.isArray(required) && required.includes(name);
      const what = [at(field, 'description') ?? '', bounds(field)].filter((part) => part !== '').join('; ');
      const row = `<tr><td><code>${escaped(prefix + name)}</code>${isRequired ? ' *' : ''}</td><td>${escaped(typeText(field))}</td><td>${escaped(what)}</td></tr>`;
      return row + fieldRows(field, `${prefix}${name}.`);
    })
    .join('');
}

const table = (rows: string): string =>
  rows === '' ? '' : `<table><tr><th>field (* required)</th><th>type</th><th></th></tr>${rows}</table>`;

function curlText(method: string, path: string, example: unknown): string {
  const body =
    example === undefined ? '' : ` \\\n  -H 'content-type: application/json' -d '${JSON.stringify(example)}'`;
  const verb = method === 'get' ? '' : `-X ${method.toUpperCase()} `;
  return `curl ${verb}http://127.0.0.1:8000${path}${body}`;
}

function operationHtml(document: unknown, path: string, method: string, operation: Json): string {
  const resolve = (schema: unknown): unknown => {
    const reference = at(schema, '$ref');
    return typeof reference === 'string' ? at(document, ...reference.split('/').slice(1)) : schema;
  };
  const request = at(operation, 'requestBody', 'content', 'application/json');
  const parameters = Array.isArray(operation.parameters) ? operation.parameters : [];
  const parameterRows = parameters
    .map(
      (parameter) =>
        `<tr><td><code>${escaped(at(parameter, 'name'))}</code>${at(parameter, 'required') === true ? ' *' : ''}</td><td>${escaped(typeText(at(parameter, 'schema')))}</td><td>${escaped(bounds(at(parameter, 'schema')))}</td></tr>`,
    )
    .join('');
  const responses = Object.entries(isJson(operation.responses) ? operation.responses : {});
  const responseRows = responses
    .map(([status, response]) => {
      const types = Object.keys((at(response, 'content') as Json | undefined) ?? {}).join(', ');
      return `<tr><td>${escaped(status)}</td><td>${escaped(at(response, 'description'))}</td><td>${escaped(types)}</td></tr>`;
    })
    .join('');
  const answered = responses.find(([status]) => status.startsWith('2'))?.[1];
  const fields = fieldRows(resolve(at(answered, 'content', 'application/json', 'schema')));
  return `<details><summary><span class="method">${method.toUpperCase()}</span><code>${escaped(path)}</code><span>${escaped(operation.summary)}</span></summary><div class="inside">
${operation.description === undefined ? '' : `<p>${escaped(operation.description)}</p>`}
<pre>${escaped(curlText(method, path, at(request, 'example')))}</pre>
${parameterRows === '' ? '' : `<h3>Parameters</h3>${table(parameterRows)}`}
${request === undefined ? '' : `<h3>Body</h3>${table(fieldRows(resolve(at(request, 'schema'))))}`}
${fields === '' ? '' : `<h3>Answer</h3>${table(fields)}`}
<h3>Statuses</h3><table>${responseRows}</table></div></details>`;
}

/** `document`: OpenAPI 3.1, as this server gives it at /openapi.json. */
export function renderDocs(document: unknown): string {
  const paths = at(document, 'paths');
  const byTag = new Map<string, string[]>();
  for (const [path, methods] of Object.entries(isJson(paths) ? paths : {})) {
    for (const [method, operation] of Object.entries(isJson(methods) ? methods : {})) {
      if (!isJson(operation)) continue;
      const tag = Array.isArray(operation.tags) ? String(operation.tags[0]) : 'Other';
      byTag.set(tag, [...(byTag.get(tag) ?? []), operationHtml(document, path, method, operation)]);
    }
  }
  const sections = [...byTag].map(([tag, operations]) => `<h2>${escaped(tag)}</h2>${operations.join('\n')}`);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escaped(at(document, 'info', 'title'))}</title><style>${STYLE}</style></head><body><main>
<h1>${escaped(at(document, 'info', 'title'))} <small>${escaped(at(document, 'info', 'version'))}</small></h1>
<p>${escaped(at(document, 'info', 'description'))} The same for programs: <a href="/openapi.json">/openapi.json</a>. The page to ask on: <a href="/">/</a>.</p>
${sections.join('\n')}</main></body></html>`;
}
