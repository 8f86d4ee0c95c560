/** The API key of this browser: in memory, and on this device only where the person says so. */

const storageKey = 'querent.key';
type Asker = (wasRefused: boolean) => Promise<string | undefined>;

let key = stored();
let asker: Asker | undefined;
/** Several requests may be refused at once; the person is asked once. */
let asking: Promise<string | undefined> | undefined;

function stored(): string | undefined {
  try {
    return localStorage.getItem(storageKey) ?? undefined;
  } catch {
    return undefined;
  }
}

export const currentKey = (): string | undefined => key;

export function keepKey(next: string, isRemembered: boolean): void {
  key = next;
  try {
    if (isRemembered) localStorage.setItem(storageKey, next);
    else localStorage.removeItem(storageKey);
  } catch {
    // Storage is switched off: the key lives as long as the page.
  }
}

export function setKeyAsker(next: Asker | undefined): void {
  asker = next;
}

/** After a 401: the key to try next, or undefined where the person gave none. */
export async function askForKey(refused: string | undefined): Promise<string | undefined> {
  if (key !== refused) return key;
  if (asker === undefined) return undefined;
  asking ??= asker(refused !== undefined).finally(() => {
    asking = undefined;
  });
  return asking;
}
