/** A sandbox for the length of some work. */
import { createSandbox, type Sandbox } from '../../database/sandbox.ts';

export async function withSandbox<T>(work: (sandbox: Sandbox) => Promise<T>): Promise<T> {
  const sandbox = createSandbox();
  try {
    return await work(sandbox);
  } finally {
    await sandbox.close();
  }
}
