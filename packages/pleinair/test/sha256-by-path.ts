import type { ModelSource } from '@pleinair/weights';

/** Checksums of all files of a model. */
export async function sha256ByPath(model: ModelSource): Promise<Record<string, string>> {
  const files = (await model.list?.()) ?? [];
  const sums = files.map(async ({ path, bytes }) => {
    const digest = await crypto.subtle.digest('SHA-256', await model.readRange(path, 0, bytes));
    return [path, [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')] as const;
  });
  return Object.fromEntries(await Promise.all(sums));
}
