import { open, rm, stat } from 'node:fs/promises';

/** How long a lock may be held; what is older was left behind by a process that died. */
const staleMs = 10_000;

/** How long to wait for a lock before going on without: losing a few records is better than hanging. */
const patienceMs = 5000;

/**
 * Does something while holding a lock file, so that processes that do the same take turns. A lock left behind by a process
 * that died is broken.
 *
 * @param path - The lock file; its folder must exist.
 */
export async function withLock<T>(path: string, body: () => Promise<T>): Promise<T> {
  const held = await take(path);
  try {
    return await body();
  } finally {
    if (held) await rm(path, { force: true });
  }
}

async function take(path: string): Promise<boolean> {
  const started = Date.now();
  for (;;) {
    try {
      await (await open(path, 'wx')).close();
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Windows answers EPERM while a removed file still has a reader.
      if (code !== 'EEXIST' && code !== 'EPERM') throw error;
      if (code === 'EPERM' && Date.now() - started > patienceMs) throw error;
    }
    if (Date.now() - started > patienceMs) return false;
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > staleMs) await rm(path, { force: true });
    else await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 20));
  }
}
