import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { SchedulerError } from '@pleinair/schedulers';
import { PleinairError } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../src/exit-code.js';

/** What a program that calls the command may rely on. 1 is for what only a bug can cause. */
const table: Readonly<Record<string, number>> = {
  cancelled: 130,
  'usage/': 2,
  'scheduler/': 2,
  'random/': 2,
  'shape/': 2,
  'device/no-adapter': 3,
  'device/': 4,
  'weights/output-exists': 6,
  'weights/no-room': 6,
  'weights/not-writable': 6,
  'weights/disk-full': 6,
  'weights/': 5,
  'weight/': 5,
  'hub/name': 2,
  'hub/no-room': 6,
  'hub/storage': 6,
  'hub/': 5,
  'tokenizer/invalid-prompt': 2,
  'tokenizer/': 5,
  'config/': 5,
  'lora/': 5,
  'embedding/': 5,
  'output/one-file': 2,
  'output/extension': 2,
  'output/': 6,
  'tuning/': 6,
  'recipe/': 2,
  'palettize/invalid-argument': 2,
  'palettize/not-finite': 5,
  'palettize/out-of-range': 5,
  'palettize/already-palettized': 5,
  'palettize/not-writable': 6,
  'palettize/': 1,
  'graph/': 1,
  'kernel/': 1,
  'program/': 1,
};

const expectedFor = (code: string): number | undefined =>
  Object.entries(table)
    .filter(([prefix]) => code === prefix || (prefix.endsWith('/') && code.startsWith(prefix)))
    .sort(([a], [b]) => b.length - a.length)[0]?.[1];

/** Every code that some source file of the packages throws. */
async function thrownCodes(): Promise<Map<string, string>> {
  const packages = fileURLToPath(new URL('../..', import.meta.url));
  const files = (await readdir(packages, { recursive: true })).filter((file) =>
    /^[^/\\]+[/\\]src[/\\](?!.*\.test\.ts$).*\.ts$/.test(file),
  );
  const texts = await Promise.all(
    files.map(async (file) => [file, await readFile(`${packages}/${file}`, 'utf8')] as const),
  );
  const families = new Set<string>();
  for (const [, text] of texts) {
    for (const [, family] of text.matchAll(/(?:new \w*Error|super)\(\s*['`]([a-z]+)[/'`]/g)) families.add(family!);
  }
  // Codes also stand in conditions and unions; kernels' names, which look alike, are of other families.
  const codes = new Map<string, string>();
  for (const [file, text] of texts) {
    for (const [, code, family] of text.matchAll(/['`](([a-z]+)(?:\/(?:[a-z-]+|\$\{\w+\}))?)['`]/g)) {
      if (families.has(family!) && (code !== family || code === 'cancelled')) codes.set(code!, file);
    }
  }
  return codes;
}

describe('exitCodeOf', () => {
  it('has a documented exit code for every error the packages throw', async () => {
    const codes = await thrownCodes();
    expect(codes.size).toBeGreaterThan(40);
    for (const known of ['cancelled', 'device/lost', 'output/disk-full', 'scheduler/unknown', 'weights/${code}']) {
      expect([...codes.keys()]).toContain(known);
    }
    for (const [code, file] of codes) {
      const expected = expectedFor(code);
      expect(expected, `${code} in ${file} has no row in the table`).toBeDefined();
      expect(exitCodeOf(new PleinairError(code, 'x')), code).toBe(expected);
    }
    // No row is about errors that nobody throws.
    for (const prefix of Object.keys(table)) {
      expect(
        [...codes.keys()].some((code) => code.startsWith(prefix)),
        prefix,
      ).toBe(true);
    }
  });

  it("takes errors of other copies and packages by their mark, and anything else as nobody's", () => {
    expect(exitCodeOf(new SchedulerError('scheduler/unknown', 'x'))).toBe(2);
    expect(exitCodeOf({ [Symbol.for('pleinair.error')]: true, code: 'output/disk-full' })).toBe(6);
    for (const error of [new Error('device/lost'), { code: 'cancelled' }, undefined, 'cancelled']) {
      expect(exitCodeOf(error)).toBe(1);
    }
  });
});
