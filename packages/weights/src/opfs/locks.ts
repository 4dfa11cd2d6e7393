import { CancelledError } from '@pleinair/tensor';

/** Something that is held until it is let go of, or its page is closed. */
export interface Held {
  release(): void;
}

/** The name of the lock on a file that comes. */
export function blobLock(folder: string, hex: string): string {
  return `pleinair ${folder}/${hex}`;
}

/** Takes a lock that all tabs and workers of the origin see. Undefined where it is not free and `ifAvailable` was asked. */
export function takeLock(name: string, options: LockOptions): Promise<Held | undefined> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, options, (lock) => {
        if (!lock) return resolve(undefined);
        return new Promise<void>((release) => resolve({ release }));
      })
      .catch(reject);
  });
}

/** Waits until nobody else has a lock, and keeps it. */
export async function waitForLock(name: string, signal: AbortSignal, onWait: (change: 1 | -1) => void): Promise<Held> {
  const free = await takeLock(name, { ifAvailable: true });
  if (free) return free;
  onWait(1);
  try {
    return (await takeLock(name, { signal }))!;
  } catch (error) {
    throw signal.aborted ? new CancelledError(name) : error;
  } finally {
    onWait(-1);
  }
}
