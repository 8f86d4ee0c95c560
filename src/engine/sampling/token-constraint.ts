/** Token constraints from the modules that their specs name, kept by key. Knows no model and no SQL. */
import { messageOf, QuerentError } from '../../foundation/errors.ts';
import type { ConstraintSpec, TokenConstraint } from '../policy.ts';

/** Made constraints by their key, the least recently used first. */
const keptConstraints = new Map<string, TokenConstraint>();
const keptConstraintsMax = 8;

export async function loadConstraint(spec: ConstraintSpec): Promise<TokenConstraint> {
  if (spec.key === undefined) return makeConstraint(spec);
  const key = `${spec.moduleUrl} ${spec.exportName} ${spec.key}`;
  const constraint = keptConstraints.get(key) ?? (await makeConstraint(spec));
  keptConstraints.delete(key);
  keptConstraints.set(key, constraint);
  const [oldest] = keptConstraints.keys();
  if (keptConstraints.size > keptConstraintsMax) keptConstraints.delete(oldest!);
  return constraint;
}

async function makeConstraint(spec: ConstraintSpec): Promise<TokenConstraint> {
  let factory: unknown;
  try {
    factory = ((await import(spec.moduleUrl)) as Record<string, unknown>)[spec.exportName];
  } catch (thrown) {
    throw new QuerentError(
      'engine/constraint-unavailable',
      `cannot load the token constraint ${spec.moduleUrl}: ${messageOf(thrown)}`,
      { next: 'Check moduleUrl: it must be a URL that import() can load.', cause: thrown },
    );
  }
  if (typeof factory === 'function') return factory(spec.options) as TokenConstraint;
  throw new QuerentError(
    'engine/constraint-unavailable',
    `${spec.moduleUrl} has no function named "${spec.exportName}"`,
    { next: 'Check exportName.' },
  );
}
